"""A message as Graph's resource type ``message``, and what that type has no place for."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from posthouse.errors import Problem
from posthouse.mime.raw import fields, split

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Attachment, Message
    from posthouse.recipients import Named

__all__ = [
    "MOST_HEADERS",
    "as_json",
    "content_of",
    "file_json",
    "has_simple_structure",
    "json_size",
    "losses",
    "serialized",
    "substitutes",
]

MOST_HEADERS = 5
"""How many further headers Graph takes (it answers ``InvalidInternetMessageHeaderCollection`` beyond)."""

_SUPPRESS = {"name": "X-Auto-Response-Suppress", "value": "All"}
"""What Exchange understands in place of Auto-Submitted: no automatic answers."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SIMPLE_TYPES = ("text/plain", "text/html", "multipart/mixed", "multipart/alternative", "multipart/related")
_READ = {
    *("from", "to", "cc", "bcc", "reply-to", "subject", "date", "message-id", "mime-version", "return-path"),
    *("content-type", "content-transfer-encoding", "content-disposition", "content-id", "auto-submitted"),
}
"""Headers of a finished message that are read into the fields of `Message`, or made anew."""


def as_json(message: Message, names: Named, content: Callable[[Attachment], str]) -> dict[str, Any]:
    """Return the resource.

    Args:
        message: has a sender; `losses` found nothing in it.
        names: who is named where.
        content: returns a file's content in base64.
    """
    body = {"contentType": "html", "content": message.html} if message.html else _text_body(message)
    resource: dict[str, Any] = {"subject": message.subject, "body": body, "toRecipients": _recipients(names.to)}
    if message.sender is not None:
        resource["from"] = _recipient(message.sender)
    lists = {"ccRecipients": names.cc, "bccRecipients": names.bcc, "replyTo": message.reply_to}
    resource |= {key: _recipients(addresses) for key, addresses in lists.items() if addresses}
    if message.message_id:
        resource["internetMessageId"] = message.message_id
    if message.priority is not None:
        resource["importance"] = message.priority.value
    if message.request_read_receipt:
        resource["isReadReceiptRequested"] = True
    if headers := list(_headers(message)):
        resource["internetMessageHeaders"] = headers
    files = [file_json(file, content(file), inline=False) for file in message.attachments]
    files += [file_json(file, content(file), inline=True) for file in message.inline]
    if files:
        resource["attachments"] = files
    return resource


def file_json(file: Attachment, content: str, *, inline: bool) -> dict[str, Any]:
    """Return an attachment as the resource type ``fileAttachment``; ``content`` is in base64."""
    resource: dict[str, Any] = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": file.name or file.content_id or "attachment",
        "contentType": file.content_type,
        "contentBytes": content,
    }
    if inline:
        resource["isInline"] = True
    if file.content_id:
        resource["contentId"] = file.content_id
    return resource


def content_of(file: Attachment) -> str:
    """Return a file's content in base64. Reads it, which may block.

    Raises:
        MessageError: it cannot be read (``message.attachment``).
    """
    return b64encode(b"".join(file.chunks())).decode("ascii")


def json_size(message: Message, names: Named) -> int:
    """Return the bytes that the resource takes, without reading any file."""
    files = (*message.attachments, *message.inline)
    return len(serialized(as_json(message, names, lambda _: ""))) + sum((file.size + 2) // 3 * 4 for file in files)


def serialized(data: Any) -> bytes:
    """Return JSON as it travels."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def losses(message: Message) -> Iterator[Problem]:
    """Yield what the resource has no place for."""
    odd = [name for name, _ in message.headers if not name.lower().startswith("x-")]
    if odd:
        yield Problem("headers", f"only x- headers can be carried, not {', '.join(odd)}")
    if len(list(_headers(message))) > MOST_HEADERS:
        yield Problem("headers", f"at most {MOST_HEADERS} x- headers can be carried")
    values = {
        "in_reply_to": message.in_reply_to,
        "references": message.references,
        "list_unsubscribe": message.list_unsubscribe,
        "sender_header": message.sender_header,
    }
    for field, value in values.items():
        if value:
            yield Problem(field, "cannot be carried")
    for field, text in (("text", message.text), ("html", message.html)):
        if text and _CONTROL.search(text):
            yield Problem(field, "control characters cannot be carried")
    if message.raw is not None:
        yield from _raw_losses(message, message.raw)


def substitutes(message: Message) -> Iterator[str]:
    """Yield what arrives in another form, in words."""
    if message.text and message.html:
        yield "The plain text is the one that Exchange makes from the HTML."
    if message.auto_submitted:
        yield "X-Auto-Response-Suppress stands for Auto-Submitted."


def _raw_losses(message: Message, raw: bytes) -> Iterator[Problem]:
    known = _READ | {name.lower() for name, _ in message.headers}
    unread = [field.name for field in fields(split(raw)[0]) if field.name.lower() not in known]
    if unread:
        yield Problem("raw", f"of a finished message, {', '.join(unread)} cannot be carried")
    if not has_simple_structure(raw):
        yield Problem("raw", "a finished message that is signed, encrypted or a report cannot be taken apart")


def has_simple_structure(raw: bytes) -> bool:
    """Whether a finished message is made of texts and files only, so that these are all there is to it."""
    types = [field.value for field in fields(split(raw)[0]) if field.name.lower() == "content-type"]
    return not types or types[0].partition(";")[0].strip().lower() in _SIMPLE_TYPES


def _headers(message: Message) -> Iterator[dict[str, str]]:
    for name, value in message.headers:
        yield {"name": name, "value": value}
    if message.auto_submitted and message.auto_submitted != "no":
        yield _SUPPRESS


def _text_body(message: Message) -> dict[str, str]:
    return {"contentType": "text", "content": message.text or ""}


def _recipients(addresses: Iterable[Address]) -> list[dict[str, Any]]:
    return [_recipient(address) for address in addresses]


def _recipient(address: Address) -> dict[str, Any]:
    mailbox = {"address": address.ascii or address.addr_spec}
    if address.name:
        mailbox["name"] = address.name
    return {"emailAddress": mailbox}
