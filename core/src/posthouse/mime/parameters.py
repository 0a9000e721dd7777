"""Parameters of Content-Type and Content-Disposition, file names above all (RFC 2231)."""

from __future__ import annotations

import re
from urllib.parse import quote

from posthouse.mime.encoded_words import encode

__all__ = ["file_name", "legacy_name"]

_PLAIN = re.compile(r"[!#-:<-\[\]-~](?:[ !#-:<-\[\]-~]{0,58}[!#-:<-\[\]-~])?")  # in quotes, any parser reads it
_PIECE = 54  # characters of a continuation, so that its line stays within 78
_ATTRIBUTE_CHARACTERS = "!#$&+^`{}"  # beyond what quote() never encodes (RFC 2231 section 7)


def file_name(name: str) -> str:
    """Return ``filename=`` for Content-Disposition, folded before each parameter.

    Anything but short plain ASCII goes by RFC 2231, in continuations where it is long; no character is split.
    """
    if _PLAIN.fullmatch(name) and "=?" not in name:
        return f';\r\n filename="{name}"'
    pieces = _pieces(name)
    if len(pieces) == 1:
        return f";\r\n filename*=utf-8''{pieces[0]}"
    first, *others = pieces
    rest = (f";\r\n filename*{number}*={piece}" for number, piece in enumerate(others, 1))
    return "".join([f";\r\n filename*0*=utf-8''{first}", *rest])


def legacy_name(name: str) -> str:
    """Return ``name=`` for Content-Type, which old programs read instead; encoded words in quotes, as they expect."""
    if _PLAIN.fullmatch(name) and "=?" not in name:
        return f';\r\n name="{name}"'
    words = "\r\n ".join(encode(name, len(' name=""')))
    return f';\r\n name="{words}"'


def _pieces(name: str) -> list[str]:
    pieces = [""]
    for character in name:
        coded = quote(character, safe=_ATTRIBUTE_CHARACTERS)
        if len(pieces[-1]) + len(coded) > _PIECE:
            pieces.append("")
        pieces[-1] += coded
    return pieces
