"""Texts as Windows has them."""

from __future__ import annotations

import re

__all__ = ["windows_lines"]

_LINE_END = re.compile(r"\r\n|\r|\n")


def windows_lines(text: str) -> str:
    """Return a text whose lines end with CRLF, as mail programs expect."""
    return _LINE_END.sub("\r\n", text)
