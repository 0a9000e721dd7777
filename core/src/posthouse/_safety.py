"""The guard around sending, on the envelope of any transport: the master switch, the allow-list, the redirection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs

from posthouse._routing import matches
from posthouse.errors import NotPermittedError
from posthouse.receipts import RecipientOutcome, RecipientStatus

if TYPE_CHECKING:
    from posthouse.config import Safety
    from posthouse.messages import Envelope, Message

__all__ = ["ORIGINAL_RECIPIENTS", "apply_safety", "nobody_left", "require_sending"]

ORIGINAL_RECIPIENTS = "X-Posthouse-Original-Recipients"
"""The header of a redirected message that says who would have received it."""


def require_sending(safety: Safety) -> None:
    """Refuse to go on while the master switch is off.

    Raises:
        NotPermittedError: it is off (code ``safety.disabled``).
    """
    if not safety.sending_enabled:
        raise NotPermittedError(
            "Sending is switched off.", code="safety.disabled", hint="Set [safety] sending_enabled = true to send mail."
        )


def apply_safety(
    message: Message, envelope: Envelope, safety: Safety
) -> tuple[Message, Envelope, tuple[RecipientOutcome, ...]]:
    """Redirect the envelope, or withhold recipients that may not be mailed, whatever the transport.

    Raises:
        NotPermittedError: no recipient is left (code ``safety.recipients``).
    """
    if safety.redirect_to:
        instead = tuple(dict.fromkeys(address.addr_spec for address in safety.redirect_to))
        redirected = attrs.evolve(envelope, recipients=instead)
        return message.with_header(ORIGINAL_RECIPIENTS, ", ".join(envelope.recipients)), redirected, ()
    if not safety.allow_recipients:
        return message, envelope, ()
    allowed = tuple(r for r in envelope.recipients if matches(r, safety.allow_recipients))
    withheld = tuple(
        RecipientOutcome(r, RecipientStatus.REFUSED, reason="not in [safety] allow_recipients")
        for r in envelope.recipients
        if r not in allowed
    )
    if not allowed:
        raise nobody_left(envelope.recipients)
    return message, attrs.evolve(envelope, recipients=allowed), withheld


def nobody_left(recipients: Sequence[str]) -> NotPermittedError:
    """Return the error of a message none of whose recipients may be mailed."""
    return NotPermittedError(
        f"No recipient may be mailed: {', '.join(recipients)}.",
        code="safety.recipients",
        hint="Add the address or its @domain to [safety] allow_recipients.",
    )
