from __future__ import annotations

import json

import attrs
import pytest

from posthouse.errors import Reply, Stage, TlsError
from posthouse.receipts import Receipt
from posthouse.reports import Check, CheckStatus, TestReport

OK = Check(stage=Stage.CONNECT, title="Connect", status=CheckStatus.OK, duration=0.1, evidence="192.0.2.1")
WARNING = Check(
    stage=Stage.TLS, title="Encrypt", status=CheckStatus.WARNING, cause="It expires soon.", hint="Renew it."
)
SKIPPED = Check(stage=Stage.SENDER, title="Sender", status=CheckStatus.SKIPPED)
FAILED = Check(stage=Stage.TLS, title="Encrypt", status=CheckStatus.FAILED, cause="It expired.", hint="Renew it.")


def report(*checks: Check, receipt: Receipt | None = None) -> TestReport:
    return TestReport(account="office", transport="smtps", authenticator="password", checks=checks, receipt=receipt)


@pytest.mark.parametrize(
    ("checks", "ok", "verdict"),
    [
        ([OK], True, "The account works."),
        ([OK, SKIPPED], True, "The account works."),
        ([OK, WARNING], True, "The account works, with 1 warning."),
        ([WARNING, OK, WARNING], True, "The account works, with 2 warnings."),
        ([OK, WARNING, FAILED], False, "Encrypt: It expired. Renew it."),
        ([FAILED, OK], False, "Encrypt: It expired. Renew it."),
        (
            [attrs.evolve(FAILED, cause="a.example: expired", hint="renew it")],
            False,
            "Encrypt: a.example: expired. Renew it.",
        ),
    ],
)
def test_verdict(checks: list[Check], ok: bool, verdict: str) -> None:
    made = report(*checks)
    assert (made.ok, made.verdict) == (ok, verdict)


def test_a_check_is_made_of_an_error() -> None:
    reply = Reply(454, "4.7.0", "TLS not available")
    error = TlsError("It expired.", code="tls.expired", hint="Renew it.", reply=reply, details={"days_left": -3})
    check = Check.from_error("Encrypt", error, 0.25)
    assert check.as_dict() == {
        "stage": "tls",
        "title": "Encrypt",
        "status": "failed",
        "duration": 0.25,
        "evidence": "454 4.7.0 TLS not available",
        "cause": "It expired.",
        "hint": "Renew it.",
        "details": {"days_left": -3, "code": "tls.expired", "temporary": False},
    }
    assert Check.from_error("Encrypt", TlsError("x"), 0).evidence == ""


def test_as_dict_is_what_the_command_line_prints() -> None:
    receipt = Receipt(account="office", transport="smtps", message_id="<1@b.c>", recipients=())
    printed = json.loads(json.dumps(report(OK, FAILED, receipt=receipt).as_dict()))
    assert {name: printed[name] for name in ("account", "transport", "authenticator", "ok", "verdict")} == {
        "account": "office",
        "transport": "smtps",
        "authenticator": "password",
        "ok": False,
        "verdict": "Encrypt: It expired. Renew it.",
    }
    assert [check["status"] for check in printed["checks"]] == ["ok", "failed"]
    assert printed["receipt"] == receipt.as_dict()
    assert report(OK).as_dict()["receipt"] is None
