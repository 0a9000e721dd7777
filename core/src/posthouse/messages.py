"""The message that a program hands over, and the envelope that it travels in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs
from attrs import field, frozen

from posthouse._checks import check_date, check_header, check_id, check_line, check_text, check_url
from posthouse._converters import (
    Addresses,
    to_address,
    to_addresses,
    to_attachments,
    to_bounce_address,
    to_dsn,
    to_headers,
    to_inline,
    to_raw,
    to_texts,
)
from posthouse.addresses import Address, unique
from posthouse.attachments import Attachment
from posthouse.envelopes import DsnRequest, Envelope
from posthouse.errors import MessageError

if TYPE_CHECKING:
    from email.message import EmailMessage

    from posthouse.mime import Rendered

__all__ = ["Addresses", "Attachment", "DsnRequest", "Envelope", "Message", "Priority", "Submission"]

_AUTO_SUBMITTED = {None, "no", "auto-generated", "auto-replied", "auto-notified"}  # RFC 3834 section 5, RFC 5436


_HEADERS = {"sender": "From", "date": "Date", "message_id": "Message-ID", "reply_to": "Reply-To"}


class Priority(StrEnum):
    """How urgent the sender thinks it is; rendered as X-Priority, Importance and Priority."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def _priority(value: str | Priority | None) -> Priority | None:
    if value is None:
        return None
    try:
        return Priority(value)
    except ValueError as error:
        raise MessageError(
            f"{value!r} is no priority", code="message.priority", hint="Use 'high', 'normal' or 'low'."
        ) from error


@frozen(slots=False)  # a dictionary is copied at once, and every message is copied on its way
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
        frozen: the very bytes that travel, whatever the other fields say, once `frozen_as` settled them.

    Raises:
        MessageError: an address, header or option is malformed, or tries to inject a line.
    """

    sender: Address | None = field(default=None, converter=to_address)
    to: tuple[Address, ...] = field(default=(), converter=to_addresses)
    cc: tuple[Address, ...] = field(default=(), converter=to_addresses)
    bcc: tuple[Address, ...] = field(default=(), converter=to_addresses)
    reply_to: tuple[Address, ...] = field(default=(), converter=to_addresses)
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = field(default=(), converter=to_attachments)
    inline: tuple[Attachment, ...] = field(default=(), converter=to_inline)
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=to_headers)
    priority: Priority | None = field(default=None, converter=_priority)
    date: datetime | None = None
    message_id: str | None = None
    list_unsubscribe: tuple[str, ...] = field(default=(), converter=to_texts)
    request_dsn: DsnRequest | None = field(default=None, converter=to_dsn)
    request_read_receipt: bool = field(default=False, kw_only=True)
    in_reply_to: str | None = field(default=None, kw_only=True)
    references: tuple[str, ...] = field(default=(), converter=to_texts, kw_only=True)
    sender_header: Address | None = field(default=None, converter=to_address, kw_only=True)
    envelope_sender: str | None = field(default=None, converter=to_bounce_address, kw_only=True)
    auto_submitted: str | None = field(default=None, kw_only=True)
    require_tls: bool = field(default=False, kw_only=True)
    raw: bytes | None = field(default=None, converter=to_raw, kw_only=True, repr=False)
    frozen: Rendered | None = field(default=None, kw_only=True, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        check_line(self.subject, "subject")
        check_text(self.text, "text")
        if self.html is not None:
            check_text(self.html, "html")
        if self.date is not None:
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
        if self.auto_submitted not in _AUTO_SUBMITTED:
            check_line(self.auto_submitted, "auto_submitted")
            hint = "Use 'auto-generated' or 'auto-replied'."
            raise MessageError(
                f"auto_submitted cannot be {self.auto_submitted!r}", code="message.auto-submitted", hint=hint
            )
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
        return unique(self.to + self.cc + self.bcc)

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
        answers = to_addresses(reply_to) or self.reply_to
        changed = self._with_checked({"sender": sender, "reply_to": answers})
        return changed._with_raw_headers({"From": (sender,)} | ({"Reply-To": answers} if reply_to else {}))

    def with_recipients(self, *, to: Addresses = (), cc: Addresses = (), bcc: Addresses = ()) -> Message:
        """Return a copy that names these recipients and nobody else.

        Of a raw message only these header bytes change (a signature over them is then void).

        Raises:
            MessageError: an address is malformed.
        """
        named = {"to": to_addresses(to), "cc": to_addresses(cc), "bcc": to_addresses(bcc)}
        return self._with_checked(named)._with_raw_headers({"To": named["to"], "Cc": named["cc"]})

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
        defaults = {"sender": sender, "date": date, "message_id": message_id, "reply_to": reply_to}
        return self._with_known_defaults({name: value for name, value in defaults.items() if value})

    def frozen_as(self, rendered: Rendered) -> Message:
        """Return a copy that travels as exactly these bytes: for extensions that sign.

        Its fields still say what is in it. They do not change any more, and neither may files that it refers to.

        Args:
            rendered: the message as `posthouse.mime.render` gave it, with further headers before it perhaps.
        """
        return attrs.evolve(self, frozen=rendered)

    def _with_known_defaults(self, defaults: Mapping[str, Any]) -> Message:
        """Do what `with_defaults` does, with values that are known to be good."""
        missing = {name: value for name, value in defaults.items() if not getattr(self, name)}
        if not missing:
            return self
        changed = self._with_checked(missing)
        if self.raw is None:
            return changed
        headers = {_HEADERS[name]: (value,) if name == "sender" else value for name, value in defaults.items()}
        return changed._with_raw_headers(headers, replace=False)

    def _with_checked(self, changes: dict[str, Any]) -> Message:
        """Return a copy with fields whose values are known to be good: a tenth of what attrs.evolve costs."""
        if self.frozen is not None:
            raise MessageError(
                "a message that is signed cannot be changed any more",
                code="message.frozen",
                hint="Change it in an earlier phase: [plugins] extensions names those that run last.",
            )
        changed = object.__new__(Message)
        object.__setattr__(changed, "__dict__", self.__dict__ | changes)
        return changed

    def _with_raw_headers(self, headers: Mapping[str, Any], *, replace: bool = True) -> Message:
        if self.raw is None:
            return self
        from posthouse.mime.raw import with_headers

        return attrs.evolve(self, raw=with_headers(self.raw, headers, replace=replace))


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
