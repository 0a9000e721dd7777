"""The message that a program hands over, and the envelope that it travels in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import attrs
from attrs import field, frozen

from posthouse._checks import check_date, check_further, check_header, check_id, check_line, check_text
from posthouse._converters import (
    Addresses,
    Attachments,
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
from posthouse._made import made
from posthouse.addresses import Address, unique
from posthouse.attachments import Attachment
from posthouse.envelopes import DsnRequest, Envelope
from posthouse.errors import MessageError

if TYPE_CHECKING:
    from email.message import EmailMessage

    from posthouse.mime import Rendered

__all__ = ["Addresses", "Attachment", "DsnRequest", "Envelope", "Message", "Priority", "Submission"]

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


@frozen(slots=False, init=False)  # a dictionary is copied at once, and every message is copied on its way
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
    request_read_receipt: bool = False
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    sender_header: Address | None = None
    envelope_sender: str | None = None
    auto_submitted: str | None = None
    require_tls: bool = False
    raw: bytes | None = field(default=None, repr=False)
    frozen: Rendered | None = field(default=None, repr=False, eq=False)

    def __init__(
        self,
        sender: str | Address | None = None,
        to: Addresses = (),
        cc: Addresses = (),
        bcc: Addresses = (),
        reply_to: Addresses = (),
        subject: str = "",
        text: str | None = None,
        html: str | None = None,
        attachments: Attachments = (),
        inline: Attachments = (),
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        priority: str | Priority | None = None,
        date: datetime | None = None,
        message_id: str | None = None,
        list_unsubscribe: str | Iterable[str] = (),
        request_dsn: bool | DsnRequest | None = None,
        *,
        request_read_receipt: bool = False,
        in_reply_to: str | None = None,
        references: str | Iterable[str] = (),
        sender_header: str | Address | None = None,
        envelope_sender: str | Address | None = None,
        auto_submitted: str | None = None,
        require_tls: bool = False,
        raw: bytes | None = None,
        frozen: Rendered | None = None,
    ) -> None:
        # By hand, since every message comes through here: what is not given stays as it is in the copy.
        fields = _EMPTY.copy()
        fields["sender"] = to_address(sender)
        fields["to"] = to_addresses(to)
        fields["subject"] = subject
        fields["text"] = text
        fields["html"] = html
        if cc or bcc or reply_to:
            fields |= {"cc": to_addresses(cc), "bcc": to_addresses(bcc), "reply_to": to_addresses(reply_to)}
        lists = attachments or inline or headers or list_unsubscribe or references
        options = (priority, date, message_id, request_dsn, in_reply_to, sender_header, envelope_sender, auto_submitted)
        flags = request_read_receipt or require_tls or raw is not None or frozen is not None
        further = lists or flags or options != _NO_OPTIONS
        if further:
            fields |= {
                "attachments": to_attachments(attachments),
                "inline": to_inline(inline),
                "headers": to_headers(headers),
                "priority": _priority(priority),
                "date": date,
                "message_id": message_id,
                "list_unsubscribe": to_texts(list_unsubscribe, "list_unsubscribe"),
                "request_dsn": to_dsn(request_dsn),
                "request_read_receipt": request_read_receipt,
                "in_reply_to": in_reply_to,
                "references": to_texts(references, "references"),
                "sender_header": to_address(sender_header),
                "envelope_sender": to_bounce_address(envelope_sender),
                "auto_submitted": auto_submitted,
                "require_tls": require_tls,
                "raw": to_raw(raw),
                "frozen": frozen,
            }
        object.__setattr__(self, "__dict__", fields)
        check_line(subject, "subject")
        check_text(text, "text")
        check_text(html, "html")
        if further:
            check_further(self)

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
        return made(Message, self.__dict__ | changes)

    def _with_raw_headers(self, headers: Mapping[str, Any], *, replace: bool = True) -> Message:
        if self.raw is None:
            return self
        from posthouse.mime.raw import with_headers

        return attrs.evolve(self, raw=with_headers(self.raw, headers, replace=replace))


_NO_OPTIONS = (None,) * 8
_EMPTY: dict[str, Any] = {each.name: each.default for each in attrs.fields(Message)}


@frozen(kw_only=True, slots=False)
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
