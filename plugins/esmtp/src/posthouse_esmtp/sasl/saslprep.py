"""Prepare user names and passwords for comparison (SASLprep, RFC 4013)."""

from __future__ import annotations

import stringprep
import unicodedata

__all__ = ["saslprep"]

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """Return ``text`` mapped and normalised; code points that Unicode 3.2 did not assign are allowed, as in a query.

    Raises:
        ValueError: RFC 4013 prohibits the text. The message does not hold it.
    """
    if text.isascii() and text.isprintable():
        return text
    mapped = (" " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char))
    prepared = unicodedata.normalize("NFKC", "".join(mapped))
    if any(prohibited(char) for char in prepared for prohibited in _PROHIBITED):
        raise ValueError("a character that RFC 4013 prohibits")
    _check_direction(prepared)
    return prepared


def _check_direction(text: str) -> None:
    """Hold RFC 3454 section 6: right-to-left text has no left-to-right character, and begins and ends as it is."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return
    if any(stringprep.in_table_d2(char) for char in text):
        raise ValueError("letters of both writing directions")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left letters that neither begin nor end it")
