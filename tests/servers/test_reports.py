"""`mailer.test` against the real servers: every stage, true evidence, and a next step where something is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse import CheckStatus, Stage

from .accounts import DOMAIN, USER
from .conftest import OpenMailer
from .exim import Exim
from .mailers import WAYS
from .postfix import Postfix


@pytest.mark.parametrize("way", WAYS)
def test_a_working_account(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, way: str) -> None:
    report = open_mailer(server, way, user=USER).test("test")
    assert report.ok, report.verdict
    expected = {Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.AUTHENTICATION, Stage.SENDER, Stage.RECIPIENT}
    assert expected <= {check.stage for check in report.checks}
    evidence = " ".join(check.evidence for check in report.checks)
    assert "SCRAM-SHA-256" in evidence
    assert "PIPELINING" in evidence
    if way != "plain":
        [tls] = [check for check in report.checks if check.stage is Stage.TLS]
        assert "TLSv1.3" in f"{tls.evidence} {tls.details}"
    assert all(check.duration >= 0 for check in report.checks)
    assert report.receipt is None


def test_the_test_sends_nothing_unless_it_is_told_to(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    sender = f"tester-{recipient}"
    mailer = open_mailer(server, "smtps", user=USER, account={"sender": sender})
    assert mailer.test("test").ok
    report = mailer.test("test", to=recipient)
    assert report.receipt is not None
    [delivered] = server.mailbox.wait(recipient)
    assert report.receipt.message_id.encode() in delivered.content
    assert not [message for message in server.mailbox.messages() if message.recipient == sender]


PROBLEMS: dict[str, tuple[dict[str, Any], Stage]] = {
    "wrong password": ({"way": "starttls", "user": USER, "password": "not-the-password"}, Stage.AUTHENTICATION),
    "unknown CA": ({"way": "smtps", "trust_test_ca": False}, Stage.TLS),
    "no STARTTLS": ({"way": "starttls", "port": "plain"}, Stage.TLS),
    "sender not allowed": ({"way": "smtps", "account": {"sender": f"banned@{DOMAIN}"}}, Stage.SENDER),
    "no mechanism in common": ({"way": "smtps", "user": USER, "auth_mechanisms": ["XOAUTH2"]}, Stage.AUTHENTICATION),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_is_wrong_is_named_with_the_next_step(
    server: Postfix | Exim, open_mailer: OpenMailer, problem: str
) -> None:
    arguments, stage = PROBLEMS[problem]
    report = open_mailer(server, **arguments).test("test")
    assert not report.ok
    [failed] = [check for check in report.checks if check.status is CheckStatus.FAILED]
    late = stage is Stage.SENDER and isinstance(server, Postfix)  # Postfix keeps what it thinks of a sender until RCPT
    assert failed.stage is (Stage.RECIPIENT if late else stage)
    assert failed.cause
    assert failed.hint
    assert failed.hint in report.verdict
    assert "not-the-password" not in str(report.as_dict())


@pytest.mark.parametrize("port", ["wrong_name", "expired", "self_signed"])
def test_a_bad_certificate_is_shown_with_its_facts(postfix: Postfix, open_mailer: OpenMailer, port: str) -> None:
    report = open_mailer(postfix, "smtps", port=port).test("test")
    [failed] = [check for check in report.checks if check.status is CheckStatus.FAILED]
    assert failed.stage is Stage.TLS
    assert failed.hint


@pytest.mark.parametrize("way", ["smtps", "starttls"])
def test_the_certificates_days_are_counted(server: Postfix | Exim, open_mailer: OpenMailer, way: str) -> None:
    report = open_mailer(server, way).test("test")
    [tls] = [check for check in report.checks if check.stage is Stage.TLS]
    assert tls.status is CheckStatus.OK
    assert tls.details["days_left"] > 30


def test_plain_text_instead_of_encryption_is_a_warning(server: Postfix | Exim, open_mailer: OpenMailer) -> None:
    for arguments in ({"trust_test_ca": False}, {"port": "plain"}):
        report = open_mailer(server, "if-offered", **arguments).test("test")
        warnings = [check for check in report.checks if check.status is CheckStatus.WARNING]
        assert report.ok
        assert [check.stage for check in warnings if check.stage is Stage.TLS]
        assert all(check.cause and check.hint for check in warnings)
