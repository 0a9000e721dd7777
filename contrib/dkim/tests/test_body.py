"""The hash of a body, taken piece by piece, is dkimpy's of the whole."""

from __future__ import annotations

import hashlib

import pytest
from dkim.canonicalization import ALGORITHMS
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse_dkim.body import BodyHash, read
from posthouse_dkim.settings import Canonicalization

LINES = st.lists(st.text("a. \t=é", max_size=6).map(str.encode), max_size=12)


@pytest.mark.parametrize("how", Canonicalization)
@given(lines=LINES, cuts=st.lists(st.integers(0, 12)))
@example(lines=[], cuts=[])
@example(lines=[b"", b" ", b"\t"], cuts=[1])
@example(lines=[b"a", b"", b"", b"b ", b"", b" "], cuts=[2, 3])
def test_piece_by_piece_as_in_one(how: Canonicalization, lines: list[bytes], cuts: list[int]) -> None:
    ended = [line + b"\r\n" for line in lines]
    body = BodyHash(how)
    start = 0
    for cut in [*sorted(cuts), len(ended)]:
        body.update(b"".join(ended[start:cut]))
        start = max(start, cut)
    whole = ALGORITHMS[how.value.encode()].canonicalize_body(b"".join(ended))
    assert body.digest() == hashlib.sha256(whole).digest()


@pytest.mark.parametrize(
    ("chunks", "head", "body"),
    [
        ([b"A: 1\r\nB: 2\r\n\r\ntext\r\n"], b"A: 1\r\nB: 2\r\n", b"text\r\n"),
        ([b"A: 1\r\n", b"B: 2\r\n\r\n", b"te", b"xt\r\n"], b"A: 1\r\nB: 2\r\n", b"text\r\n"),
        ([b"A: 1\r\n", b"\r\n", b"text\r\n"], b"A: 1\r\n", b"text\r\n"),
        ([b"A: 1\r\n\r\n"], b"A: 1\r\n", b""),
        ([b"A: 1\r\n"], b"A: 1\r\n", b""),
    ],
)
def test_the_header_block_ends_at_the_empty_line(chunks: list[bytes], head: bytes, body: bytes) -> None:
    assert read(chunks, Canonicalization.RELAXED) == (head, hashlib.sha256(body).digest())
