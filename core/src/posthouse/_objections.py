"""What a transport cannot carry of a message, known before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.errors import Problem

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Envelope, Message
    from posthouse.providers import Capabilities

__all__ = ["carries_everything", "objections"]


def carries_everything(account: Account, can: Capabilities) -> bool:
    """Return whether no message can meet an objection, so that none needs to be looked at."""
    abilities = (
        can.raw_mime, can.html, can.inline_images, can.read_receipt, can.dsn, can.require_tls, can.envelope_sender,
        can.envelope_recipients, can.unicode_addresses, can.exact_bytes, can.any_sender, can.custom_headers == "any",
    )  # fmt: skip
    limits = (can.max_custom_headers, can.max_recipients, can.max_message_size)
    return all(abilities) and limits == (None, None, None) and not account.strict_addresses


def objections(
    message: Message, envelope: Envelope, account: Account, capabilities: Capabilities
) -> tuple[Problem, ...]:
    """Return everything about a message that an account's transport cannot carry. Empty means that it can."""
    found = [*_to_the_content(message, capabilities), *_to_the_envelope(message, envelope, capabilities)]
    found += [*_to_the_sender(message, account, capabilities), *_to_the_size(message, capabilities)]
    if not capabilities.unicode_addresses or account.strict_addresses:
        found += _to_the_addresses(message, account, capabilities)
    return tuple(found)


def _to_the_content(message: Message, can: Capabilities) -> Iterator[Problem]:
    if message.raw is not None and not can.raw_mime:
        yield Problem("raw", "finished messages are not carried byte for byte")
    if message.frozen is not None and not can.exact_bytes:
        yield Problem("frozen", "a signature over the bytes (DKIM) would break: the server writes the message anew")
    if message.html and not can.html:
        yield Problem("html", "HTML is not supported")
    if message.inline and not can.inline_images:
        yield Problem("inline", "inline images are not supported")
    if message.headers and can.custom_headers != "any":
        odd = [name for name, _ in message.headers if not name.lower().startswith("x-")]
        if can.custom_headers == "none":
            yield Problem("headers", "custom headers are not supported")
        elif odd:
            yield Problem("headers", f"only x- headers are supported, not {', '.join(odd)}")
    if can.max_custom_headers is not None and len(message.headers) > can.max_custom_headers:
        yield Problem("headers", f"at most {can.max_custom_headers} custom headers are supported")
    if message.request_read_receipt and not can.read_receipt:
        yield Problem("request_read_receipt", "read receipts are not supported")


def _to_the_envelope(message: Message, envelope: Envelope, can: Capabilities) -> Iterator[Problem]:
    if envelope.dsn is not None and not can.dsn:
        yield Problem("request_dsn", "delivery status notifications cannot be asked for")
    if envelope.require_tls and not can.require_tls:
        yield Problem("require_tls", "TLS on every hop cannot be asked for")
    if not can.envelope_sender and envelope.sender != (message.sender.addr_spec if message.sender else ""):
        yield Problem("envelope_sender", "the bounce address cannot differ from the sender")
    named = {address.addr_spec for address in message.recipients()} if not can.envelope_recipients else set()
    if not can.envelope_recipients and set(envelope.recipients) != named:
        yield Problem("recipients", "the envelope cannot differ from the headers")
    if can.max_recipients is not None and len(envelope.recipients) > can.max_recipients:
        yield Problem("recipients", f"at most {can.max_recipients} recipients are supported")


def _to_the_sender(message: Message, account: Account, can: Capabilities) -> Iterator[Problem]:
    if can.any_sender or message.sender is None or account.sender is None:
        return
    if message.sender.addr_spec != account.sender.addr_spec:
        own = account.sender.addr_spec
        yield Problem("sender", f"the From address cannot be chosen; it is {own}, not {message.sender.addr_spec}")


def _to_the_size(message: Message, can: Capabilities) -> Iterator[Problem]:
    if can.max_message_size is None:
        return
    from posthouse.mime import render

    if (size := render(message).size) > can.max_message_size:
        yield Problem("size", f"at most {can.max_message_size} bytes are carried, and it has {size}")


def _to_the_addresses(message: Message, account: Account, can: Capabilities) -> Iterator[Problem]:
    for address in (*message.recipients(), *message.reply_to, *((message.sender,) if message.sender else ())):
        if not can.unicode_addresses and not address.local.isascii():
            yield Problem("recipients", f"addresses beyond ASCII are not supported: {address.addr_spec}")
        if account.strict_addresses:
            for doubt in address.doubts():
                yield Problem("recipients", f"{address.addr_spec}: {doubt}")
