"""A received message, taken apart to be shown. Whatever it holds, showing it never fails."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from email.message import Message
from functools import cached_property
from typing import Any

from attrs import define, frozen

from posthouse_sandbox.inbox import Received

__all__ = ["Contents", "Part"]

_CID = re.compile(r"(?i)\bcid:([^\"'()<>\s]+)")
_IMAGE = re.compile(r"image/[a-z0-9.+-]+")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


@frozen(kw_only=True)
class Part:
    """A part of a message that holds no other parts.

    Attributes:
        number: its place, from 1.
        content_type: in lower case, without parameters.
        filename: as the sender named it; empty without a name.
        content_id: what HTML refers to with ``cid:``; empty without one.
        attachment: whether it is to be saved rather than shown.
        content: its bytes, decoded.
        text: the same as text; None where it is none.
    """

    number: int
    content_type: str
    filename: str
    content_id: str
    attachment: bool
    content: bytes
    text: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the content as plain data."""
        return {
            "number": self.number,
            "content_type": self.content_type,
            "filename": self.filename,
            "content_id": self.content_id,
            "attachment": self.attachment,
            "size": len(self.content),
        }


@define(slots=False)
class Contents:
    """What a message holds.

    Attributes:
        received: the message.
    """

    received: Received

    @cached_property
    def message(self) -> Message:
        """The message as the parser sees it."""
        return self.received.message

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Every header field in its order, unfolded and decoded where that is possible."""
        return tuple((name, self._decoded(name, raw)) for name, raw in self.message.raw_items())

    def header(self, name: str) -> str:
        """Return the first field of this name; empty without one."""
        return next((value for found, value in self.headers if found.lower() == name.lower()), "")

    def _decoded(self, name: str, raw: object) -> str:
        try:
            value = str(self.message.policy.header_fetch_parse(name, raw))  # type: ignore[arg-type]
        except Exception:  # the parser of the standard library stumbles over some headers with any exception
            value = str(raw)
        return " ".join(value.encode("utf-8", "replace").decode().split())

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts in their order."""
        return tuple(_part(number, part) for number, part in enumerate(_leaves(self.message), 1))

    @property
    def subject(self) -> str:
        """The subject; empty without one."""
        return self.header("Subject")

    @property
    def html(self) -> str | None:
        """The HTML body, its inline images put into it; None without one."""
        part = self._body("text/html")
        return None if part is None else _CID.sub(self._inline, part.text or "")

    @property
    def text(self) -> str | None:
        """The plain-text body; None without one."""
        part = self._body("text/plain")
        return None if part is None else part.text

    @property
    def attachments(self) -> tuple[Part, ...]:
        """What there is to save."""
        return tuple(part for part in self.parts if part.attachment or part.filename)

    def _body(self, content_type: str) -> Part | None:
        bodies = (part for part in self.parts if part.content_type == content_type and not part.attachment)
        return next(bodies, None)

    def _inline(self, reference: re.Match[str]) -> str:
        part = next((part for part in self.parts if part.content_id and part.content_id == reference[1]), None)
        if part is None or not _IMAGE.fullmatch(part.content_type):
            return reference[0]
        return f"data:{part.content_type};base64,{base64.b64encode(part.content).decode()}"

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data: envelope, headers, bodies and a list of the parts."""
        return {
            **self.received.as_dict(),
            "subject": self.subject,
            "headers": [list(field) for field in self.headers],
            "text": self.text,
            "html": self.html,
            "parts": [part.as_dict() for part in self.parts],
            "has_request": self.received.request is not None,
        }


def _leaves(message: Message) -> Iterator[Message]:
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _part(number: int, part: Message) -> Part:
    content_type = _quietly(part.get_content_type, "")
    if not _TYPE.fullmatch(content_type):
        content_type = "application/octet-stream"
    content = _quietly(lambda: _content(part), b"")
    return Part(
        number=number,
        content_type=content_type,
        filename=_quietly(lambda: part.get_filename() or "", ""),
        content_id=_quietly(lambda: str(part["Content-ID"] or ""), "").strip().strip("<>"),
        attachment=_quietly(part.get_content_disposition, None) == "attachment",
        content=content,
        text=_text(content, part) if content_type.startswith("text/") else None,
    )


def _content(part: Message) -> bytes:
    if part.is_multipart():  # a message within the message
        return b"\r\n".join(inner.as_bytes() for inner in part.get_payload() if isinstance(inner, Message))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(content: bytes, part: Message) -> str:
    charset = _quietly(lambda: str(part.get_content_charset("utf-8")), "utf-8")
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _quietly(look: Any, otherwise: Any) -> Any:
    """Return what is found; the parser of the standard library stumbles over some mails with any exception."""
    try:
        return look()
    except Exception:
        return otherwise
