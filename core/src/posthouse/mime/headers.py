"""Header fields: folded (RFC 5322 section 2.2.3), in ASCII by encoded words, or in UTF-8 where SMTPUTF8 allows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from posthouse.errors import MessageError
from posthouse.mime.encoded_words import encode

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Message

__all__ = ["field_octets", "message_headers", "text_field"]

_LINE = 76  # 78 is preferred (RFC 5322 section 2.1.1), 76 allowed where encoded words are (RFC 2047 section 2)
_HARD_LINE = 998
_NO_OFFSET = timedelta(0)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/^_`{|}~-]+)*")
_LONGEST_PLAIN_NAME = 60
_SAFE_BREAK = re.compile(r"(?<=[^ \t]) (?=[^ \t])")
_PRIORITIES = {
    "high": "X-Priority: 1 (Highest)\r\nImportance: high\r\nPriority: urgent\r\n",
    "normal": "X-Priority: 3 (Normal)\r\nImportance: normal\r\nPriority: normal\r\n",
    "low": "X-Priority: 5 (Lowest)\r\nImportance: low\r\nPriority: non-urgent\r\n",
}


def message_headers(message: Message, utf8: bool) -> str:
    """Return all header fields but those of MIME.

    Args:
        message: a message that has a sender.
        utf8: write UTF-8 rather than encoded words (RFC 6532).

    Raises:
        MessageError: there is no From address (``message.sender``), or an address needs SMTPUTF8
            (``message.smtputf8``).
    """
    if message.sender is None:
        raise MessageError("the message has no sender", code="message.sender", hint="Set sender=, or the account's.")
    parts = [_from_field(message.sender, utf8)]
    if message.sender_header is not None:
        parts.append(address_field("Sender", (message.sender_header,), utf8))
    if message.to:
        parts.append(address_field("To", message.to, utf8))
    if message.cc:
        parts.append(address_field("Cc", message.cc, utf8))
    if message.reply_to:
        parts.append(address_field("Reply-To", message.reply_to, utf8))
    parts.append(text_field("Subject", message.subject, utf8))
    parts.append(f"Date: {format_date(message.date or datetime.now(UTC))}\r\n")
    if message.message_id is not None:
        parts.append(f"Message-ID: {message.message_id}\r\n")
    if message.in_reply_to is not None:
        parts.append(f"In-Reply-To: {message.in_reply_to}\r\n")
    if message.references:
        parts.append(_joined("References", message.references))
    if message.list_unsubscribe:
        parts += _list_unsubscribe(message.list_unsubscribe)
    if message.priority is not None:
        parts.append(_PRIORITIES[message.priority])
    if message.request_read_receipt:
        parts.append(address_field("Disposition-Notification-To", (message.sender,), utf8))
    if message.auto_submitted is not None:
        parts.append(f"Auto-Submitted: {message.auto_submitted}\r\n")
    for name, value in message.headers:
        parts.append(text_field(name, value, utf8))
    return "".join(parts)


def field_octets(name: str, value: Any) -> bytes:
    """Return one whole field for an edited message: of a text, of addresses, or of a date; nothing for nothing."""
    if not value:
        return b""
    if isinstance(value, datetime):
        return f"{name}: {format_date(value)}\r\n".encode()
    if isinstance(value, str):
        return text_field(name, value, False).encode()
    return address_field(name, value, any(address.ascii is None for address in value)).encode()


def text_field(name: str, value: str, utf8: bool) -> str:
    """Return an unstructured field. Whatever the value, it is read back as it was given.

    It stays readable where it can; what could be lost on the way (spaces at the ends, runs of spaces at a fold, what
    looks like an encoded word) is encoded as a whole.
    """
    if value.isascii():
        if (
            len(name) + 2 + len(value) <= _LINE
            and value.isprintable()
            and "=?" not in value
            and value == value.strip(" ")
        ):
            return f"{name}: {value}\r\n"
    elif not utf8 and not value.isascii():
        return _encoded(name, value)
    if not value:
        return f"{name}:\r\n"
    if "=?" in value or "\t" in value or value != value.strip():
        return _encoded(name, value)
    lines = _folded(_SAFE_BREAK.split(value), len(name) + 2)
    if any(len(line) >= _HARD_LINE // 4 and len(line.encode()) + len(name) + 2 > _HARD_LINE for line in lines):
        return _encoded(name, value)
    return f"{name}: " + "\r\n ".join(lines) + "\r\n"


def _from_field(sender: Address, utf8: bool) -> str:
    global _last_from
    last = _last_from  # taken once, since another thread may render too
    if sender is not last[0] or utf8 is not last[1]:  # the very same for all messages of an account
        last = _last_from = (sender, utf8, address_field("From", (sender,), utf8))
    return last[2]


_last_from: tuple[Address | None, bool, str] = (None, False, "")


def address_field(name: str, addresses: Sequence[Address], utf8: bool) -> str:
    """Return a field that lists addresses, folded between them.

    Raises:
        MessageError: one of them can only be written in UTF-8, and ``utf8`` is False (``message.smtputf8``).
    """
    if len(addresses) == 1:
        spec, shown = addresses[0].addr_spec, addresses[0].name
        if not shown and spec.isascii():
            return f"{name}: {spec}\r\n"
        if spec.isascii() and len(name) + len(shown) + len(spec) + 5 <= _LINE and _is_plain(shown):
            return f"{name}: {shown} <{spec}>\r\n"
    last = _last_fields.get(name)
    if last is not None and last[0] is addresses and last[1] == utf8:
        return last[2]
    field = _long_address_field(name, addresses, utf8)
    if name in _REPEATED:
        _last_fields[name] = (addresses, utf8, field)
    return field


_REPEATED = {"To", "Cc", "Reply-To"}
_last_fields: dict[str, tuple[Sequence[Address], bool, str]] = {}


def _long_address_field(name: str, addresses: Sequence[Address], utf8: bool) -> str:
    words: list[str] = []
    for address in addresses:
        spec: str | None = address.addr_spec
        if not utf8 and not address.addr_spec.isascii():
            spec = address.ascii
        if spec is None:
            raise MessageError(
                f"the address {address.addr_spec} needs a server that offers SMTPUTF8",
                code="message.smtputf8",
                hint="Use another server, or an address whose part before the @ is ASCII.",
            )
        if address.name:
            words += _display_name(address.name, 1 if words else len(name) + 2, utf8)
            words.append(f"<{spec}>,")
        else:
            words.append(f"{spec},")
    words[-1] = words[-1][:-1]
    return _joined(name, words)


def format_date(date: datetime) -> str:
    """Return a date as RFC 5322 section 3.3 writes it: ``Tue, 01 Jul 2025 10:52:37 +0200``."""
    global _last_date
    last = _last_date  # taken once, since another thread may render too
    if date is not last[0]:  # the very same for all messages of a second
        last = _last_date = (date, _formatted(date))
    return last[1]


_last_date: tuple[datetime | None, str] = (None, "")


def _formatted(date: datetime) -> str:
    offset = date.utcoffset() or _NO_OFFSET
    if offset.seconds % 60:  # some places kept local mean time; the header only knows minutes
        date, offset = date.astimezone(UTC), _NO_OFFSET
    day = f"{_DAYS[date.weekday()]}, {_TWO_DIGITS[date.day]} {_MONTHS[date.month - 1]} {date.year}"
    time = f"{_TWO_DIGITS[date.hour]}:{_TWO_DIGITS[date.minute]}:{_TWO_DIGITS[date.second]}"
    return f"{day} {time} {_zone(offset)}"


@lru_cache(maxsize=100)
def _zone(offset: timedelta) -> str:
    minutes = offset // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def _list_unsubscribe(urls: Sequence[str]) -> Iterable[str]:
    words = ", ".join(f"<{url}>" for url in urls).split(" ")
    yield _joined("List-Unsubscribe", words)
    if any(url.lower().startswith("https:") for url in urls):
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


@lru_cache(maxsize=1024)
def _is_plain(name: str) -> bool:
    return len(name) <= _LONGEST_PLAIN_NAME and "=?" not in name and _PLAIN_NAME.fullmatch(name) is not None


def _display_name(name: str, used: int, utf8: bool) -> list[str]:
    if len(name) <= _LONGEST_PLAIN_NAME and "=?" not in name:
        if _is_plain(name):
            return [name]
        if utf8 or name.isascii():
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            return [f'"{escaped}"']
    return encode(name, used)


def _encoded(name: str, value: str) -> str:
    words = "\r\n ".join(encode(value, len(name) + 2))
    return f"{name}: {words}\r\n"


def _joined(name: str, words: Sequence[str]) -> str:
    lines = "\r\n ".join(_folded(words, len(name) + 2))
    return f"{name}: {lines}\r\n"


def _folded(words: Sequence[str], used: int) -> list[str]:
    lines = []
    first = 0
    used += len(words[0])
    for number, word in enumerate(words):
        if number:
            used += 1 + len(word)
            if used > _LINE:
                lines.append(" ".join(words[first:number]))
                first, used = number, 1 + len(word)
    return [*lines, " ".join(words[first:])]
