"""A finished message as bytes: its line endings, and its header block, edited without touching anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from posthouse.errors import MessageError
from posthouse.mime.bodies import has_long_line

__all__ = ["Field", "fields", "normalized", "split", "with_crlf", "with_headers"]

_ANY_LINE_END = re.compile(rb"\r\n|\r|\n")
_NEVER = {"bcc", "resent-bcc"}


class Field(NamedTuple):
    """One header field: its name, and all its bytes from the name to the last CRLF."""

    name: str
    octets: bytes

    @property
    def value(self) -> str:
        """What follows the colon, unfolded (RFC 5322 section 2.2.3); bytes that are no UTF-8 are replaced."""
        text = self.octets.partition(b":")[2].decode("utf-8", "replace")
        return text.replace("\r\n", "").strip(" \t")


def with_crlf(raw: bytes) -> bytes:
    """Return the message with CRLF at each line's end; the very same bytes if they are so already.

    Raises:
        MessageError: it holds a NUL, or a line that is too long to travel.
    """
    if not isinstance(raw, bytes | bytearray | memoryview):
        raise MessageError(f"a raw message is bytes, not {type(raw).__name__}", code="message.type")
    raw = bytes(raw)
    ends = raw.count(b"\r\n")
    if raw.count(b"\n") != ends or raw.count(b"\r") != ends:
        raw = _ANY_LINE_END.sub(b"\r\n", raw)
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    if b"\0" in raw:
        raise MessageError("a message must not hold a NUL byte", code="message.malformed", hint="Encode it as base64.")
    if has_long_line(raw, crlf=True):
        raise MessageError(
            "a line is longer than 998 bytes, which no mail server has to take",
            code="message.line-length",
            hint="Encode that part as quoted-printable or base64.",
        )
    return raw


def normalized(raw: bytes) -> bytes:
    """Return the message as it may travel: `with_crlf`, and without Bcc; the very same bytes if they are so already.

    Raises:
        MessageError: it does not begin with headers (``message.malformed``), and as `with_crlf` does.
    """
    raw = with_crlf(raw)
    block, body = split(raw)
    kept = b"".join(field.octets for field in fields(block) if field.name.lower() not in _NEVER)
    return raw if len(kept) == len(block) else kept + body


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Split a normalised message into its header block and the rest, which begins with the empty line."""
    if raw.startswith(b"\r\n"):
        return b"", raw
    block, empty, body = raw.partition(b"\r\n\r\n")
    return (block + b"\r\n", b"\r\n" + body) if empty else (raw, b"\r\n")


def fields(block: bytes) -> Iterator[Field]:
    """Yield a header block's fields, folded lines together.

    Raises:
        MessageError: a line is neither a field nor a fold (``message.malformed``).
    """
    octets = b""
    for line in block.splitlines(keepends=True) if b"\r\n" in block else []:
        if line[:1] in {b" ", b"\t"} and octets:
            octets += line
            continue
        if octets:
            yield _field(octets)
        octets = line
    if octets:
        yield _field(octets)


def with_headers(raw: bytes, headers: Mapping[str, Any], *, replace: bool) -> bytes:
    """Return the message with these headers.

    Args:
        raw: a normalised message.
        headers: each a text, addresses, or a date; an empty value takes the header out.
        replace: False to leave a header as it is where there is one.
    """
    from posthouse.mime.headers import field_octets

    block, body = split(raw)
    present = list(fields(block))
    new = {name.lower(): (name, value) for name, value in headers.items()}
    if not replace:
        for field in present:
            new.pop(field.name.lower(), None)
    lines = []
    written: set[str] = set()
    for field in present:
        name = field.name.lower()
        if name not in new:
            lines.append(field.octets)
        elif name not in written:
            lines.append(field_octets(*new[name]))
            written.add(name)
    lines += [field_octets(*new[name]) for name in new if name not in written]
    return b"".join([*lines, body])


def _field(octets: bytes) -> Field:
    name, colon, _ = octets.partition(b":")
    text = name.rstrip(b" \t").decode("latin-1")
    if not colon or not re.fullmatch(r"[!-9;-~]+", text):
        shown = octets[:60].decode("utf-8", "replace").rstrip()
        raise MessageError(
            f"{shown!r} is no header line",
            code="message.malformed",
            hint="A message begins with its headers, followed by an empty line.",
        )
    return Field(text, octets)
