"""Renders a message: straight to the bytes of the wire, no object per header in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import MessageError
from posthouse.mime.fallback import to_seven_bit
from posthouse.mime.headers import message_headers
from posthouse.mime.parts import Part, body_of
from posthouse.mime.raw import split
from posthouse.mime.rendered import Rendered

if TYPE_CHECKING:
    from posthouse.messages import Message

__all__ = ["render"]

_MOST_KEPT = 1024 * 1024  # bytes


_last: tuple[Message, bool, Part] | None = None
"""The last message, whether with 8-bit text, and its body.

A copy of one message for each of many recipients shares its text and files, so its body is made once."""


def render(message: Message, *, eightbit: bool = False, utf8: bool = False) -> Rendered:
    """Render a message; Bcc is never in it.

    Args:
        message: has a sender; a date that is missing is now, a Message-ID that is missing is left out.
        eightbit: the server takes 8-bit text (8BITMIME, RFC 6152); otherwise it is encoded.
        utf8: the server takes UTF-8 in headers (SMTPUTF8, RFC 6531). They are written so only where an address needs
            it; international domains alone are written in ASCII.

    Raises:
        MessageError: it has no sender (``message.sender``), an address needs SMTPUTF8 (``message.smtputf8``), an
            attachment cannot be read (``message.attachment``), or a raw message holds 8-bit text that the server does
            not take and that cannot be converted (``message.eightbit``), as a frozen one never can.
    """
    if message.frozen is not None:
        return _render_frozen(message.frozen, eightbit=eightbit, utf8=utf8)
    if message.raw is not None:
        return _render_raw(message.raw, eightbit=eightbit, utf8=utf8)
    needs_utf8 = utf8 and _has_unicode_addresses(message)
    headers = message_headers(message, needs_utf8)
    body = _body(message, eightbit)
    head = f"{headers}MIME-Version: 1.0\r\n{body.headers}\r\n".encode()
    first, *others = body.content
    segments = [head + first, *others] if isinstance(first, bytes) else [head, first, *others]
    return Rendered(segments, needs_eightbit=body.eightbit or needs_utf8, needs_utf8=needs_utf8)


def _body(message: Message, eightbit: bool) -> Part:
    global _last
    last = _last  # taken once, since another thread may render too
    if last is not None and last[0].text is message.text and last[1] is eightbit and _same_files(last[0], message):
        return last[2]
    body = body_of(message, eightbit)
    for segment in body.content:
        if isinstance(segment, bytes) and len(segment) > _MOST_KEPT:
            return body
    _last = (message, eightbit, body)
    return body


def _same_files(one: Message, other: Message) -> bool:
    return (
        one.html is other.html
        and one.attachments is other.attachments
        and one.inline is other.inline
        and not any(file.blocking for file in other.attachments)  # a file may have changed
        and not any(file.blocking for file in other.inline)
    )


def _has_unicode_addresses(message: Message) -> bool:
    single = [address for address in (message.sender, message.sender_header) if address is not None]
    addresses = (*single, *message.to, *message.cc, *message.reply_to)
    return any(address.ascii is None for address in addresses)


def _render_raw(raw: bytes, *, eightbit: bool, utf8: bool) -> Rendered:
    if raw.isascii():
        return Rendered([raw], needs_eightbit=False, needs_utf8=False)
    header, body = split(raw)
    needs_utf8 = not header.isascii()
    if needs_utf8 and not utf8:
        raise _needs_utf8("a finished message")
    if not eightbit and not needs_utf8 and not body.isascii():
        raw = to_seven_bit(raw, "8-bit raw message")
    return Rendered([raw], needs_eightbit=not raw.isascii(), needs_utf8=needs_utf8)


def _render_frozen(frozen: Rendered, *, eightbit: bool, utf8: bool) -> Rendered:
    if frozen.needs_utf8 and not utf8:
        raise _needs_utf8("a signed message")
    if frozen.needs_eightbit and not eightbit:
        raise MessageError(
            "a signed message holds 8-bit text that the server does not take; converted, its signature would break",
            code="message.eightbit",
            hint="Encode its parts as quoted-printable or base64, or use a server that offers 8BITMIME.",
        )
    return frozen


def _needs_utf8(what: str) -> MessageError:
    return MessageError(
        f"{what} has UTF-8 in its headers, which needs a server that offers SMTPUTF8",
        code="message.smtputf8",
        hint="Use another server, or encode its headers (RFC 2047).",
    )
