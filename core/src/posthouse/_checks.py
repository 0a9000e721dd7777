"""What a message may hold. Each check raises a `MessageError` that names the field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from posthouse.errors import MessageError

if TYPE_CHECKING:
    from posthouse.attachments import Attachment
    from posthouse.messages import Message

__all__ = [
    "MANAGED_HEADERS",
    "check_date",
    "check_further",
    "check_header",
    "check_id",
    "check_line",
    "check_text",
    "check_url",
]

MANAGED_HEADERS = {
    "from": "sender",
    "sender": "sender_header",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "reply-to": "reply_to",
    "subject": "subject",
    "date": "date",
    "message-id": "message_id",
    "in-reply-to": "in_reply_to",
    "references": "references",
    "list-unsubscribe": "list_unsubscribe",
    "list-unsubscribe-post": "list_unsubscribe",
    "x-priority": "priority",
    "importance": "priority",
    "priority": "priority",
    "disposition-notification-to": "request_read_receipt",
    "auto-submitted": "auto_submitted",
    "return-path": "envelope_sender",
    "resent-bcc": "bcc",
    "mime-version": "",
    "content-type": "",
    "content-transfer-encoding": "",
    "content-disposition": "",
    "content-id": "",
}
"""Header names in lower case, and the field of `Message` that makes them; empty: the composer makes them."""

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_LOOSE_ID = re.compile(r"<[!-;=?-~]+>")
_URL = re.compile(r"(?:https?|mailto):[!-;=?-~]+", re.IGNORECASE)
_AUTO_SUBMITTED = {None, "no", "auto-generated", "auto-replied", "auto-notified"}  # RFC 3834 section 5, RFC 5436
_FIRST_YEAR = 1900  # RFC 5322 section 3.3
_MOST_ON_A_LINE = 960  # of 998 (RFC 5322 section 2.1.1), with room for the header's name


def check_further(message: Message) -> None:
    """Check what few messages have: all but addresses, subject and bodies.

    Raises:
        MessageError: a field is malformed, or tries to inject a line.
    """
    check_date(message.date)
    if message.raw is not None:
        return  # the other fields only tell what it holds, and what other programs wrote is not ours to judge
    if message.message_id is not None:
        check_id(message.message_id, "message_id")
    if message.in_reply_to is not None:
        check_id(message.in_reply_to, "in_reply_to", loose=True)
    for reference in message.references:
        check_id(reference, "references", loose=True)
    for url in message.list_unsubscribe:
        check_url(url, "list_unsubscribe")
    for name, value in message.headers:
        check_header(name, value)
    if message.auto_submitted not in _AUTO_SUBMITTED:
        _refuse_auto_submitted(message.auto_submitted)
    if message.inline:
        _check_inline(message.html, message.inline)


def check_line(value: object, what: str) -> None:
    """Check that a header's value stays on its line: no control character but the tab, no lone surrogate."""
    if not isinstance(value, str):
        raise MessageError(f"{what} must be text, not {type(value).__name__}", code="message.type")
    if value.isascii() and value.isprintable():
        return
    if _CONTROL.search(value):
        raise MessageError(
            f"{what} holds a line break or another control character: {value[:60]!r}",
            code="message.injection",
            hint="Take it out; it could smuggle in further headers.",
        )
    _check_encodable(value, what)


def check_text(value: object, what: str) -> None:
    """Check that a body can be encoded."""
    if value is None:
        return
    if not isinstance(value, str):
        raise MessageError(f"{what} must be text, not {type(value).__name__}", code="message.type")
    if not value.isascii():
        _check_encodable(value, what)


def check_header(name: object, value: object) -> None:
    """Check a further header: its name's syntax (RFC 5322 section 2.2), its value, and that no field makes it."""
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise MessageError(
            f"{name!r} is no header name",
            code="message.injection" if isinstance(name, str) and _CONTROL.search(name) else "message.header",
            hint="A header name is made of ASCII letters, digits and hyphens, without the colon.",
        )
    field = MANAGED_HEADERS.get(name.lower())
    if field is not None:
        hint = f"Use the field {field}=." if field else "It is made when the message is rendered."
        raise MessageError(f"the header {name} cannot be set directly", code="message.header", hint=hint)
    check_line(value, f"the header {name}")


def check_id(value: str, what: str, *, loose: bool = False) -> None:
    """Check a Message-ID (RFC 5322 section 3.6.4); ``loose`` takes those that other programs make without an @."""
    check_line(value, what)
    pattern = _LOOSE_ID if loose else _MESSAGE_ID
    if not pattern.fullmatch(value) or len(value) > _MOST_ON_A_LINE:
        raise MessageError(
            f"{what} is {value[:100]!r}, which is no message identifier",
            code="message.id",
            hint="Write it as <something.unique@your.domain>, angle brackets included.",
        )


def check_url(value: str, what: str) -> None:
    """Check an ``https:``, ``http:`` or ``mailto:`` URL that a header can hold."""
    check_line(value, what)
    if not _URL.fullmatch(value) or len(value) > _MOST_ON_A_LINE:
        raise MessageError(
            f"{what} holds {value[:100]!r}, which is no https: or mailto: URL",
            code="message.url",
            hint="Percent-encode spaces, angle brackets and anything beyond ASCII.",
        )


def check_date(value: object) -> None:
    """Check that a date names a moment, whatever the machine's time zone."""
    if value is None:
        return
    if not isinstance(value, datetime):
        raise MessageError(f"date is a datetime, not {type(value).__name__}", code="message.type")
    if value.utcoffset() is None:
        raise MessageError(
            "date has no time zone",
            code="message.date",
            hint="Make it with datetime.now(timezone.utc), or call .astimezone() on it.",
        )
    if value.year < _FIRST_YEAR:
        raise MessageError(f"date is in the year {value.year}, before {_FIRST_YEAR}", code="message.date")


def _check_encodable(value: str, what: str) -> None:
    if _SURROGATE.search(value):
        raise MessageError(
            f"{what} holds half of a surrogate pair, which is no character",
            code="message.unicode",
            hint="The text was decoded wrongly; decode it with its real character set.",
        )


def _refuse_auto_submitted(value: object) -> None:
    check_line(value, "auto_submitted")
    raise MessageError(
        f"auto_submitted cannot be {value!r}",
        code="message.auto-submitted",
        hint="Use 'auto-generated' or 'auto-replied'.",
    )


def _check_inline(html: str | None, files: Sequence[Attachment]) -> None:
    if html is None:
        raise MessageError(
            "inline files need an HTML body that refers to them",
            code="message.inline",
            hint="Set html=, or use attachments= instead.",
        )
    for file in files:
        if not file.content_id:
            raise MessageError(
                f"the inline file {file.name or 'without a name'} has no content_id, and its name cannot be one",
                code="message.content-id",
                hint='Use Attachment(…, content_id="logo") and refer to it by cid:logo.',
            )
    if len({file.content_id for file in files}) < len(files):
        raise MessageError("two inline files have the same content_id", code="message.content-id")
