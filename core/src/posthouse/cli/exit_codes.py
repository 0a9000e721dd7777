"""Which exit code says what: the one table, after ``sysexits.h`` of 4.3BSD.

A script that only looks at the code knows what to do: 75 tries again later, 74 asks a person, everything else needs
another message, recipient or configuration first.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

from posthouse.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    MessageError,
    NotPermittedError,
    PluginError,
    PosthouseError,
    ProtocolError,
    RefusedError,
    Stage,
    TlsError,
    UncertainError,
)

if TYPE_CHECKING:
    from posthouse.receipts import Receipt
    from posthouse.reports import Check, TestReport

__all__ = ["ExitCode", "for_error", "for_receipt", "for_report", "worst"]


class ExitCode(IntEnum):
    """What ``posthouse`` exits with."""

    OK = 0
    USAGE = 64
    """An option or argument is missing, unknown or contradicts another."""
    MESSAGE = 65
    """The message, or the list of recipients, cannot be sent as it is."""
    HOST_UNKNOWN = 68
    """The server's name does not exist."""
    REFUSED = 69
    """The server refused all recipients or some, or cannot be used."""
    INTERNAL = 70
    """A defect in Posthouse or a plugin."""
    UNCERTAIN = 74
    """The connection broke before the answer: the message may have been delivered."""
    TEMPORARY = 75
    """Nothing was delivered, and the same command may succeed later."""
    PROTOCOL = 76
    """No trustworthy encryption, or the server broke the protocol."""
    NOT_PERMITTED = 77
    """A policy forbids it, or the credential was not accepted."""
    CONFIGURATION = 78
    """The configuration or a plugin cannot be used."""
    INTERRUPTED = 130
    """Ctrl-C."""
    OUTPUT_CLOSED = 141
    """Whoever read the output went away."""


_HOST_UNKNOWN = "connect.host-unknown"
_CODES = {_HOST_UNKNOWN: ExitCode.HOST_UNKNOWN, "compose.uncertain": ExitCode.UNCERTAIN}

# The first line that fits decides. What stands above "temporary" is never answered by blindly trying again: an
# uncertain message could arrive twice, and a name, a certificate or a protocol does not mend itself.
_ERRORS: tuple[tuple[type[PosthouseError], ExitCode], ...] = (
    (UncertainError, ExitCode.UNCERTAIN),
    (TlsError, ExitCode.PROTOCOL),
    (ProtocolError, ExitCode.PROTOCOL),
    (MessageError, ExitCode.MESSAGE),
    (NotPermittedError, ExitCode.NOT_PERMITTED),
    (ConfigurationError, ExitCode.CONFIGURATION),
    (PluginError, ExitCode.CONFIGURATION),
)
_LASTING_ERRORS: tuple[tuple[type[PosthouseError], ExitCode], ...] = (
    (AuthenticationError, ExitCode.NOT_PERMITTED),
    (ConnectError, ExitCode.REFUSED),
    (RefusedError, ExitCode.REFUSED),
)

# What trying again later may mend.
_MAY_PASS = (ExitCode.REFUSED, ExitCode.NOT_PERMITTED)

# A failed check has no exception, only its code and stage.
_CHECK_CODES = {
    "connect": ExitCode.REFUSED,
    "tls": ExitCode.PROTOCOL,
    "protocol": ExitCode.PROTOCOL,
    "authentication": ExitCode.NOT_PERMITTED,
    "not-permitted": ExitCode.NOT_PERMITTED,
    "safety": ExitCode.NOT_PERMITTED,
    "configuration": ExitCode.CONFIGURATION,
    "plugin": ExitCode.CONFIGURATION,
    "message": ExitCode.MESSAGE,
    "throttled": ExitCode.TEMPORARY,
    "uncertain": ExitCode.UNCERTAIN,
}
_CHECK_STAGES = {
    Stage.CONFIGURATION: ExitCode.CONFIGURATION,
    Stage.DISCOVERY: ExitCode.CONFIGURATION,
    Stage.MESSAGE: ExitCode.MESSAGE,
    Stage.POLICY: ExitCode.NOT_PERMITTED,
    Stage.RESOLVE: ExitCode.HOST_UNKNOWN,
    Stage.CONNECT: ExitCode.TEMPORARY,
    Stage.GREETING: ExitCode.REFUSED,
    Stage.TLS: ExitCode.PROTOCOL,
    Stage.EHLO: ExitCode.PROTOCOL,
    Stage.AUTHENTICATION: ExitCode.NOT_PERMITTED,
    Stage.SENDER: ExitCode.REFUSED,
    Stage.RECIPIENT: ExitCode.REFUSED,
    Stage.CONTENT: ExitCode.REFUSED,
    Stage.COMPOSE: ExitCode.REFUSED,
    Stage.CLOSE: ExitCode.PROTOCOL,
}

_WORST_FIRST = (
    ExitCode.INTERNAL,
    ExitCode.UNCERTAIN,
    ExitCode.CONFIGURATION,
    ExitCode.NOT_PERMITTED,
    ExitCode.PROTOCOL,
    ExitCode.HOST_UNKNOWN,
    ExitCode.REFUSED,
    ExitCode.MESSAGE,
    ExitCode.TEMPORARY,
    ExitCode.OK,
)


def for_error(error: PosthouseError) -> ExitCode:
    """Return the exit code of an error that nothing was sent after, or nobody knows."""
    if error.code in _CODES:
        return _CODES[error.code]
    for kind, code in _ERRORS:
        if isinstance(error, kind):
            return code
    if error.temporary:
        return ExitCode.TEMPORARY
    return next((code for kind, code in _LASTING_ERRORS if isinstance(error, kind)), ExitCode.REFUSED)


def for_receipt(receipt: Receipt) -> ExitCode:
    """Return the exit code of one message.

    Partly refused is "refused", however temporary: the same command again would repeat what was accepted.
    """
    from posthouse.receipts import Outcome

    outcome = receipt.outcome
    if outcome is Outcome.SENT:
        return ExitCode.OK
    if outcome is Outcome.UNCERTAIN:
        return ExitCode.UNCERTAIN
    if outcome is Outcome.PARTIAL:
        return ExitCode.REFUSED
    if receipt.error is not None:
        return for_error(receipt.error)
    return ExitCode.TEMPORARY if outcome is Outcome.DEFERRED else ExitCode.REFUSED


def for_report(report: TestReport) -> ExitCode:
    """Return the exit code of an account's test: what its first failed check amounts to."""
    from posthouse.reports import CheckStatus

    for check in report.checks:
        if check.status is CheckStatus.FAILED:
            return _for_check(check)
    return for_receipt(report.receipt) if report.receipt else ExitCode.OK


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the code that a person has to see first; `ExitCode.OK` for none."""
    return min(codes, key=_WORST_FIRST.index, default=ExitCode.OK)


def _for_check(check: Check) -> ExitCode:
    code = str(check.details.get("code", ""))
    if code == _HOST_UNKNOWN:
        return ExitCode.HOST_UNKNOWN
    found = _CHECK_CODES.get(code.partition(".")[0], _CHECK_STAGES[check.stage])
    return ExitCode.TEMPORARY if check.details.get("temporary") and found in _MAY_PASS else found
