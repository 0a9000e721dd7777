"""From a message as the program wrote it to a submission as it may leave: defaults, policies, extensions, envelope.

Everything here happens before a connection is opened, so a message that cannot go is refused before anything is sent.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse._routing import matches
from posthouse.errors import MessageError, NotPermittedError, Problem
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Capabilities, Phase
from posthouse.receipts import RecipientOutcome, RecipientStatus

if TYPE_CHECKING:
    from posthouse._scope import Extension
    from posthouse.accounts import Account
    from posthouse.config import Safety

__all__ = ["Prepared", "objections", "prepare"]

ORIGINAL_RECIPIENTS = "X-Posthouse-Original-Recipients"


@frozen
class Prepared:
    """A submission, and the recipients that policy kept out of it."""

    submission: Submission
    withheld: tuple[RecipientOutcome, ...] = ()


async def prepare(
    message: Message, account: Account, safety: Safety, extensions: Sequence[Extension], capabilities: Capabilities
) -> Prepared:
    """Make a message ready to leave.

    Raises:
        NotPermittedError: sending is off, or no recipient may be mailed.
        MessageError: it has no sender or no recipient, or asks for what the transport cannot carry.
    """
    if not safety.sending_enabled:
        raise NotPermittedError(
            "Sending is switched off.", code="safety.disabled", hint="Set [safety] sending_enabled = true to send mail."
        )
    message = with_account_defaults(message, account)
    for extension in extensions:
        if extension.prepares and extension.description.phase < Phase.FREEZE:
            message = await extension.hook.prepare(message=message, account=account)
    envelope = make_envelope(message, account)
    message, envelope, withheld = apply_safety(message, envelope, safety)
    for extension in extensions:
        if extension.prepares and extension.description.phase >= Phase.FREEZE:
            message = await extension.hook.prepare(message=message, account=account)
    if problems := objections(message, envelope, account, capabilities):
        raise MessageError(
            f"The account {account.name!r} cannot send this message: "
            + "; ".join(str(problem) for problem in problems),
            code="message.unsupported",
            details={"problems": [str(problem) for problem in problems]},
        )
    return Prepared(Submission(message=message, envelope=envelope), withheld)


def with_account_defaults(message: Message, account: Account) -> Message:
    """Fill in what the message leaves open; force the sender where the account says so.

    Raises:
        MessageError: neither the message nor the account names a sender (code ``message.no-sender``).
    """
    sender = message.sender or account.sender
    if sender is None:
        raise MessageError(
            "The message names no sender, and neither does the account.",
            code="message.no-sender",
            hint=f"Give the message a sender, or set accounts.{account.name}.sender.",
        )
    if account.force_sender and account.sender is not None and sender.addr_spec != account.sender.addr_spec:
        message = message.with_sender(account.sender, reply_to=message.reply_to or (sender,))
        sender = account.sender
    return message.with_defaults(
        sender=sender,
        reply_to=account.reply_to,
        date=None if message.date else datetime.now(UTC).astimezone(),
        message_id=None if message.message_id else _new_message_id(sender.domain),
    )


def make_envelope(message: Message, account: Account) -> Envelope:
    """Say who gets the message and where bounces go.

    Raises:
        MessageError: nobody gets it (code ``message.no-recipients``).
    """
    addresses = (*message.recipients(), *account.always_bcc)
    recipients = tuple(dict.fromkeys(address.addr_spec for address in addresses))
    if not recipients:
        raise MessageError(
            "The message has no recipients.", code="message.no-recipients", hint="Name at least one in to, cc or bcc."
        )
    for bounces_to in (message.envelope_sender, account.envelope_sender, message.sender and message.sender.addr_spec):
        if bounces_to is not None:
            break
    return Envelope(
        sender=bounces_to or "", recipients=recipients, dsn=message.request_dsn, require_tls=message.require_tls
    )


def apply_safety(
    message: Message, envelope: Envelope, safety: Safety
) -> tuple[Message, Envelope, tuple[RecipientOutcome, ...]]:
    """Redirect the envelope, or withhold recipients that may not be mailed, whatever the transport.

    Raises:
        NotPermittedError: no recipient is left (code ``safety.recipients``).
    """
    if safety.redirect_to:
        redirected = Envelope(
            sender=envelope.sender,
            recipients=tuple(dict.fromkeys(address.addr_spec for address in safety.redirect_to)),
            dsn=envelope.dsn,
            require_tls=envelope.require_tls,
        )
        return message.with_header(ORIGINAL_RECIPIENTS, ", ".join(envelope.recipients)), redirected, ()
    if safety.allow_recipients is None:
        return message, envelope, ()
    allowed = tuple(r for r in envelope.recipients if matches(r, safety.allow_recipients))
    withheld = tuple(
        RecipientOutcome(r, RecipientStatus.REFUSED, reason="not in [safety] allow_recipients")
        for r in envelope.recipients
        if r not in allowed
    )
    if not allowed:
        raise NotPermittedError(
            f"No recipient may be mailed: {', '.join(envelope.recipients)}.",
            code="safety.recipients",
            hint="Add the address or its @domain to [safety] allow_recipients.",
        )
    return (
        message,
        Envelope(sender=envelope.sender, recipients=allowed, dsn=envelope.dsn, require_tls=envelope.require_tls),
        withheld,
    )


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


def _new_message_id(domain: str) -> str:
    ascii_domain = domain.encode("idna").decode() if not domain.isascii() else domain
    return f"<{time.time_ns():x}.{secrets.token_hex(8)}@{ascii_domain}>"
