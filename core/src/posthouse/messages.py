"""The message that a program hands over, and the envelope that it travels in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from attrs import field, frozen

from posthouse._checks import check_date, check_header, check_id, check_line, check_text, check_url
from posthouse.addresses import Address, parse_addresses, unique
from posthouse.attachments import Attachment, AttachmentSource
from posthouse.errors import MessageError

if TYPE_CHECKING:
    from email.message import EmailMessage

__all__ = ["Addresses", "Attachment", "DsnRequest", "Envelope", "Message", "Priority", "Submission"]

Addresses: TypeAlias = "str | Address | Iterable[str | Address] | None"
"""What address fields take: one, many, or a text with commas."""

Attachments: TypeAlias = "AttachmentSource | Iterable[AttachmentSource]"
"""What attachment fields take: one, or many."""


class Priority(StrEnum):
    """How urgent the sender thinks it is; rendered as X-Priority, Importance and Priority."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def _words(value: Iterable[str]) -> frozenset[str]:
    return frozenset({value} if isinstance(value, str) else value)


@frozen(kw_only=True)
class DsnRequest:
    """Which delivery status notifications the sender wants (RFC 3461).

    Attributes:
        notify: any of ``"success"``, ``"failure"``, ``"delay"``; empty means never.
        full: return the whole message rather than its headers.
        envelope_id: an identifier that comes back in the notification; at most 100 characters of printable ASCII.

    Raises:
        MessageError: an unknown word, or an identifier that cannot travel (``message.dsn``).
    """

    notify: frozenset[str] = field(default=frozenset({"failure"}), converter=_words)
    full: bool = False
    envelope_id: str = ""

    def __attrs_post_init__(self) -> None:
        unknown = self.notify - {"success", "failure", "delay"}
        if unknown:
            words = ", ".join(sorted(map(repr, unknown)))
            hint = "Use 'success', 'failure' and 'delay'; none of them means never."
            raise MessageError(f"a notification cannot be asked for on {words}", code="message.dsn", hint=hint)
        check_line(self.envelope_id, "envelope_id")
        if not self.envelope_id.isascii() or len(self.envelope_id) > 100:
            raise MessageError("envelope_id is at most 100 characters of printable ASCII", code="message.dsn")


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


def _address(value: str | Address | None) -> Address | None:
    if value is None or isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise MessageError(f"an address is text or an Address, not {type(value).__name__}", code="message.type")
    return Address.parse(value) if value else None


def _addresses(value: Addresses) -> tuple[Address, ...]:
    if not value:
        return ()
    if isinstance(value, str):
        return parse_addresses(value)
    if isinstance(value, Address):
        return (value,)
    found: list[Address] = []
    for item in value:
        if isinstance(item, Address):
            found.append(item)
        elif isinstance(item, str):
            found += parse_addresses(item)
        else:
            raise MessageError(f"an address is text or an Address, not {type(item).__name__}", code="message.type")
    return tuple(found)


def _attachments(value: Attachments) -> tuple[Attachment, ...]:
    if not value:
        return ()
    if isinstance(value, str | PathLike | Attachment):
        return (Attachment.of(value),)
    if isinstance(value, tuple) and all(isinstance(item, Attachment) for item in value):
        return value  # the very same tuple, so that the composer sees that nothing changed
    return tuple(Attachment.of(item) for item in value)


def _inline(value: Attachments) -> tuple[Attachment, ...]:
    parts = _attachments(value)
    return parts if all(part.content_id for part in parts) else tuple(part.named_by_file() for part in parts)


