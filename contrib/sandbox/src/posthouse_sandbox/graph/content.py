"""Messages as Exchange keeps them: made of MIME or of JSON, given files, and written out as MIME again."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, make_msgid
from typing import Any

from attrs import define, field

from posthouse.errors import MessageError
from posthouse.mime.raw import fields, split
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
            GraphError: it is none, or nobody receives it.
        """
        try:
            head, body = split(raw)
            found = list(fields(head))
        except MessageError as error:
            raise GraphError(400, "ErrorMimeContentInvalid", "The MIME content is invalid.") from error
        values = {name: [one.value for one in found if one.name.lower() == name.lower()] for name in (*_FIELDS, "From")}
        recipients = [address for name in _FIELDS for _, address in getaddresses(values[name])]
        if not recipients:
            raise GraphError(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        for address in recipients:
            check_mailbox(address)
        kept = b"".join(one.octets for one in found if one.name.lower() != "bcc")
        sender = next((address for _, address in getaddresses(values["From"])), "")
        return cls(sender, tuple(dict.fromkeys(recipients)), kept + body)

    @classmethod
    def of_json(cls, message: Mapping[str, Any], mailbox: str) -> Content:
        """Take the resource type ``message``, which was checked."""
        mime = EmailMessage(policy=SMTP)
        sender = message.get("from", message.get("sender", {"emailAddress": {"address": mailbox}}))
        mime["From"] = _address(sender)
        for name, key in (("To", "toRecipients"), ("Cc", "ccRecipients"), ("Reply-To", "replyTo")):
            if message.get(key):
                mime[name] = [_address(one) for one in message[key]]
        mime["Subject"] = message.get("subject", "")
        mime["Date"] = format_datetime(datetime.now(UTC))
        mime["Message-ID"] = message.get("internetMessageId") or make_msgid(domain="sandbox.example")
        if "importance" in message:
            mime["Importance"] = message["importance"]
        if message.get("isReadReceiptRequested"):
            mime["Disposition-Notification-To"] = _address(sender)
        for header in message.get("internetMessageHeaders", []):
            mime[header["name"]] = header["value"]
        body = message.get("body", {})
        mime.set_content(body.get("content", ""), subtype="html" if body.get("contentType") == "html" else "plain")
        content = cls(sender["emailAddress"]["address"], recipients_of(message), mime.as_bytes())
        for attachment in message.get("attachments", []):
            content.add(attachment, b64decode(attachment["contentBytes"]))
        return content

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
        """Return it as it is delivered."""
        if not self.files:
            return self.raw
        message = message_from_bytes(self.raw, policy=SMTP)
        assert isinstance(message, EmailMessage)
        html = message.get_body(("html",))
        for name, content_type, content, content_id, inline in self.files:
            target = html if inline and isinstance(html, EmailMessage) else None
            part = _part(name, content_type, content, content_id, inline=inline)
            _attach(message if target is None else target, part, related=target is not None)
        return message.as_bytes()


def _part(name: str, content_type: str, content: bytes, content_id: str, *, inline: bool) -> EmailMessage:
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
    return part


def _attach(message: EmailMessage, part: EmailMessage, *, related: bool) -> None:
    if related:
        if message.get_content_type() != "multipart/related":
            message.make_related()
    elif message.get_content_type() != "multipart/mixed":
        message.make_mixed()
    message.attach(part)


def _address(recipient: Mapping[str, Any]) -> Address:
    mailbox = recipient["emailAddress"]
    return Address(display_name=mailbox.get("name", ""), addr_spec=mailbox["address"])
