"""The message that a program hands over, and the envelope that it travels in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from email.message import EmailMessage
from enum import StrEnum
from os import PathLike
from typing import IO, TypeAlias

from attrs import field, frozen

from posthouse.addresses import Address

__all__ = ["Addresses", "Attachment", "DsnRequest", "Envelope", "Message", "Priority", "Submission"]

Addresses: TypeAlias = "str | Address | Iterable[str | Address] | None"
"""What address fields take: one, many, or a text with commas."""

AttachmentSource: TypeAlias = "str | PathLike[str] | Attachment | tuple[str, bytes | IO[bytes]]"
"""What attachment fields take: a path, an `Attachment`, or ``(name, content)``."""


class Priority(StrEnum):
    """How urgent the sender thinks it is; rendered as X-Priority, Importance and Priority."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@frozen(kw_only=True)
class DsnRequest:
    """Which delivery status notifications the sender wants (RFC 3461).

    Attributes:
        notify: any of ``"success"``, ``"failure"``, ``"delay"``; empty means never.
        full: return the whole message rather than its headers.
        envelope_id: an identifier that comes back in the notification; at most 100 characters.
    """

    notify: frozenset[str] = frozenset({"failure"})
    full: bool = False
    envelope_id: str = ""


@frozen(kw_only=True)
class Envelope:
    """What the servers read; the headers are for people.

    Attributes:
        sender: where bounces go; ``""`` is the null sender.
        recipients: every address that receives a copy, each once, in the order To, Cc, Bcc.
        dsn: delivery status notifications wanted.
        require_tls: every hop must use verified TLS (RFC 8689).
    """

    sender: str
    recipients: tuple[str, ...]
    dsn: DsnRequest | None = None
    require_tls: bool = False


@frozen(eq=False)
class Attachment:
    """A file that travels with a message.

    Attributes:
        content: bytes, or a path, or a binary readable. A readable is read at most once per sending attempt from where it
            stood; one that cannot seek is spooled to a temporary file first, so that a retry sends the same bytes.
        name: the file name that the recipient sees, any Unicode.
        content_type: ``"application/pdf"``; guessed from the name if empty.
        content_id: for inline parts, what ``cid:`` in the HTML refers to, without angle brackets.
    """

    content: bytes | PathLike[str] | IO[bytes]
    name: str = ""
    content_type: str = ""
    content_id: str = ""


@frozen
class Message:
    """A message. It does not change once made; ``attrs.evolve`` makes a changed copy.

    Attributes:
        sender: the From address; the account's own if None.
        to, cc, bcc, reply_to: addresses, as a text with commas, one, or many.
        subject: any Unicode, one line.
        text: the plain text body.
        html: the HTML body.
        attachments: files: paths, ``(name, content)`` or `Attachment`.
        inline: files that the HTML refers to by ``cid:``.
        headers: further headers, as a mapping or pairs; those the other fields make are refused.
        priority: high, normal or low.
        date: when it was written, with a time zone; now, if None.
        message_id: with angle brackets; made by the mailer if None, and then the same in every retry.
        list_unsubscribe: URLs (https: or mailto:) for List-Unsubscribe (RFC 2369; one-click by RFC 8058 with an https URL).
        request_dsn: delivery status notifications wanted; True asks for success, failure and delay.
        request_read_receipt: ask the reader's program to confirm (Disposition-Notification-To, RFC 8098).
        in_reply_to, references: Message-IDs of the conversation.
        sender_header: the Sender address where it differs from From (on behalf of).
        envelope_sender: where bounces go, if not to the sender; ``""`` is the null sender.
        auto_submitted: ``"auto-generated"`` or ``"auto-replied"`` (RFC 3834), so that no vacation answer comes back.
        require_tls: every hop must use verified TLS (RFC 8689).
        raw: the message as bytes, for what `from_bytes` and `from_email` took; sent as it is but for Bcc, which never travels.

    Raises:
        MessageError: an address, header or option is malformed, or tries to inject a line.
    """

    sender: Address | None = None
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    inline: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    priority: Priority | None = None
    date: datetime | None = None
    message_id: str | None = None
    list_unsubscribe: tuple[str, ...] = ()
    request_dsn: DsnRequest | None = None
    request_read_receipt: bool = field(default=False, kw_only=True)
    in_reply_to: str | None = field(default=None, kw_only=True)
    references: tuple[str, ...] = field(default=(), kw_only=True)
    sender_header: Address | None = field(default=None, kw_only=True)
    envelope_sender: str | None = field(default=None, kw_only=True)
    auto_submitted: str | None = field(default=None, kw_only=True)
    require_tls: bool = field(default=False, kw_only=True)
    raw: bytes | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def from_email(cls, message: EmailMessage) -> Message:
        """Take a message of the standard library."""
        raise NotImplementedError

    @classmethod
    def from_bytes(cls, raw: bytes) -> Message:
        """Take a finished message (RFC 5322), such as an ``.eml`` file."""
        raise NotImplementedError


@frozen(kw_only=True)
class Submission:
    """What a transport is handed: a message that is ready, and its envelope.

    Attributes:
        message: sender, date and Message-ID are set; policies and extensions have done their work.
        envelope: who gets it. A transport never derives recipients from the headers.
        number: position in the batch, from 0.
    """

    message: Message
    envelope: Envelope
    number: int = 0
