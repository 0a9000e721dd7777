"""Prepare user names and passwords for comparison (SASLprep, RFC 4013), on the standard library's tables.

The clients under test bring their own; a second one, written apart from theirs, is what makes the sandbox a check.
"""

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
    """Return ``text`` mapped and normalised as RFC 4013 sections 2.1 and 2.2 say.

    Raises:
        ValueError: it holds a character that RFC 4013 section 2.3 prohibits, or mixes directions of writing in a way
            that RFC 3454 section 6 does not allow.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.normalize("NFKC", mapped)
    if any(prohibited(char) for char in prepared for prohibited in _PROHIBITED):
        raise ValueError("it holds a character that RFC 4013 prohibits")
    if any(stringprep.in_table_d1(char) for char in prepared):
        ends_right_to_left = stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
        if not ends_right_to_left or any(stringprep.in_table_d2(char) for char in prepared):
            raise ValueError("it mixes directions of writing (RFC 3454 section 6)")
    return prepared
