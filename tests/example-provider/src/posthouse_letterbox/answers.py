"""What Letterbox's answers mean, for the error and for each recipient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    PosthouseError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    UncertainError,
)
from posthouse.hints import HintTable
from posthouse.messages import Submission
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

__all__ = ["delivery_of", "error_of", "failed", "uncertain", "unreachable", "untouched"]


def delivery_of(submission: Submission, result: Mapping[str, Any]) -> Delivery:
    """Return what became of a letter: refused as a whole, or an answer for each recipient."""
    number = str(result.get("letter", ""))
    if "error" in result:
        return failed(submission, error_of(200, result["error"]), number)
    answers = {answer["address"]: answer for answer in result["recipients"]}
    outcomes = tuple(_outcome(address, answers.get(address)) for address in submission.envelope.recipients)
    error = None
    if all(outcome.status is RecipientStatus.REFUSED for outcome in outcomes):
        error = RefusedError(
            "Letterbox refused every recipient.",
            temporary=all(outcome.temporary for outcome in outcomes),
            hint="The reasons stand with the recipients.",
            reply=outcomes[0].reply,
        )
    return Delivery(recipients=outcomes, request_id=number, error=error)


def failed(submission: Submission, error: PosthouseError, number: str = "") -> Delivery:
    """Return the delivery of a letter that was refused as a whole, or whose fate nobody knows."""
    status = RecipientStatus.UNCERTAIN if isinstance(error, UncertainError) else RecipientStatus.REFUSED
    outcomes = tuple(
        RecipientOutcome(address, status, error.reply, error.temporary, error.message)
        for address in submission.envelope.recipients
    )
    return Delivery(recipients=outcomes, reply=error.reply, request_id=number, error=error)


def untouched(error: PosthouseError) -> Delivery:
    """Return the delivery of a letter that nobody looked at, so that it can go over another connection."""
    return Delivery(recipients=(), error=error, untouched=True)


def unreachable(error: Exception) -> ConnectError:
    """Return what it means that there is no connection, or no answer to a question that does no harm."""
    return ConnectError(
        f"Letterbox cannot be reached: {_words(error)}.",
        temporary=True,
        hint="Check transport.url, the network, and https://status.letterbox.example.",
    )


def uncertain(why: str) -> UncertainError:
    """Return the error of letters that were handed over, and that Letterbox says nothing about even if asked."""
    return UncertainError(
        f"{why} Letterbox may have the message or not.",
        hint="Look for its Message-ID at Letterbox, Sent, before you send it again.",
    )


def error_of(status: int, error: Mapping[str, Any]) -> DeliveryError:
    """Return what a refusal amounts to.

    Args:
        status: of HTTP.
        error: Letterbox's ``code``, ``text`` and, if it is too much, ``wait`` in seconds.
    """
    reply = Reply(status, str(error.get("code", "")), str(error.get("text", "")))
    known = HintTable.load("posthouse_letterbox").find(reply, Stage.CONTENT)
    kind = (known and known.error) or _error_for(status)
    temporary = status in (429, 503) if known is None or known.temporary is None else known.temporary
    wait = error.get("wait")
    said = known.cause if known else f"Letterbox refused it: {reply.text or status}."
    return kind(
        said,
        code=known.error_code if known else "",
        stage=Stage.AUTHENTICATION if kind is AuthenticationError else Stage.CONTENT,
        temporary=temporary,
        retry_after=float(wait) if isinstance(wait, int | float) else None,
        hint=known.next if known else ("Try again later." if temporary else "The reason stands in the answer."),
        reply=reply,
    )


def _error_for(status: int) -> type[DeliveryError]:
    if status in (401, 403):
        return AuthenticationError
    return ThrottledError if status == 429 else RefusedError


def _outcome(address: str, answer: Mapping[str, Any] | None) -> RecipientOutcome:
    if answer is None:
        return RecipientOutcome(address, RecipientStatus.UNCERTAIN, reason="Letterbox did not say what became of it.")
    if answer["status"] == "accepted":
        return RecipientOutcome(address, RecipientStatus.ACCEPTED)
    error = error_of(200, answer)
    return RecipientOutcome(address, RecipientStatus.REFUSED, error.reply, error.temporary, error.message)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
