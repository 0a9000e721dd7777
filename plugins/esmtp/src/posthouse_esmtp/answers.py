"""The one table that turns a server's refusal into an error.

`hints.toml` knows particular servers and situations; where it says nothing, the rules below decide by stage and reply
code (RFC 5321 section 4.2, RFC 4954 section 6, RFC 3463).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    TlsError,
)
from posthouse.hints import HintTable
from posthouse.receipts import RecipientOutcome, RecipientStatus

__all__ = ["HINTS", "error_for", "outcome_for"]

HINTS = HintTable.load("posthouse_esmtp")
"""What is known about particular answers."""


@frozen
class _Rule:
    """What a refusal amounts to, if nothing more special is known."""

    error: type[DeliveryError]
    code: str


_ANYWHERE: Mapping[int, _Rule] = {
    421: _Rule(ConnectError, "connect.closing"),
    432: _Rule(ThrottledError, "throttled"),
    500: _Rule(ProtocolError, "protocol.command-unknown"),
    502: _Rule(ProtocolError, "protocol.command-unknown"),
    503: _Rule(ProtocolError, "protocol.sequence"),
    530: _Rule(AuthenticationError, "authentication.required"),
    538: _Rule(AuthenticationError, "authentication.encryption-required"),
}
_AT_STAGE: Mapping[tuple[Stage, int], _Rule] = {
    (Stage.AUTHENTICATION, 432): _Rule(AuthenticationError, "authentication.password-transition"),
    (Stage.AUTHENTICATION, 500): _Rule(AuthenticationError, "authentication.unavailable"),
    (Stage.AUTHENTICATION, 502): _Rule(AuthenticationError, "authentication.unavailable"),
    (Stage.AUTHENTICATION, 503): _Rule(AuthenticationError, "authentication.unavailable"),
    (Stage.AUTHENTICATION, 504): _Rule(AuthenticationError, "authentication.mechanism"),
    (Stage.AUTHENTICATION, 534): _Rule(AuthenticationError, "authentication.too-weak"),
    (Stage.TLS, 500): _Rule(TlsError, "tls.starttls-refused"),
    (Stage.TLS, 502): _Rule(TlsError, "tls.starttls-refused"),
    (Stage.TLS, 503): _Rule(TlsError, "tls.starttls-refused"),
    (Stage.SENDER, 552): _Rule(RefusedError, "refused.size"),
    (Stage.CONTENT, 552): _Rule(RefusedError, "refused.size"),
}
_OTHERWISE: Mapping[Stage, _Rule] = {
    Stage.GREETING: _Rule(RefusedError, "refused.client"),
    Stage.EHLO: _Rule(RefusedError, "refused.client"),
    Stage.TLS: _Rule(TlsError, "tls.starttls-refused"),
    Stage.AUTHENTICATION: _Rule(AuthenticationError, "authentication.refused"),
    Stage.SENDER: _Rule(RefusedError, "refused.sender"),
    Stage.RECIPIENT: _Rule(RefusedError, "refused.recipient"),
    Stage.CONTENT: _Rule(RefusedError, "refused.content"),
}
_FALLBACK = _Rule(RefusedError, "refused")

_REFUSES: Mapping[Stage, str] = {
    Stage.GREETING: "does not serve this client",
    Stage.EHLO: "does not serve this client",
    Stage.TLS: "refused to start TLS",
    Stage.AUTHENTICATION: "refused the sign-in",
    Stage.SENDER: "refused the sender",
    Stage.RECIPIENT: "refused the recipient",
    Stage.CONTENT: "refused the message",
}


def error_for(reply: Reply, stage: Stage, *, server: str, detail: str = "") -> DeliveryError:
    """Return the error that a reply amounts to.

    Args:
        reply: a reply that is not the one wanted.
        stage: what was tried.
        server: the server as a person knows it, such as ``mail.example.org:587``.
        detail: further words of the server, such as a SASL mechanism's ``server_error``.

    Returns:
        An error with code, stage, temporary, retry_after, hint and the reply. A positive reply in the wrong place is a
        `ProtocolError` with code ``protocol.unexpected-reply``.
    """
    if reply.code < 400:
        return _unexpected(reply, stage, server)
    hint = HINTS.find(reply, stage)
    rule = _rule(reply, stage)
    error = (hint.error if hint else None) or rule.error
    temporary = reply.code < 500 if hint is None or hint.temporary is None else hint.temporary
    said = f"{reply} ({detail})" if detail else str(reply)
    message = f"{server} {_REFUSES.get(stage, 'refused')}: {_shorten(said)}"
    return error(
        f"{message}. {hint.cause}" if hint else message,
        code=_code(error, rule, hint.error_code if hint else ""),
        stage=stage,
        temporary=temporary,
        retry_after=_retry_after(reply, hint.retry_after if hint else None) if temporary else None,
        hint=hint.next if hint else "",
        reply=reply,
        details={"server": server},
    )


def outcome_for(address: str, reply: Reply) -> RecipientOutcome:
    """Return what a reply to RCPT, or to the content on this recipient's behalf, means for the recipient."""
    if reply.code < 400:
        return RecipientOutcome(address, RecipientStatus.ACCEPTED, reply)
    temporary = error_for(reply, Stage.RECIPIENT, server="").temporary
    return RecipientOutcome(address, RecipientStatus.REFUSED, reply, temporary)


def _rule(reply: Reply, stage: Stage) -> _Rule:
    special = _AT_STAGE.get((stage, reply.code)) or _ANYWHERE.get(reply.code)
    return special or _OTHERWISE.get(stage, _FALLBACK)


def _code(error: type[DeliveryError], rule: _Rule, known: str) -> str:
    """Return the special code if it belongs to this class of error, else the rule's, else the class's own."""
    if known.partition(".")[0] == error.default_code:
        return known
    return rule.code if error is rule.error else error.default_code


def _unexpected(reply: Reply, stage: Stage, server: str) -> ProtocolError:
    return ProtocolError(
        f"{server} answered {_shorten(str(reply))} where that is no answer",
        code="protocol.unexpected-reply",
        stage=stage,
        hint="The connection was closed. If it happens again, switch pipelining off and report it to the server's "
        "administrator.",
        reply=reply,
        details={"server": server},
    )


_LONGEST = 400
_WAIT = re.compile(
    r"\b(?:in|after|for|within)\s+(\d{1,5})\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?)\b", re.IGNORECASE
)
_CLOCK = re.compile(r"\bcome back in (\d\d):(\d\d):(\d\d)\b", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_LONGEST_WAIT = 86400


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _retry_after(reply: Reply, known: float | None) -> float | None:
    """Return the seconds that the server asks for in its text ("try again in 5 minutes"), else what the hint knows."""
    text = reply.text[:_LONGEST]
    if match := _CLOCK.search(text):
        hours, minutes, seconds = map(int, match.groups())
        return min(hours * 3600 + minutes * 60 + seconds, _LONGEST_WAIT)
    if match := _WAIT.search(text):
        return min(int(match[1]) * _UNITS[match[2][0].lower()], _LONGEST_WAIT)
    return known
