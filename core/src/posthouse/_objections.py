"""What a transport cannot carry of a message, known before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import Problem

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Envelope, Message
    from posthouse.providers import Capabilities

__all__ = ["objections"]


def objections(
    message: Message, envelope: Envelope, account: Account, capabilities: Capabilities
) -> tuple[Problem, ...]:
    """Return everything about a message that an account's transport cannot carry. Empty means that it can."""
    can = capabilities
    custom = [name for name, _ in message.headers]
    odd = [name for name in custom if not name.lower().startswith("x-")]
    addresses = (*message.recipients(), *message.reply_to, *((message.sender,) if message.sender else ()))
    from_spec = message.sender.addr_spec if message.sender else ""
    rules = (
        (message.raw is not None and not can.raw_mime, "raw", "finished messages are not carried byte for byte"),
        (bool(message.html) and not can.html, "html", "HTML is not supported"),
        (bool(message.inline) and not can.inline_images, "inline", "inline images are not supported"),
        (bool(custom) and can.custom_headers == "none", "headers", "custom headers are not supported"),
        (
            bool(odd) and can.custom_headers == "x-only",
            "headers",
            f"only x- headers are supported, not {', '.join(odd)}",
        ),
        (
            can.max_custom_headers is not None and len(custom) > can.max_custom_headers,
            "headers",
            f"at most {can.max_custom_headers} custom headers are supported",
        ),
        (envelope.dsn is not None and not can.dsn, "request_dsn", "delivery status notifications cannot be asked for"),
        (envelope.require_tls and not can.require_tls, "require_tls", "TLS on every hop cannot be asked for"),
        (
            message.request_read_receipt and not can.read_receipt,
            "request_read_receipt",
            "read receipts are not supported",
        ),
        (
            envelope.sender != from_spec and not can.envelope_sender,
            "envelope_sender",
            "the bounce address cannot differ from the sender",
        ),
        (
            set(envelope.recipients) != {address.addr_spec for address in message.recipients()}
            and not can.envelope_recipients,
            "recipients",
            "the envelope cannot differ from the headers",
        ),
        (
            can.max_recipients is not None and len(envelope.recipients) > can.max_recipients,
            "recipients",
            f"at most {can.max_recipients} recipients are supported",
        ),
    )
    problems = [Problem(field, text) for broken, field, text in rules if broken]
    if not can.unicode_addresses:
        problems += [
            Problem("recipients", f"addresses beyond ASCII are not supported: {address.addr_spec}")
            for address in addresses
            if not address.local.isascii()
        ]
    if account.strict_addresses:
        problems += [
            Problem("recipients", f"{address.addr_spec}: {doubt}")
            for address in addresses
            for doubt in address.doubts()
        ]
    return tuple(problems)