def _headers(value: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    if not value:
        return ()
    return tuple((name, text) for name, text in (value.items() if isinstance(value, Mapping) else value))


def _priority(value: str | Priority | None) -> Priority | None:
    if value is None:
        return None
    try:
        return Priority(value)
    except ValueError as error:
        raise MessageError(
            f"{value!r} is no priority", code="message.priority", hint="Use 'high', 'normal' or 'low'."
        ) from error


def _texts(value: str | Iterable[str]) -> tuple[str, ...]:
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _dsn(value: bool | DsnRequest | None) -> DsnRequest | None:
    if value is True:
        return DsnRequest(notify=frozenset({"success", "failure", "delay"}))
    return value or None


def _bounce_address(value: str | Address | None) -> str | None:
    if value is None or value == "":
        return value
    return Address.parse(value).addr_spec if isinstance(value, str) else value.addr_spec


def _raw(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    from posthouse.mime.raw import normalized

    return normalized(value)


@frozen
class Message:
    """A message. It does not change once made; ``attrs.evolve`` makes a changed copy.

    Attributes:
        sender: the From address; the account's own if None.
        to, cc, bcc, reply_to: addresses, as a text with commas, one, or many.
        subject: any Unicode, one line.
        text: the plain text body.
        html: the HTML body.
        attachments: files: paths, ``(name, content)``, ``(name, content, content_type)`` or `Attachment`.
        inline: files that the HTML refers to by ``cid:``; without a content_id that is the file name.
        headers: further headers, as a mapping or pairs; those the other fields make are refused.
        priority: high, normal or low.
        date: when it was written, with a time zone; now, if None.
        message_id: with angle brackets; made by the mailer if None, and then the same in every retry.
        list_unsubscribe: URLs (https: or mailto:) for List-Unsubscribe (RFC 2369; one-click by RFC 8058 with an https
            URL).
        request_dsn: delivery status notifications wanted; True asks for success, failure and delay.
        request_read_receipt: ask the reader's program to confirm (Disposition-Notification-To, RFC 8098).
        in_reply_to, references: Message-IDs of the conversation.
        sender_header: the Sender address where it differs from From (on behalf of).
        envelope_sender: where bounces go, if not to the sender; ``""`` is the null sender.
        auto_submitted: ``"auto-generated"`` or ``"auto-replied"`` (RFC 3834), so that no vacation answer comes back.
        require_tls: every hop must use verified TLS (RFC 8689).
        raw: the message as bytes, for what `from_bytes` and `from_email` took; sent as it is but for Bcc, which never
            travels. The other fields then say what is in it.

    Raises:
        MessageError: an address, header or option is malformed, or tries to inject a line.
    """

    sender: Address | None = field(default=None, converter=_address)
    to: tuple[Address, ...] = field(default=(), converter=_addresses)
    cc: tuple[Address, ...] = field(default=(), converter=_addresses)
    bcc: tuple[Address, ...] = field(default=(), converter=_addresses)
    reply_to: tuple[Address, ...] = field(default=(), converter=_addresses)
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = field(default=(), converter=_attachments)
    inline: tuple[Attachment, ...] = field(default=(), converter=_inline)
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=_headers)
    priority: Priority | None = field(default=None, converter=_priority)
    date: datetime | None = None
    message_id: str | None = None
    list_unsubscribe: tuple[str, ...] = field(default=(), converter=_texts)
    request_dsn: DsnRequest | None = field(default=None, converter=_dsn)
    request_read_receipt: bool = field(default=False, kw_only=True)
    in_reply_to: str | None = field(default=None, kw_only=True)
    references: tuple[str, ...] = field(default=(), converter=_texts, kw_only=True)
    sender_header: Address | None = field(default=None, converter=_address, kw_only=True)
    envelope_sender: str | None = field(default=None, converter=_bounce_address, kw_only=True)
    auto_submitted: str | None = field(default=None, kw_only=True)
    require_tls: bool = field(default=False, kw_only=True)
    raw: bytes | None = field(default=None, converter=_raw, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        check_line(self.subject, "subject")
        check_text(self.text, "text")
        check_text(self.html, "html")
        check_date(self.date)
        if self.raw is not None:
            return  # the other fields only tell what it holds, and what other programs wrote is not ours to judge
        if self.message_id is not None:
            check_id(self.message_id, "message_id")
        if self.in_reply_to is not None:
            check_id(self.in_reply_to, "in_reply_to", loose=True)
        for reference in self.references:
            check_id(reference, "references", loose=True)
        for url in self.list_unsubscribe:
            check_url(url, "list_unsubscribe")
        for name, value in self.headers:
            check_header(name, value)
        if self.auto_submitted is not None:
            check_line(self.auto_submitted, "auto_submitted")
        if self.inline:
            _check_inline(self)

    @classmethod
    def from_email(cls, message: EmailMessage) -> Message:
        """Take a message of the standard library, rendered as its own policy says.

        Addresses beyond ASCII are written anew, since the standard library encodes them wrongly.

        Raises:
            MessageError: it cannot be rendered, or what comes out is malformed (``message.malformed``).
        """
        from posthouse.mime.reading import serialized

        return cls.from_bytes(serialized(message))

    @classmethod
    def from_bytes(cls, raw: bytes) -> Message:
        """Take a finished message (RFC 5322), such as an ``.eml`` file.

        It travels byte for byte, but that bare line feeds and carriage returns become CRLF, and Bcc stays here: its
        addresses are in ``bcc``. The fields are filled from its headers and parts, for policies and for transports
        that hand over parts.

        Raises:
            MessageError: it cannot be read as a message (``message.malformed``), an address in it cannot be read, or a
                line is too long to travel (``message.line-length``).
        """
        from posthouse.mime.reading import fields_of

        return cls(**fields_of(raw))

    def recipients(self) -> tuple[Address, ...]:
        """Everybody who receives a copy, each once, in the order To, Cc, Bcc."""
        return unique((*self.to, *self.cc, *self.bcc))

    def with_header(self, name: str, value: str) -> Message:
        """Return a copy in which this header, and no other of its name, has this value.

        Of a raw message only these header bytes change (a signature over them is then void).

        Raises:
            MessageError: the name or value is malformed, or a field makes this header (``message.header``).
        """
        check_header(name, value)
        others = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return self._with_checked({"headers": (*others, (name, value))})._with_raw_headers({name: value})

    def with_sender(self, sender: Address, reply_to: Addresses = ()) -> Message:
        """Return a copy with another From, and another Reply-To if one is given."""
        answers = _addresses(reply_to) or self.reply_to
        changed = self._with_checked({"sender": sender, "reply_to": answers})
        return changed._with_raw_headers({"From": (sender,)} | ({"Reply-To": answers} if reply_to else {}))

    def with_defaults(
        self,
        *,
        sender: Address | None = None,
        date: datetime | None = None,
        message_id: str | None = None,
        reply_to: tuple[Address, ...] = (),
    ) -> Message:
        """Return a copy in which what is missing of these is set; what is there stays.

        To a raw message the missing headers are added.
        """
        check_date(date)
        if message_id is not None:
            check_id(message_id, "message_id")
        given = {"sender": sender, "date": date, "message_id": message_id, "reply_to": reply_to}
        missing = {name: value for name, value in given.items() if value and not getattr(self, name)}
        if not missing:
            return self
        changed = self._with_checked(missing)
        if self.raw is None:
            return changed
        headers = {"From": sender and (sender,), "Date": date, "Message-ID": message_id, "Reply-To": reply_to}
        return changed._with_raw_headers({name: value for name, value in headers.items() if value}, replace=False)

    def _with_checked(self, changes: Mapping[str, Any]) -> Message:
        """Return a copy with fields whose values are known to be good: a third of what attrs.evolve costs."""
        changed = object.__new__(Message)
        for name in _FIELDS:
            object.__setattr__(changed, name, changes[name] if name in changes else getattr(self, name))
        return changed

    def _with_raw_headers(self, headers: Mapping[str, Any], *, replace: bool = True) -> Message:
        if self.raw is None:
            return self
        from posthouse.mime.raw import with_headers

        return attrs.evolve(self, raw=with_headers(self.raw, headers, replace=replace))


_FIELDS = tuple(attribute.name for attribute in attrs.fields(Message))


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


def _check_inline(message: Message) -> None:
    if message.html is None:
        raise MessageError(
            "inline files need an HTML body that refers to them",
            code="message.inline",
            hint="Set html=, or use attachments= instead.",
        )
    for part in message.inline:
        if not part.content_id:
            raise MessageError(
                f"the inline file {part.name or 'without a name'} has no content_id, and its name cannot be one",
                code="message.content-id",
                hint='Use Attachment(…, content_id="logo") and refer to it by cid:logo.',
            )
    ids = [part.content_id for part in message.inline]
    if len(set(ids)) < len(ids):
        raise MessageError("two inline files have the same content_id", code="message.content-id")
