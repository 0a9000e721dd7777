"""Reads finished messages, for policies and for transports that hand over parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from posthouse._checks import MANAGED_HEADERS
from posthouse.addresses import Address, parse_addresses
from posthouse.attachments import Attachment
from posthouse.errors import MessageError
from posthouse.mime.encoded_words import decode
from posthouse.mime.raw import fields, normalized, split, with_crlf, with_headers

if TYPE_CHECKING:
    from email.message import EmailMessage
    from email.message import Message as Part

__all__ = ["fields_of", "serialized"]

_ADDRESS_HEADERS = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Disposition-Notification-To")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def fields_of(raw: bytes) -> dict[str, Any]:
    """Return the fields of the `Message` that a finished message amounts to, ``raw`` among them.

    Raises:
        MessageError: it cannot be read (``message.malformed`` and what `normalized` raises).
    """
    raw = with_crlf(raw)
    headers: dict[str, list[str]] = {}
    others = []
    for field in fields(split(raw)[0]):
        headers.setdefault(field.name.lower(), []).append(field.value)
        if field.name.lower() not in MANAGED_HEADERS:
            others.append((field.name, _line(field.value)))
    if len(headers.get("from", [])) > 1:
        raise _malformed("it has more than one From header")
    own = normalized(raw)
    return _from_headers(headers) | _from_parts(own) | {"raw": own, "headers": tuple(others)}


def serialized(message: EmailMessage) -> bytes:
    """Render a message of the standard library, its non-ASCII addresses written by Posthouse.

    The standard library encodes the part before the @ like a name, which is no address any more (cpython #122476).

    Raises:
        MessageError: it cannot be rendered.
    """
    ours: dict[str, tuple[Address, ...]] = {}
    rest = copy(message)
    try:
        for name in _ADDRESS_HEADERS:
            addresses = [address for value in message.get_all(name, []) for address in _addresses_in(value)]
            if not all(address.addr_spec.isascii() for address in addresses):
                ours[name] = tuple(addresses)
                del rest[name]  # gives the copy a list of headers of its own
        options: dict[str, Any] = {"utf8": False} if hasattr(message.policy, "utf8") else {}
        raw = rest.as_bytes(policy=message.policy.clone(linesep="\r\n", **options))
    except MessageError:
        raise
    except Exception as error:  # email raises nearly anything for what it cannot render
        raise _malformed(f"the email package cannot render it: {error}") from error
    return with_headers(with_crlf(raw), ours, replace=True) if ours else raw


def _addresses_in(value: Any) -> Iterator[Address]:
    if hasattr(value, "addresses"):
        for address in value.addresses:
            yield Address(address.addr_spec, _CONTROL.sub(" ", address.display_name))
    elif not str(value).isascii():
        yield from parse_addresses(str(value))


def _from_headers(headers: dict[str, list[str]]) -> dict[str, Any]:
    def text(name: str) -> str:
        return headers.get(name, [""])[0]

    def addresses(name: str) -> tuple[Address, ...]:
        return tuple(address for value in headers.get(name, []) for address in parse_addresses(value))

    return {
        "sender": next(iter(addresses("from")), None),
        "sender_header": next(iter(addresses("sender")), None),
        "to": addresses("to"),
        "cc": addresses("cc"),
        "bcc": addresses("bcc") + addresses("resent-bcc"),
        "reply_to": addresses("reply-to"),
        "subject": _line(text("subject")),
        "date": _date(text("date")),
        "message_id": text("message-id") or None,
        "in_reply_to": text("in-reply-to") or None,
        "references": tuple(text("references").split()),
        "auto_submitted": text("auto-submitted") or None,
    }


def _line(value: str) -> str:
    return _CONTROL.sub(" ", decode(value))


def _from_parts(raw: bytes) -> dict[str, Any]:
    try:
        parts = list(_leaves(message_from_bytes(raw, policy=compat32)))
        bodies = {kind: _take_body(parts, subtype) for kind, subtype in (("text", "plain"), ("html", "html"))}
        files = [_attachment(part) for part in parts]
    except Exception as error:  # email raises nearly anything for malformed parts
        raise _malformed("its parts cannot be read") from error
    html = bodies["html"] or ""
    inline = [bool(file.content_id) and f"cid:{file.content_id}" in html for file in files]
    return {
        **bodies,
        "inline": tuple(file for file, referred in zip(files, inline, strict=True) if referred),
        "attachments": tuple(file for file, referred in zip(files, inline, strict=True) if not referred),
    }


def _leaves(part: Part) -> Iterator[Part]:
    if part.get_content_maintype() != "multipart":
        yield part
    elif part.is_multipart():
        for inner in part.get_payload():
            yield from _leaves(inner)  # type: ignore[arg-type]


def _take_body(parts: list[Part], subtype: str) -> str | None:
    for part in parts:
        if part.get_content_type() == f"text/{subtype}" and part.get_content_disposition() != "attachment":
            parts.remove(part)
            return _text(part)
    return None


def _attachment(part: Part) -> Attachment:
    name = _line(part.get_filename() or "").encode("utf-8", "replace").decode()
    if part.is_multipart():
        embedded: Any = part.get_payload(0)
        content = embedded.as_bytes(policy=compat32.clone(linesep="\r\n", max_line_length=0))
    else:
        content = part.get_payload(decode=True) or b""
    content_id = _CONTROL.sub("", part["Content-ID"] or "").strip(" <>")
    try:
        return Attachment(content, name, part.get_content_type(), content_id)
    except MessageError:  # other programs' names and types are not ours to judge
        return Attachment(content, name, "application/octet-stream")


def _text(part: Part) -> str:
    payload: Any = part.get_payload(decode=True) or b""
    try:
        text = payload.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        text = payload.decode("utf-8", "replace")
    return str(text).replace("\r\n", "\n").encode("utf-8", "replace").decode()


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)  # -0000: UTC, place unknown


def _malformed(reason: str) -> MessageError:
    return MessageError(f"the message cannot be read: {reason}", code="message.malformed")
