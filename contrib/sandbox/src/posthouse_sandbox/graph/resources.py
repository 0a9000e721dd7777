"""What clients send, held against what Graph's resource types allow. Whatever is not known is refused."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from typing import Any, TypeAlias

from posthouse_sandbox.graph.errors import GraphError

__all__ = [
    "ATTACHMENT",
    "SEND_MAIL",
    "UPLOAD",
    "check_attachment",
    "check_mailbox",
    "check_recipients",
    "checked",
    "checked_message",
    "decoded",
    "read_json",
    "recipients_of",
]

Shape: TypeAlias = "type | tuple[str, ...] | dict[str, Shape] | list[Shape]"
"""A type, the values allowed, an object's properties, or an array of one shape."""

_ADDRESS: dict[str, Shape] = {"emailAddress": {"address": str, "name": str}}
ATTACHMENT: dict[str, Shape] = {
    "@odata.type": ("#microsoft.graph.fileAttachment",),
    "name": str,
    "contentType": str,
    "contentBytes": str,
    "contentId": str,
    "isInline": bool,
}
_MESSAGE: dict[str, Shape] = {
    "subject": str,
    "body": {"contentType": ("text", "html"), "content": str},
    "from": _ADDRESS,
    "sender": _ADDRESS,
    "toRecipients": [_ADDRESS],
    "ccRecipients": [_ADDRESS],
    "bccRecipients": [_ADDRESS],
    "replyTo": [_ADDRESS],
    "importance": ("low", "normal", "high"),
    "internetMessageId": str,
    "internetMessageHeaders": [{"name": str, "value": str}],
    "isReadReceiptRequested": bool,
    "isDeliveryReceiptRequested": bool,
    "attachments": [ATTACHMENT],
}
SEND_MAIL: dict[str, Shape] = {"message": _MESSAGE, "saveToSentItems": bool}
UPLOAD: dict[str, Shape] = {
    "AttachmentItem": {
        "attachmentType": ("file",),
        "name": str,
        "size": int,
        "contentType": str,
        "contentId": str,
        "isInline": bool,
    }
}

_MOST_HEADERS = 5
_MAILBOX = re.compile(r"[^@\s<>,;:\"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")


def read_json(body: bytes, content_type: str) -> Any:
    """Return the JSON of a request.

    Raises:
        GraphError: it is none.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise _unreadable(f"content type {content_type or '(none)'} is not application/json")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _unreadable("the body is no JSON") from error


def checked(value: Any, shape: Shape, where: str) -> Any:
    """Return the value, if it has the shape.

    Raises:
        GraphError: it has not.
    """
    if isinstance(shape, dict):
        _check_object(value, shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise _unreadable(f"{where} is no array")
        for number, one in enumerate(value):
            checked(one, shape[0], f"{where}[{number}]")
    elif isinstance(shape, tuple):
        if value not in shape:
            raise _unreadable(f"{where} is {value!r}, not one of {', '.join(shape)}")
    elif not isinstance(value, shape) or (shape is int and isinstance(value, bool)):
        raise _unreadable(f"{where} is no {shape.__name__}")
    return value


def _check_object(value: Any, shape: dict[str, Shape], where: str) -> None:
    if not isinstance(value, Mapping):
        raise _unreadable(f"{where} is no object")
    for name, one in value.items():
        if name not in shape:
            raise GraphError(
                400,
                "RequestBodyRead",
                f"The property '{name}' does not exist on type '{where}'. Make sure to only use property names that "
                "are defined by the type or mark the type as open type.",
            )
        checked(one, shape[name], f"{where}.{name}")


def checked_message(value: Any) -> Mapping[str, Any]:
    """Return a ``message`` that Graph would take.

    Raises:
        GraphError: it would not.
    """
    message: Mapping[str, Any] = checked(value, _MESSAGE, "microsoft.graph.message")
    _check_headers(message.get("internetMessageHeaders", []))
    for attachment in message.get("attachments", []):
        check_attachment(attachment)
    for field in (*_RECIPIENTS, "replyTo"):
        for recipient in message.get(field, []):
            _check_address(recipient)
    for field in ("from", "sender"):
        if field in message:
            _check_address(message[field])
    return message


def _check_headers(headers: list[Mapping[str, str]]) -> None:
    if len(headers) > _MOST_HEADERS:
        raise GraphError(
            400, "InvalidInternetMessageHeaderCollection", f"Maximum number of headers is {_MOST_HEADERS}."
        )
    for header in headers:
        name, text = header.get("name", ""), header.get("value", "")
        if not re.fullmatch(r"[Xx]-[!-9;-~]+", name) or "\r" in text or "\n" in text:
            raise GraphError(
                400,
                "InvalidInternetMessageHeader",
                f"The internet message header name '{name}' should start with 'x-'.",
            )


def check_attachment(attachment: Mapping[str, Any]) -> bytes:
    """Return the content of a ``fileAttachment``.

    Raises:
        GraphError: it is malformed.
    """
    for name in ("@odata.type", "name", "contentBytes"):
        if name not in attachment:
            raise GraphError(400, "ErrorInvalidProperty", f"Required property {name} is missing.")
    return decoded(attachment["contentBytes"], "RequestBodyRead")


def decoded(text: str | bytes, code: str) -> bytes:
    """Return what base64 stands for.

    Raises:
        GraphError: it is no base64, with this code.
    """
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise GraphError(400, code, "The content is not valid base64.") from error


def recipients_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return everybody who receives a message, each once."""
    found = [one["emailAddress"]["address"] for field in _RECIPIENTS for one in message.get(field, [])]
    return tuple(dict.fromkeys(found))


def check_mailbox(address: str) -> None:
    """Refuse what is no address of a mailbox.

    Raises:
        GraphError: it is none.
    """
    if not _MAILBOX.fullmatch(address):
        raise _no_recipient()


def _check_address(recipient: Mapping[str, Any]) -> None:
    address = recipient.get("emailAddress", {}).get("address")
    check_mailbox(address if isinstance(address, str) else "")


def check_recipients(recipients: tuple[str, ...]) -> None:
    """Refuse to send to nobody; a draft may name nobody yet.

    Raises:
        GraphError: there is nobody.
    """
    if not recipients:
        raise _no_recipient()


def _no_recipient() -> GraphError:
    return GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid., Recipient is not resolved.")


def _unreadable(reason: str) -> GraphError:
    return GraphError(400, "RequestBodyRead", f"The request body cannot be read: {reason}.")
