"""The MIME parts of a message, nested as RFC 2046 and RFC 2387 have it.

::

    multipart/mixed
    ├── multipart/alternative
    │   ├── text/plain
    │   └── multipart/related
    │       ├── text/html
    │       └── inline files
    └── attachments

A level with a single part is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import attrs
from attrs import define

from posthouse.errors import MessageError
from posthouse.mime.bodies import encode_text, is_plain
from posthouse.mime.fallback import to_seven_bit
from posthouse.mime.parameters import file_name, legacy_name
from posthouse.mime.rendered import EncodedFile, Segment

if TYPE_CHECKING:
    from posthouse.attachments import Attachment
    from posthouse.messages import Message

__all__ = ["Part", "body_of"]

_MOST_KEPT = 64 * 1024  # bytes; a small attachment in memory is encoded once for all recipients


@define(eq=False)
class Part:
    """One part, or the body of a whole message.

    Attributes:
        headers: its MIME header fields.
        content: what follows the empty line; ends with CRLF unless it is empty.
        eightbit: True if it holds octets beyond ASCII.
    """

    headers: str
    content: Sequence[Segment]
    eightbit: bool = False


def body_of(message: Message, eightbit: bool) -> Part:
    """Return the body of a message, its content merged into as few segments as it has streamed files."""
    if message.html is None and not message.attachments:
        return _text("plain", message.text or "", eightbit)
    parts = [*_texts(message, eightbit), *(_file(file, "attachment", eightbit) for file in message.attachments)]
    body = _multipart("mixed", parts) if message.attachments else parts[0]
    return body if len(body.content) == 1 else attrs.evolve(body, content=_merged(body.content))


def _texts(message: Message, eightbit: bool) -> Iterator[Part]:
    alternatives = []
    if message.text is not None:
        alternatives.append(_text("plain", message.text, eightbit))
    if message.html is not None:
        html = _text("html", message.html, eightbit)
        files = [_file(file, "inline", eightbit) for file in message.inline]
        alternatives.append(_multipart("related", [html, *files], '; type="text/html"') if files else html)
    if len(alternatives) > 1:
        yield _multipart("alternative", alternatives)
    elif alternatives:
        yield alternatives[0]


def _text(subtype: str, text: str, eightbit: bool) -> Part:
    encoding, octets = encode_text(text, eightbit)
    headers = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n'
    return Part(headers, [octets], encoding == "8bit")


def _file(file: Attachment, disposition: str, eightbit: bool) -> Part:
    embedded = file.content_type.lower().startswith("message/")
    content, encoding = _embedded(file, eightbit) if embedded else ([_encoded(file)], "base64")
    has_name = "name=" in file.content_type.lower()
    headers = [
        f"Content-Type: {file.content_type}{legacy_name(file.name) if file.name and not has_name else ''}",
        f"Content-Transfer-Encoding: {encoding}",
        f"Content-Disposition: {disposition}{file_name(file.name) if file.name else ''}",
    ]
    if file.content_id:
        headers.append(f"Content-ID: <{file.content_id}>")
    return Part("\r\n".join([*headers, ""]), content, encoding == "8bit")


def _encoded(file: Attachment) -> Segment:
    encoded = EncodedFile(file)
    return encoded if encoded.blocking or encoded.size > _MOST_KEPT else b"".join(encoded.chunks())


def _embedded(file: Attachment, eightbit: bool) -> tuple[list[Segment], str]:
    """Return a message that is attached; it must not be in base64 (RFC 2046 section 5.2.1)."""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", file.read())
    if not data.isascii() and not eightbit and file.content_type.lower().startswith("message/rfc822"):
        data = to_seven_bit(data, "8-bit message attached")
    if not data.endswith(b"\r\n"):
        data += b"\r\n"
    if (data.isascii() or eightbit) and is_plain(data, crlf=True):
        return [data], "7bit" if data.isascii() else "8bit"
    raise MessageError(
        f"The attachment {file.name} of type {file.content_type} cannot travel as it is",
        code="message.attachment",
        hint="It holds control characters, overlong lines or 8-bit text. Give it as application/octet-stream.",
    )


def _multipart(subtype: str, parts: Sequence[Part], parameters: str = "") -> Part:
    boundary = _boundary(parts)
    headers = f'Content-Type: multipart/{subtype}{parameters};\r\n boundary="{boundary}"\r\n'
    content: list[Segment] = []
    for part in parts:
        content += f"--{boundary}\r\n{part.headers}\r\n".encode(), *part.content, b"\r\n"
    content.append(f"--{boundary}--\r\n".encode())
    return Part(headers, content, any(part.eightbit for part in parts))


def _boundary(parts: Sequence[Part]) -> str:
    """Return a boundary that occurs in no part: neither quoted-printable nor base64 ever hold ``=_``."""
    segments = [segment for part in parts for segment in part.content if isinstance(segment, bytes)]
    while True:
        boundary = f"=_{os.urandom(15).hex()}"
        if not any(boundary.encode() in segment for segment in segments):
            return boundary


def _merged(content: Sequence[Segment]) -> list[Segment]:
    merged: list[Segment] = []
    for is_bytes, group in groupby(content, lambda segment: isinstance(segment, bytes)):
        if is_bytes:
            merged.append(b"".join(segment for segment in group if isinstance(segment, bytes)))
        else:
            merged += group
    return merged
