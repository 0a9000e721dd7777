"""Sizes and offsets of the structures, for both bitnesses, as a C compiler computes them from MAPI.h."""

from __future__ import annotations

import ctypes
import struct

import pytest

from posthouse_mapi.simple.structures import NATIVE, structures

from .program import LAYOUTS

OFFSETS = {
    "message": {
        "ulReserved": (0, 0),
        "lpszSubject": (4, 8),
        "lpszNoteText": (8, 16),
        "lpszMessageType": (12, 24),
        "lpszDateReceived": (16, 32),
        "lpszConversationID": (20, 40),
        "flFlags": (24, 48),
        "lpOriginator": (28, 56),
        "nRecipCount": (32, 64),
        "lpRecips": (36, 72),
        "nFileCount": (40, 80),
        "lpFiles": (44, 88),
    },
    "recipient": {
        "ulReserved": (0, 0),
        "ulRecipClass": (4, 4),
        "lpszName": (8, 8),
        "lpszAddress": (12, 16),
        "ulEIDSize": (16, 24),
        "lpEntryID": (20, 32),
    },
    "file": {
        "ulReserved": (0, 0),
        "flFlags": (4, 4),
        "nPosition": (8, 8),
        "lpszPathName": (12, 16),
        "lpszFileName": (16, 24),
        "lpFileType": (20, 32),
    },
}
SIZES = {"message": (48, 96), "recipient": (24, 40), "file": (24, 40)}
EACH = pytest.mark.parametrize(("width", "column"), [(4, 0), (8, 1)], ids=["32 bit", "64 bit"])


@EACH
@pytest.mark.parametrize("name", SIZES)
def test_layout(name: str, width: int, column: int) -> None:
    structure = getattr(structures(width), name)
    assert ctypes.sizeof(structure) == SIZES[name][column]
    members = [member for member, _ in structure._fields_]
    assert {member: getattr(structure, member).offset for member in members} == {
        member: both[column] for member, both in OFFSETS[name].items()
    }
    assert members == list(OFFSETS[name])


@EACH
@pytest.mark.parametrize("name", SIZES)
def test_every_member_is_as_wide_as_it_has_to_be(name: str, width: int, column: int) -> None:
    structure = getattr(structures(width), name)
    for member in OFFSETS[name]:
        pointer = member.startswith("lp")
        assert getattr(structure, member).size == (width if pointer else 4), member


@EACH
@pytest.mark.parametrize("name", SIZES)
def test_the_stand_in_has_the_same_idea(name: str, width: int, column: int) -> None:
    assert struct.calcsize(LAYOUTS[width][name]) == SIZES[name][column]


def test_this_process_uses_its_own_width() -> None:
    assert ctypes.sizeof(ctypes.c_void_p) == NATIVE
    assert structures() is structures() is not structures(12 - NATIVE)
