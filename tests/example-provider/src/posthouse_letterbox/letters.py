"""A message as Letterbox wants it: fields in JSON, files in base64."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from posthouse.addresses import Address
from posthouse.attachments import Attachment
from posthouse.messages import Submission

__all__ = ["letter_of"]


def letter_of(submission: Submission) -> dict[str, Any]:
    """Return the letter; blocks where a file has to be read.

    The recipients are those of the envelope. What readers see stands in ``to`` and ``cc``, and Bcc nowhere.

    Raises:
        MessageError: a file cannot be read.
    """
    message = submission.message
    fields = {
        "id": message.message_id,
        "recipients": list(submission.envelope.recipients),
        "from": _one(message.sender) if message.sender else None,
        "to": _many(message.to),
        "cc": _many(message.cc),
        "reply_to": _many(message.reply_to),
        "date": message.date.isoformat() if message.date else None,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "priority": message.priority.value if message.priority else None,
        "in_reply_to": message.in_reply_to,
        "references": list(message.references),
        "list_unsubscribe": list(message.list_unsubscribe),
        "auto_submitted": message.auto_submitted,
        "headers": [list(pair) for pair in message.headers],
        "files": [*map(_file, message.attachments), *(_file(file, inline=True) for file in message.inline)],
    }
    return {name: value for name, value in fields.items() if value not in (None, [], "")}


def _one(address: Address) -> dict[str, str]:
    return {"address": address.addr_spec, "name": address.name}


def _many(addresses: Iterable[Address]) -> list[dict[str, str]]:
    return [_one(address) for address in addresses]


def _file(file: Attachment, *, inline: bool = False) -> dict[str, str]:
    described = {"name": file.name, "type": file.content_type, "content": b64encode(file.read()).decode("ascii")}
    return described | ({"cid": file.content_id} if inline else {})
