"""Encoded words (RFC 2047): how Unicode travels in a header that may only hold ASCII."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64

__all__ = ["ENCODED_WORD", "decode", "encode"]

ENCODED_WORD = re.compile(r"=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=")

_LINE = 76  # a line that holds an encoded word is no longer (RFC 2047 section 2)
_OVERHEAD = len("=?utf-8?b??=")
_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_SAFE = _PLAIN + b" "  # all that may stand unescaped in a phrase (section 5), the space as an underscore


class _QTable(dict[str, str]):
    """Every character's Q form, made when first met."""

    def __missing__(self, character: str) -> str:
        coded = "".join(f"={octet:02X}" for octet in character.encode())
        if len(self) < 20_000:
            self[character] = coded
        return coded


_Q = _QTable({chr(octet): chr(octet) for octet in _PLAIN}, **{" ": "_"})


def encode(text: str, used: int) -> list[str]:
    """Return encoded words of at most 75 characters, in whichever of B and Q is shorter.

    Args:
        text: any Unicode but lone surrogates. No character is ever split between two words (section 5).
        used: how many characters of the line are taken before the first word, at least the one space of a fold.
    """
    data = text.encode()
    escaped = len(data.translate(None, _SAFE))
    room = max(_LINE - used - _OVERHEAD, len("=F0=9F=98=80"))
    if len(data) + 2 * escaped <= (len(data) + 2) // 3 * 4:
        return _encode_q(text, room)
    return _encode_b(data, room)


def _encode_b(data: bytes, room: int) -> list[str]:
    words = []
    start, end = 0, len(data)
    while start < end:
        stop = start + room // 4 * 3
        if stop < end:
            while data[stop] & 0xC0 == 0x80:  # inside a character
                stop -= 1
        coded = b2a_base64(data[start:stop], newline=False).decode("ascii")
        words.append(f"=?utf-8?b?{coded}?=")
        start, room = stop, _LINE - 1 - _OVERHEAD
    return words


def _encode_q(text: str, room: int) -> list[str]:
    words = []
    word: list[str] = []
    left = room
    for character in text:
        coded = _Q[character]
        if len(coded) > left:
            words.append(f"=?utf-8?q?{''.join(word)}?=")
            word, left = [], _LINE - 1 - _OVERHEAD
        word.append(coded)
        left -= len(coded)
    words.append(f"=?utf-8?q?{''.join(word)}?=")
    return words


def decode(text: str) -> str:
    """Return text with its encoded words decoded; a word that cannot be decoded stays as it is.

    White space between two encoded words belongs to neither (RFC 2047 section 6.2).
    """
    if "=?" not in text:
        return text
    parts: list[str] = []
    pending: tuple[str, bytes] | None = None  # a character may be split between words of one charset
    position = 0
    for match in ENCODED_WORD.finditer(text):
        between = text[position : match.start()]
        content = _content(match[2], match[3])
        if content is None:
            continue
        charset = match[1].partition("*")[0].lower()  # RFC 2231 section 5 allows a language after a star
        adjacent = pending is not None and not between.strip(" \t\r\n")
        if adjacent and pending is not None and pending[0] == charset:
            pending = (charset, pending[1] + content)
        else:
            parts += _text(pending), "" if adjacent else between
            pending = (charset, content)
        position = match.end()
    return "".join([*parts, _text(pending), text[position:]])


def _content(encoding: str, coded: str) -> bytes | None:
    if encoding in "qQ":
        octets = coded.replace("_", " ").encode("utf-8", "replace")
        return re.sub(rb"=([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode("ascii")), octets)
    try:
        return a2b_base64(coded.rstrip("=") + "=" * (-len(coded.rstrip("=")) % 4))
    except (Error, ValueError):
        return None


def _text(pending: tuple[str, bytes] | None) -> str:
    if pending is None:
        return ""
    charset, content = pending
    try:
        return content.decode(charset, "replace").encode("utf-8", "replace").decode()  # some codecs make surrogates
    except (LookupError, ValueError):  # a codec that is none, or none for text
        return content.decode("utf-8", "replace")
