"""What became of a message, as deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from posthouse.errors import PosthouseError, Reply, UncertainError
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

if TYPE_CHECKING:
    from posthouse.messages import Submission

__all__ = ["accepted", "refused", "uncertain", "untouched"]


def accepted(
    submission: Submission, reply: Reply | None = None, request_id: str = "", notes: tuple[str, ...] = ()
) -> Delivery:
    """Return that the mail program took the message for everybody."""
    outcomes = tuple(
        RecipientOutcome(recipient, RecipientStatus.ACCEPTED, reply) for recipient in submission.envelope.recipients
    )
    return Delivery(recipients=outcomes, reply=reply, request_id=request_id, notes=notes)


def refused(submission: Submission, error: PosthouseError, reasons: Mapping[str, str] | None = None) -> Delivery:
    """Return that nobody gets the message; ``reasons`` says more of some recipients."""
    reasons = reasons or {}
    outcomes = tuple(
        RecipientOutcome(
            recipient, RecipientStatus.REFUSED, error.reply, error.temporary, reasons.get(recipient, error.message)
        )
        for recipient in submission.envelope.recipients
    )
    return Delivery(recipients=outcomes, reply=error.reply, error=error)


def uncertain(submission: Submission, error: UncertainError) -> Delivery:
    """Return that nobody knows whether the message left."""
    outcomes = tuple(
        RecipientOutcome(recipient, RecipientStatus.UNCERTAIN, error.reply, reason=error.message)
        for recipient in submission.envelope.recipients
    )
    return Delivery(recipients=outcomes, reply=error.reply, error=error)


def untouched(error: PosthouseError) -> Delivery:
    """Return that nothing was handed over, so that the message can be sent once more."""
    return Delivery(recipients=(), error=error, untouched=True)
