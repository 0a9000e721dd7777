"""A message in memory, read back byte by byte, for both bitnesses."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_mapi.simple.encoding import File, Note, Recipient, ansi_text, encode, in_memory, wide_text
from posthouse_mapi.simple.structures import NATIVE

from .program import Decoded, DecodedFile, DecodedRecipient, decode

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
LATIN = st.text(st.characters(min_codepoint=1, max_codepoint=0x7E), max_size=40)


def notes(text: st.SearchStrategy[str]) -> st.SearchStrategy[Note]:
    recipients = st.builds(Recipient, st.sampled_from([1, 2, 3]), text, text)
    files = st.builds(File, text.map(lambda name: Path("/folder") / name.replace("/", "")), text)
    return st.builds(Note, text, text, st.lists(recipients, max_size=3), st.lists(files, max_size=3), st.booleans())


def read_back(block: bytes, base: int, width: int, encoding: str) -> Decoded:
    """Decode a block that lies at an address; nothing outside of it may be read."""

    def read(address: int, size: int) -> bytes:
        start = address - base
        assert 0 <= start <= start + size <= len(block)
        return block[start : start + size]

    return decode(base, read, width=width, encoding=encoding)


def expected(note: Note) -> Decoded:
    return Decoded(
        note.subject,
        note.text,
        2 if note.receipt else 0,
        [DecodedRecipient(one.kind, one.name or one.address, f"SMTP:{one.address}") for one in note.recipients],
        [DecodedFile(str(file.path), file.name) for file in note.files],
    )


@pytest.mark.parametrize("width", [4, 8])
@given(note=notes(TEXT), page=st.integers(1, 2**19))
def test_unicode(width: int, note: Note, page: int) -> None:
    base = page * 4096
    block = encode(note, wide_text, width=width, base=base)
    assert read_back(block, base, width, "utf-16-le") == expected(note)


@pytest.mark.parametrize("width", [4, 8])
@given(note=notes(LATIN), page=st.integers(1, 2**19))
def test_code_page(width: int, note: Note, page: int) -> None:
    base = page * 4096
    block = encode(note, ansi_text("cp1252"), width=width, base=base)
    assert read_back(block, base, width, "cp1252") == expected(note)


@given(note=notes(TEXT))
def test_in_this_process(note: Note) -> None:
    address, kept = in_memory(note, wide_text)
    assert address % 8 == 0
    assert decode(address, ctypes.string_at, width=NATIVE, encoding="utf-16-le") == expected(note)
    del kept


def test_nothing_is_replaced_in_a_code_page() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode(Note("Łódź", ""), ansi_text("cp1252"))
