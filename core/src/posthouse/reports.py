"""What a test of an account found out, check by check."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import Factory, frozen

from posthouse.errors import PosthouseError, Stage
from posthouse.receipts import Receipt

__all__ = ["Check", "CheckStatus", "TestReport"]


class CheckStatus(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """It works today, and somebody should look at it: a certificate that expires soon, no encryption offered."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """It was not tried, and the evidence says why."""


@frozen(kw_only=True)
class Check:
    """One thing that was tried.

    Attributes:
        stage: where on the road.
        title: what was tried, in words: ``"Connect to mail.example.org:587"``.
        status: how it ended.
        duration: seconds it took.
        evidence: what was seen: addresses, the greeting, the cipher, what EHLO offered. Holds no secret.
        cause: on failure or warning, why, in words.
        hint: on failure or warning, the next step.
        details: the evidence as data (``{"version": "TLSv1.3", "days_left": 41}``).
    """

    stage: Stage
    title: str
    status: CheckStatus
    duration: float = 0.0
    evidence: str = ""
    cause: str = ""
    hint: str = ""
    details: Mapping[str, Any] = Factory(dict)

    @classmethod
    def from_error(cls, title: str, error: PosthouseError, duration: float) -> Check:
        """Return the failed check that an error amounts to."""
        return cls(
            stage=error.stage,
            title=title,
            status=CheckStatus.FAILED,
            duration=duration,
            evidence=str(error.reply) if error.reply else "",
            cause=error.message,
            hint=error.hint,
            details={**error.details, "code": error.code, "temporary": error.temporary},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the check as plain data."""
        return {
            "stage": self.stage.value,
            "title": self.title,
            "status": self.status.value,
            "duration": self.duration,
            "evidence": self.evidence,
            "cause": self.cause,
            "hint": self.hint,
            "details": dict(self.details),
        }


@frozen(kw_only=True)
class TestReport:
    """Everything that a test of an account found out.

    Attributes:
        account: the account's name.
        transport: kind of its transport.
        authenticator: kind of its authenticator.
        checks: in the order they were made. After a failure, what depends on it is not tried.
        receipt: the receipt of the test mail, where one was asked for.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    account: str
    transport: str
    authenticator: str
    checks: tuple[Check, ...]
    receipt: Receipt | None = None

    @property
    def ok(self) -> bool:
        """True if nothing failed. Warnings do not count."""
        return not any(check.status is CheckStatus.FAILED for check in self.checks)

    @property
    def verdict(self) -> str:
        """One sentence: it works, or what is wrong and the next step."""
        for check in self.checks:
            if check.status is CheckStatus.FAILED:
                return f"{check.title}: {_ended(check.cause)} {_ended(check.hint[:1].upper() + check.hint[1:])}".strip()
        warnings = sum(check.status is CheckStatus.WARNING for check in self.checks)
        return (
            f"The account works, with {warnings} warning{'s' if warnings > 1 else ''}."
            if warnings
            else "The account works."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, as ``posthouse test --json`` prints it."""
        return {
            "account": self.account,
            "transport": self.transport,
            "authenticator": self.authenticator,
            "ok": self.ok,
            "verdict": self.verdict,
            "checks": [check.as_dict() for check in self.checks],
            "receipt": self.receipt.as_dict() if self.receipt else None,
        }


def _ended(text: str) -> str:
    """Return text with a full stop, so that more can follow; messages of errors have none."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
