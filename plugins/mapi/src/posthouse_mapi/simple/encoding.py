"""A message as ``MAPISendMail`` reads it: one block of memory, whose pointers lead to other places in it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import frozen

from posthouse_mapi.simple.structures import NATIVE, Structures, structures

__all__ = ["BCC", "CC", "TO", "File", "Note", "Recipient", "ansi_text", "encode", "in_memory", "wide_text"]

TO, CC, BCC = 1, 2, 3
"""Classes of recipients (``MAPI_TO`` and so on); 0 is the originator, which no mail program lets one choose."""

_RECEIPT_REQUESTED = 0x2
_NOT_IN_THE_TEXT = 0xFFFFFFFF
_ALIGNMENT = 8


@frozen
class Recipient:
    """Who gets it: class, display name, address of the mailbox."""

    kind: int
    name: str
    address: str


@frozen
class File:
    """An attachment: where it is, and the name that the recipient sees."""

    path: Path
    name: str


@frozen
class Note:
    """All that Simple MAPI can carry."""

    subject: str
    text: str
    recipients: Sequence[Recipient] = ()
    files: Sequence[File] = ()
    receipt: bool = False


def wide_text(text: str) -> bytes:
    """Return what a pointer of ``MapiMessageW`` leads to: UTF-16, whatever this system's wchar_t is, and its end."""
    return text.encode("utf-16-le") + b"\0\0"


def ansi_text(code_page: str) -> Callable[[str], bytes]:
    """Return what makes the texts of ``MapiMessage``.

    It raises UnicodeEncodeError for a text that does not fit the code page; nothing is replaced by question marks.
    """
    return lambda text: text.encode(code_page, "strict") + b"\0"


def encode(note: Note, text: Callable[[str], bytes], *, width: int = NATIVE, base: int = 0) -> bytes:
    """Return the block; it begins with the message itself.

    Args:
        note: what to say.
        text: `wide_text`, or what `ansi_text` returns.
        width: bytes of a pointer.
        base: address that the block will have, a multiple of 8.
    """
    block = _Block(structures(width), base)
    message = block.layout.message(
        lpszSubject=block.text(text(note.subject)),
        lpszNoteText=block.text(text(note.text)),
        flFlags=_RECEIPT_REQUESTED if note.receipt else 0,
        nRecipCount=len(note.recipients),
        lpRecips=block.array(
            block.layout.recipient(
                ulRecipClass=recipient.kind,
                lpszName=block.text(text(recipient.name or recipient.address)),
                lpszAddress=block.text(text(f"SMTP:{recipient.address}")),
            )
            for recipient in note.recipients
        ),
        nFileCount=len(note.files),
        lpFiles=block.array(
            block.layout.file(
                nPosition=_NOT_IN_THE_TEXT,
                lpszPathName=block.text(text(str(file.path))),
                lpszFileName=block.text(text(file.name)),
            )
            for file in note.files
        ),
    )
    return block.beginning_with(message)


def in_memory(note: Note, text: Callable[[str], bytes]) -> tuple[int, object]:
    """Return the address of the block in this process, and what keeps it alive.

    Raises:
        UnicodeEncodeError: from ``text``.
    """
    size = len(encode(note, text))
    memory = ctypes.create_string_buffer(size + _ALIGNMENT)
    address = -(-ctypes.addressof(memory) // _ALIGNMENT) * _ALIGNMENT
    ctypes.memmove(address, encode(note, text, base=address), size)
    return address, memory


class _Block:
    """Memory that grows; what was put in stays where it is."""

    def __init__(self, layout: Structures, base: int) -> None:
        self.layout = layout
        self._base = base
        self._octets = bytearray(ctypes.sizeof(layout.message))

    def text(self, content: bytes) -> int:
        """Put text in and return its address."""
        return self._put(content)

    def array(self, items: Iterable[ctypes.Structure]) -> int:
        """Put structures in, one after the other, and return the address of the first; 0 if there is none."""
        content = b"".join(bytes(item) for item in items)
        return self._put(content) if content else 0

    def beginning_with(self, message: ctypes.Structure) -> bytes:
        """Return everything."""
        return bytes(message) + bytes(self._octets[ctypes.sizeof(message) :])

    def _put(self, content: bytes) -> int:
        self._octets += bytes(-len(self._octets) % _ALIGNMENT)
        address = self._base + len(self._octets)
        self._octets += content
        return address
