"""The structures of Simple MAPI (``MAPI.h``), for programs of 32 and of 64 bit.

Both layouts can be computed on every system: a pointer is a number of the width that is asked for. ``MapiMessage`` and
``MapiMessageW`` differ in nothing but the text that their pointers lead to.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from attrs import frozen

__all__ = ["NATIVE", "Structures", "structures"]

NATIVE = ctypes.sizeof(ctypes.c_void_p)
"""Bytes of a pointer in this process."""


@frozen
class Structures:
    """The three structures, for one width of pointers."""

    message: type[ctypes.Structure]
    recipient: type[ctypes.Structure]
    file: type[ctypes.Structure]


@cache
def structures(width: int = NATIVE) -> Structures:
    """Return the layouts for pointers of this many bytes, 4 or 8; members are aligned by their own size, as in C."""
    pointer = {4: ctypes.c_uint32, 8: ctypes.c_uint64}[width]
    number = ctypes.c_uint32
    recipient = _structure(
        "MapiRecipDesc",
        ulReserved=number,
        ulRecipClass=number,
        lpszName=pointer,
        lpszAddress=pointer,
        ulEIDSize=number,
        lpEntryID=pointer,
    )
    file = _structure(
        "MapiFileDesc",
        ulReserved=number,
        flFlags=number,
        nPosition=number,
        lpszPathName=pointer,
        lpszFileName=pointer,
        lpFileType=pointer,
    )
    message = _structure(
        "MapiMessage",
        ulReserved=number,
        lpszSubject=pointer,
        lpszNoteText=pointer,
        lpszMessageType=pointer,
        lpszDateReceived=pointer,
        lpszConversationID=pointer,
        flFlags=number,
        lpOriginator=pointer,
        nRecipCount=number,
        lpRecips=pointer,
        nFileCount=number,
        lpFiles=pointer,
    )
    return Structures(message, recipient, file)


def _structure(name: str, **members: Any) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(members.items())})
