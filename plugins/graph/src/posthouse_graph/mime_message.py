"""A message as Graph takes MIME: all of it, or all but its files.

A Bcc header is where Graph learns of hidden recipients; Exchange takes it off before anybody else sees it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

import attrs

from posthouse.messages import Message
from posthouse.mime import render
from posthouse.mime.raw import fields, split, with_headers

if TYPE_CHECKING:
    from posthouse.recipients import Named

__all__ = ["CONTENT_TYPE", "as_mime", "encoded", "mime_size", "skeleton"]

CONTENT_TYPE = "text/plain"
"""What Graph wants the base64 of MIME to be called."""

_OF_THE_BODY = ("content-", "mime-version")


def as_mime(message: Message, names: Named) -> bytes:
    """Return the whole message. Reads its files, which may block.

    Raises:
        MessageError: a file cannot be read.
    """
    return _with_names(bytes(render(message, eightbit=True)), message, names)


def mime_size(message: Message) -> int:
    """Return the bytes of the whole message, but for a Bcc header, without reading any file."""
    return render(message, eightbit=True).size


def skeleton(message: Message, names: Named) -> bytes:
    """Return the message without its files, which are added to the draft that is made of it."""
    if message.raw is None:
        return _with_names(
            bytes(render(attrs.evolve(message, attachments=(), inline=()), eightbit=True)), message, names
        )
    body = Message(sender=message.sender, text=message.text, html=message.html)
    made, content = split(bytes(render(body, eightbit=True)))
    head = b"".join(field.octets for field in fields(split(message.raw)[0]) if not _is_of_the_body(field.name))
    head += b"".join(field.octets for field in fields(made) if _is_of_the_body(field.name))
    return _with_names(head + content, message, names)


def encoded(mime: bytes) -> bytes:
    """Return MIME as the body of a request."""
    return b64encode(mime)


def _is_of_the_body(name: str) -> bool:
    return name.lower().startswith(_OF_THE_BODY)


def _with_names(mime: bytes, message: Message, names: Named) -> bytes:
    changes: dict[str, Any] = {}
    if names.to != message.to:
        changes["To"] = names.to
    if names.cc != message.cc:
        changes["Cc"] = names.cc
    if names.bcc:
        changes["Bcc"] = names.bcc
    return with_headers(mime, changes, replace=True) if changes else mime
