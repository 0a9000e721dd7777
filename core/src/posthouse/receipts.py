"""What became of a message, recipient by recipient.

A transport returns a `Delivery`; the mailer adds who sent it, through what and how long it took, and hands the
caller a `Receipt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from attrs import Factory, frozen

from posthouse.errors import PosthouseError, Reply, UncertainError

__all__ = ["Delivery", "Outcome", "Receipt", "RecipientOutcome", "RecipientStatus", "all_accepted"]


class RecipientStatus(StrEnum):
    """What became of one recipient."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"
    """The content was handed over for this recipient, and the connection broke before the answer."""


class Outcome(StrEnum):
    """What became of the whole message."""

    SENT = "sent"
    """Every recipient was accepted."""
    PARTIAL = "partial"
    """Some recipients were accepted, some refused."""
    DEFERRED = "deferred"
    """Nobody was accepted, and the reason is temporary for at least one recipient."""
    FAILED = "failed"
    """Nobody was accepted, and trying again will not help."""
    UNCERTAIN = "uncertain"
    """At least one recipient may have been delivered without an answer. Never sent again silently."""


_ACCEPTED, _SENT = RecipientStatus.ACCEPTED, Outcome.SENT  # Python 3.11 takes a while to find them in their classes


@frozen
class RecipientOutcome:
    """The answer for one recipient.

    Attributes:
        address: the envelope recipient.
        status: accepted, refused or uncertain.
        reply: the server's answer for this recipient, where there was one.
        temporary: True if a refusal may pass (4yz replies, greylisting, throttling, no connection).
        reason: why, where it was not the server that spoke (a policy, a lost connection).
    """

    address: str
    status: RecipientStatus
    reply: Reply | None = None
    temporary: bool = False
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return ``{address, status, code, enhanced, text}`` as ``posthouse send --json`` prints it."""
        reply = self.reply
        return {
            "address": self.address,
            "status": self.status.value,
            "code": reply.code if reply else None,
            "enhanced": reply.enhanced if reply else "",
            "text": reply.text if reply else self.reason,
        }


_new_outcome = RecipientOutcome.__new__
_set_address, _set_status, _set_reply, _set_temporary, _set_reason = (
    getattr(RecipientOutcome, name).__set__ for name in ("address", "status", "reply", "temporary", "reason")
)


def all_accepted(addresses: Sequence[str], reply: Reply) -> tuple[RecipientOutcome, ...]:
    """Return one outcome per address, all of them accepted with the same words."""
    outcomes = []
    for address in addresses:  # the constructor takes twice as long, and there may be hundreds
        outcome = _new_outcome(RecipientOutcome)
        _set_address(outcome, address)
        _set_status(outcome, _ACCEPTED)
        _set_reply(outcome, reply)
        _set_temporary(outcome, False)
        _set_reason(outcome, "")
        outcomes.append(outcome)
    return tuple(outcomes)


@frozen(slots=False, init=False)  # a dictionary is taken as it is, and every message has one of these
class Delivery:
    """What a transport says about one submission.

    Attributes:
        recipients: one outcome per envelope recipient, in the envelope's order.
        reply: the answer to the content as a whole.
        request_id: the provider's name for this submission (queue id, request-id), for its support desk.
        error: why nobody was accepted, or why the outcome is uncertain; None when somebody was accepted.
        untouched: True if nothing of this submission was handed over, so that it can safely be sent on another
            connection. Then ``recipients`` is empty and ``error`` says what broke.
        notes: what the sender should know although it worked ("sent in plain text: the TLS handshake failed").
    """

    recipients: tuple[RecipientOutcome, ...]
    reply: Reply | None
    request_id: str
    error: PosthouseError | None
    untouched: bool
    notes: tuple[str, ...]

    def __init__(
        self,
        recipients: tuple[RecipientOutcome, ...],
        reply: Reply | None = None,
        request_id: str = "",
        error: PosthouseError | None = None,
        untouched: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        object.__setattr__(
            self,
            "__dict__",
            {
                "recipients": recipients,
                "reply": reply,
                "request_id": request_id,
                "error": error,
                "untouched": untouched,
                "notes": notes,
            },
        )


@frozen(kw_only=True, slots=False)
class Receipt:
    """What became of one message.

    Attributes:
        account: name of the account that sent it.
        transport: kind of the transport.
        message_id: the Message-ID header, angle brackets included.
        recipients: one outcome per envelope recipient.
        error: why nobody was accepted, or why it is uncertain; None when somebody was accepted.
        reply: the server's answer to the content as a whole.
        request_id: the provider's name for this submission.
        security: how the connection was protected, such as ``"TLSv1.3"``; ``"none"`` for plain text.
        authentication: how the sender proved who it is, such as ``"SCRAM-SHA-256"``; ``"none"`` without.
        timings: seconds per step: ``prepare``, ``connect``, ``send``, ``total``. A step that did not happen (a warm
            connection needs no connect) is absent.
        notes: what the sender should know although it worked.
    """

    account: str
    transport: str
    message_id: str
    recipients: tuple[RecipientOutcome, ...]
    error: PosthouseError | None = None
    reply: Reply | None = None
    request_id: str = ""
    security: str = ""
    authentication: str = ""
    timings: Mapping[str, float] = Factory(dict)
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[RecipientOutcome, ...]:
        """The recipients that the server took responsibility for."""
        return self._with_status(RecipientStatus.ACCEPTED)

    @property
    def refused(self) -> tuple[RecipientOutcome, ...]:
        """The recipients that the server refused, each with its reply."""
        return self._with_status(RecipientStatus.REFUSED)

    @property
    def uncertain(self) -> tuple[RecipientOutcome, ...]:
        """The recipients whose delivery nobody confirmed or denied."""
        return self._with_status(RecipientStatus.UNCERTAIN)

    @property
    def outcome(self) -> Outcome:
        """The whole message's outcome, derived from its recipients."""
        if self.error is None and self.recipients:
            for recipient in self.recipients:
                if recipient.status is not _ACCEPTED:
                    break
            else:
                return _SENT
        statuses = {recipient.status for recipient in self.recipients}
        if RecipientStatus.UNCERTAIN in statuses or isinstance(self.error, UncertainError):
            return Outcome.UNCERTAIN
        if RecipientStatus.ACCEPTED in statuses:
            return Outcome.PARTIAL if RecipientStatus.REFUSED in statuses else Outcome.SENT
        temporary = any(r.temporary for r in self.recipients) or (self.error is not None and self.error.temporary)
        return Outcome.DEFERRED if temporary else Outcome.FAILED

    def as_dict(self) -> dict[str, Any]:
        """Return the receipt as plain data, as ``posthouse send --json`` prints it. Holds no secret."""
        error = self.error
        return {
            "account": self.account,
            "transport": self.transport,
            "message_id": self.message_id,
            "outcome": self.outcome.value,
            "recipients": [recipient.as_dict() for recipient in self.recipients],
            "error": None
            if error is None
            else {
                "code": error.code,
                "stage": error.stage.value,
                "message": error.message,
                "hint": error.hint,
                "temporary": error.temporary,
                "retry_after": error.retry_after,
            },
            "request_id": self.request_id,
            "security": self.security,
            "authentication": self.authentication,
            "timings": dict(self.timings),
            "notes": list(self.notes),
        }

    def _with_status(self, status: RecipientStatus) -> tuple[RecipientOutcome, ...]:
        return tuple(recipient for recipient in self.recipients if recipient.status is status)
