"""What an answer means for a submission's recipients. Graph answers for all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    PosthouseError,
    Reply,
    TlsError,
    UncertainError,
)
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus
from posthouse_graph.translate import AnswerLostError

if TYPE_CHECKING:
    from posthouse.messages import Submission
    from posthouse_graph.answers import Answer

__all__ = ["ACCEPTED", "accepted", "doubt", "failed"]

ACCEPTED = 202
"""The only status that means that Exchange has taken the message."""

_MAYBE_OBEYED = {502, 504}
"""What a gateway says that does not know what became of the request."""

_UNAUTHORIZED = 401


def accepted(submission: Submission, answer: Answer, notes: tuple[str, ...] = ()) -> Delivery:
    """Return the delivery of a message that Exchange has taken."""
    own_id = answer.headers.get("client-request-id", "")
    reply = Reply(answer.status, "", f"Accepted (client-request-id {own_id})" if own_id else "Accepted")
    return Delivery(
        recipients=tuple(
            RecipientOutcome(address, RecipientStatus.ACCEPTED, reply) for address in submission.envelope.recipients
        ),
        reply=reply,
        request_id=answer.request_id,
        notes=notes,
    )


def failed(submission: Submission, error: PosthouseError) -> Delivery:
    """Return the delivery of a message that Exchange has not taken, or perhaps has (`UncertainError`)."""
    if _touched_nothing(error):
        return Delivery(recipients=(), error=error, untouched=True)
    status = RecipientStatus.UNCERTAIN if isinstance(error, UncertainError) else RecipientStatus.REFUSED
    return Delivery(
        recipients=tuple(
            RecipientOutcome(address, status, error.reply, error.temporary, error.message)
            for address in submission.envelope.recipients
        ),
        reply=error.reply,
        request_id=str(error.details.get("request-id") or error.details.get("client-request-id", "")),
        error=error,
    )


def doubt(error: DeliveryError) -> DeliveryError:
    """Return the error of a request to send: an `UncertainError` where nobody knows whether it was obeyed."""
    gateway = error.reply is not None and error.reply.code in _MAYBE_OBEYED
    if not isinstance(error, AnswerLostError) and not gateway:
        return error
    uncertain = UncertainError(
        f"{error.message}; the message may or may not be sent.",
        code="uncertain.answer",
        hint="Look for the Message-ID in Sent Items before sending it again.",
        reply=error.reply,
        details=error.details,
    )
    uncertain.__cause__ = error
    return uncertain


def _touched_nothing(error: PosthouseError) -> bool:
    """Whether the message can safely be sent over another connection: no connection, or the token was not taken."""
    if isinstance(error, AuthenticationError):
        return error.reply is not None and error.reply.code == _UNAUTHORIZED
    return isinstance(error, ConnectError | TlsError) and error.reply is None
