"""Messages as Exchange keeps them: made of MIME or of JSON, given files, and written out as MIME again."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses, make_msgid
from typing import Any
from uuid import uuid4

from attrs import define, field

from posthouse.addresses import Address
from posthouse.errors import MessageError
from posthouse.messages import Message
from posthouse.mime import render
from posthouse.mime.raw import fields, split
from posthouse_sandbox.drafts import hidden_in
from posthouse_sandbox.graph.errors import GraphError
from posthouse_sandbox.graph.resources import check_mailbox, recipients_of

__all__ = ["Content"]

_FIELDS = ("To", "Cc", "Bcc")


@define
class Content:
    """A message that is going to be sent.

    Attributes:
        sender: address in From; empty if it has none, so that it is the mailbox's.
        recipients: everybody who receives it.
        raw: as MIME, without Bcc and without the files that were added.
        files: those that were added: name, content type, content, content id, whether the HTML refers to it.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    files: list[tuple[str, str, bytes, str, bool]] = field(factory=list)

    @classmethod
    def of_mime(cls, raw: bytes) -> Content:
        """Take a finished message.

        Raises:
            GraphError: it is none, or an address in it cannot be.
        """
        try:
            head, body = split(raw)
            found = list(fields(head))
        except MessageError as error:
            raise GraphError(400, "ErrorMimeContentInvalid", "The MIME content is invalid.") from error
        values = {name: [one.value for one in found if one.name.lower() == name.lower()] for name in (*_FIELDS, "From")}
        recipients = [address for name in _FIELDS for _, address in getaddresses(values[name])]
        for address in recipients:
            check_mailbox(address)
        kept = b"".join(one.octets for one in found if one.name.lower() != "bcc")
        sender = next((address for _, address in getaddresses(values["From"])), "")
        return cls(sender, tuple(dict.fromkeys(recipients)), kept + body)

    @classmethod
    def of_json(cls, resource: Mapping[str, Any], mailbox: str) -> Content:
        """Take the resource type ``message``, which was checked.

        Raises:
            GraphError: an address or a header in it cannot be.
        """
        sender = resource.get("from", resource.get("sender", {"emailAddress": {"address": mailbox}}))
        body = resource.get("body", {})
        is_html = body.get("contentType") == "html"
        try:
            message = Message(
                sender=_address(sender),
                to=_addresses(resource, "toRecipients"),
                cc=_addresses(resource, "ccRecipients"),
                reply_to=_addresses(resource, "replyTo"),
                subject=resource.get("subject", ""),
                date=datetime.now(UTC),
                message_id=resource.get("internetMessageId") or make_msgid(domain="sandbox.example"),
                priority=resource.get("importance"),
                request_read_receipt=resource.get("isReadReceiptRequested", False),
                headers=[(header["name"], header["value"]) for header in resource.get("internetMessageHeaders", [])],
                text=None if is_html else body.get("content", ""),
                html=body.get("content", "") if is_html else None,
            )
        except MessageError as error:
            raise GraphError(400, "ErrorInvalidProperty", str(error)) from error
        content = cls(sender["emailAddress"]["address"], recipients_of(resource), bytes(render(message)))
        for attachment in resource.get("attachments", []):
            content.add(attachment, b64decode(attachment["contentBytes"]))
        return content

    @property
    def hidden(self) -> tuple[str, ...]:
        """Those who receive it and whom its headers do not name."""
        return hidden_in(self.raw, self.recipients)

    @property
    def size(self) -> int:
        """Bytes, files included."""
        return len(self.raw) + sum(len(content) for _, _, content, _, _ in self.files)

    def add(self, attachment: Mapping[str, Any], content: bytes) -> None:
        """Add a file, described as ``fileAttachment`` or ``attachmentItem``."""
        content_type = attachment.get("contentType") or "application/octet-stream"
        content_id = attachment.get("contentId", "")
        self.files.append((attachment["name"], content_type, content, content_id, bool(attachment.get("isInline"))))

    def as_mime(self) -> bytes:
        """Return it as it is delivered: what it was made of, and each file beside it."""
        if not self.files:
            return self.raw
        head, body = split(self.raw)
        own = [one.octets for one in fields(head) if one.name.lower().startswith("content-")]
        rest = [one.octets for one in fields(head) if one.octets not in own]
        boundary = f"=_{uuid4().hex}".encode()
        parts = [b"".join(own) + body, *(_part(*file) for file in self.files)]
        return b"".join(
            [
                *rest,
                b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n' % boundary,
                *(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts),
                b"--%b--\r\n" % boundary,
            ]
        )


def _part(name: str, content_type: str, content: bytes, content_id: str, inline: bool) -> bytes:
    part = EmailMessage(policy=SMTP)
    part.set_content(
        content,
        maintype="application",
        subtype="octet-stream",
        disposition="inline" if inline else "attachment",
        filename=name,
        cid=f"<{content_id}>" if content_id else None,
    )
    part.replace_header("Content-Type", content_type)
    del part["MIME-Version"]
    return part.as_bytes()


def _addresses(resource: Mapping[str, Any], key: str) -> list[Address]:
    return [_address(one) for one in resource.get(key, [])]


def _address(recipient: Mapping[str, Any]) -> Address:
    mailbox = recipient["emailAddress"]
    return Address(mailbox["address"], mailbox.get("name", ""))
