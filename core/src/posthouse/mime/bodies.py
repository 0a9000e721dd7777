"""Text bodies: line endings, and the transfer encoding that is allowed and shortest (RFC 2045 section 6)."""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp

__all__ = ["encode_text", "has_long_line", "is_plain"]

_LONGEST_LINE = 998
_BASE64_LINE = 57  # bytes that become 76 characters
_WITHOUT_CONTROLS = bytes(octet if octet in b"\t\r\n" or 32 <= octet != 127 else ord("?") for octet in range(256))
_NOT_ESCAPED = bytes(octet for octet in range(32, 127) if octet != ord("=")) + b"\t\r\n"


def encode_text(text: str, eightbit: bool) -> tuple[str, bytes]:
    """Encode a body in UTF-8. Each kind of line ending becomes CRLF, and the last line gets one.

    As it is where the lines allow that (no control character, none longer than 998 octets), UTF-8 as it is only if
    ``eightbit``; otherwise quoted-printable or base64, whichever is shorter.

    Returns:
        The Content-Transfer-Encoding, and the octets as they travel.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    data = text.encode()
    is_ascii = text.isascii()
    if (is_ascii or eightbit) and is_plain(data):
        return ("7bit" if is_ascii else "8bit"), data.replace(b"\n", b"\r\n")
    escaped = len(data.translate(None, _NOT_ESCAPED))
    if len(data) + 2 * escaped <= len(data) // 3 * 4 and b"\0" not in data:
        return "quoted-printable", b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    return "base64", _base64_lines(data.replace(b"\n", b"\r\n"))


def is_plain(data: bytes, crlf: bool = False) -> bool:
    """True if no line is too long and no control character needs encoding."""
    return data.translate(_WITHOUT_CONTROLS) == data and not has_long_line(data, crlf)


def has_long_line(data: bytes, crlf: bool) -> bool:
    """True if a line has more than 998 octets without its line ending, CRLF or LF (RFC 5322 section 2.1.1)."""
    longest = _LONGEST_LINE + crlf
    position = 0
    while len(data) - position > longest:  # in a window as long as the longest line there must be an end
        position = data.rfind(b"\n", position, position + longest + 1) + 1
        if not position:
            return True
    return False


def _base64_lines(data: bytes) -> bytes:
    lines = (
        b2a_base64(data[start : start + _BASE64_LINE], newline=False) for start in range(0, len(data), _BASE64_LINE)
    )
    return b"\r\n".join([*lines, b""])
