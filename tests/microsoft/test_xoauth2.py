"""XOAUTH2 over SMTP with tokens of Entra ID: sent, renewed, refused, and explained."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from posthouse import (
    AsyncMailer,
    AuthenticationError,
    CheckStatus,
    ConnectError,
    DeliveryError,
    Message,
    RefusedError,
    Stage,
    TestReport,
    ThrottledError,
    TlsError,
)
from posthouse_sandbox import Sandbox
from posthouse_sandbox.entra import EntraDoor
from posthouse_sandbox.smtp import exchange_refusals

from .conftest import ANNA

OUTLOOK = "https://outlook.office365.com"
EXCHANGE_SAYS_NO = "535 5.7.3 Authentication unsuccessful"


@pytest.fixture
async def mailer(house: Sandbox, tmp_path: Path) -> AsyncIterator[AsyncMailer]:
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as running:
        yield running


@pytest.fixture
def entra(house: Sandbox) -> EntraDoor:
    return cast("EntraDoor", house.door("entra"))


def message() -> Message:
    return Message(to="bob@sandbox.example", subject="Hello", text="By token.")


@pytest.mark.parametrize(
    "account",
    [
        "plain-xoauth2",
        "plain-oauthbearer",
        "opportunistic-xoauth2",
        "submission-xoauth2",
        "submission-oauthbearer",
        "exchange-xoauth2",
        "implicit-xoauth2",
        "implicit-oauthbearer",
    ],
)
async def test_a_token_of_entra_sends(house: Sandbox, mailer: AsyncMailer, entra: EntraDoor, account: str) -> None:
    receipt = await mailer.send(message(), account=account)
    assert receipt.authentication == account.rpartition("-")[2].upper()
    assert receipt.security == ("none" if account.startswith("plain") else "TLSv1.3")
    (received,) = house.inbox.messages
    assert (received.user, received.envelope_from) == (ANNA, ANNA)
    (token,) = house.tokens.issued
    assert token.audience == OUTLOOK
    assert token.roles == {"SMTP.SendAsApp", "full_access_as_app"}
    assert [request.grant for request in entra.requests] == ["client_credentials"]


async def test_one_sign_in_serves_every_account(house: Sandbox, mailer: AsyncMailer, entra: EntraDoor) -> None:
    for account in ("submission-xoauth2", "implicit-xoauth2", "exchange-xoauth2"):
        await mailer.send(message(), account=account)
    assert len(house.inbox) == 3
    assert len(entra.requests) == 1


@pytest.mark.parametrize("account", ["exchange-xoauth2", "submission-xoauth2", "implicit-oauthbearer"])
async def test_a_refused_token_is_renewed_once(
    house: Sandbox, mailer: AsyncMailer, entra: EntraDoor, account: str
) -> None:
    house.faults.script(account.partition("-")[0], EXCHANGE_SAYS_NO, "AUTH")
    assert (await mailer.send(message(), account=account)).outcome == "sent"
    assert len(house.inbox) == 1
    assert [request.error for request in entra.requests] == [None, None]


async def test_a_token_that_is_refused_again_is_not_tried_for_ever(
    house: Sandbox, mailer: AsyncMailer, entra: EntraDoor
) -> None:
    house.faults.script("exchange", f"5 times {EXCHANGE_SAYS_NO}", "AUTH")
    with pytest.raises(AuthenticationError) as refused:
        await mailer.send(message(), account="exchange-xoauth2")
    assert len(house.faults.pending()) == 3, "one attempt, one with a new token"
    assert len(entra.requests) == 2
    assert refused.value.code == "authentication.refused"
    assert "New-ServicePrincipal" in refused.value.hint
    assert len(house.inbox) == 0


@pytest.mark.parametrize("account", ["submission-xoauth2", "implicit-oauthbearer", "plain-xoauth2"])
async def test_a_challenge_that_explains_the_refusal_is_answered_and_shown(
    house: Sandbox, mailer: AsyncMailer, entra: EntraDoor, account: str
) -> None:
    entra.directory.application.roles.clear()
    with pytest.raises(AuthenticationError) as refused:
        await mailer.send(message(), account=account)
    assert refused.value.reply is not None
    assert (refused.value.reply.code, refused.value.reply.enhanced) == (535, "5.7.8")
    assert "status=" in str(refused.value)
    assert refused.value.hint


_EXPECTED: dict[str, tuple[type[DeliveryError], str, str]] = {
    "token-refused": (AuthenticationError, "authentication.refused", "Add-MailboxPermission"),
    "tenant-disabled": (AuthenticationError, "authentication.smtp-auth-disabled", "Set-TransportConfig"),
    "mailbox-disabled": (AuthenticationError, "authentication.smtp-auth-disabled", "Set-CASMailbox"),
    "security-defaults": (AuthenticationError, "authentication.security-defaults", "OAuth"),
    "policy": (AuthenticationError, "authentication.policy", "sign-in log"),
    "basic-disabled": (AuthenticationError, "authentication.basic-disabled", "azure-oauth2"),
    "basic-gone": (AuthenticationError, "authentication.basic-disabled", "azure-oauth2"),
    "not-signed-in": (AuthenticationError, "authentication.required", "port 587"),
    "connections": (ThrottledError, "throttled.connections", "connections to 3"),
    "sender-threads": (ThrottledError, "throttled.connections", "per_minute"),
    "send-as": (RefusedError, "refused.send-as", "Add-RecipientPermission"),
    "send-as-denied": (RefusedError, "refused.send-as", "Add-RecipientPermission"),
    "throttled-mailbox-full": (ThrottledError, "throttled.continuous-errors", "Remove the reason"),
    "throttled-send-as": (ThrottledError, "throttled.continuous-errors", "Remove the reason"),
    "throttled-licence": (ThrottledError, "throttled.continuous-errors", "Remove the reason"),
    "throttled-recipients": (ThrottledError, "throttled.continuous-errors", "Remove the reason"),
    "throttled-invalid-recipients": (ThrottledError, "throttled.continuous-errors", "Remove the reason"),
    "daily-quota": (ThrottledError, "throttled.daily-quota", "tomorrow"),
    "recipient-limit": (ThrottledError, "throttled.daily-quota", "tomorrow"),
    "submission-quota": (ThrottledError, "throttled.daily-quota", "tomorrow"),
    "sent-items-full": (RefusedError, "refused.own-mailbox-full", "Sent Items"),
    "server-busy": (ThrottledError, "throttled.reputation", "15 minutes"),
    "reputation": (ThrottledError, "throttled.reputation", "15 minutes"),
    "trial-quota": (ThrottledError, "throttled.tenant-quota", "licence"),
    "tenant-quota": (ThrottledError, "throttled.tenant-quota", "outside"),
    "sender-blocked": (RefusedError, "refused.sender-blocked", "Restricted entities"),
    "tenant-blocked": (RefusedError, "refused.tenant-blocked", "support"),
    "address-blocked": (RefusedError, "refused.address-blocked", "support"),
    "domain-unregistered": (RefusedError, "refused.unregistered-domain", "domain"),
    "rate": (ThrottledError, "throttled.rate", "per_minute"),
    "old-tls": (TlsError, "tls.version", "tls_min"),
}
_TEMPORARY = {
    "connections",
    "sender-threads",
    "daily-quota",
    "recipient-limit",
    "submission-quota",
    "server-busy",
    "reputation",
    "trial-quota",
    "tenant-quota",
    "rate",
}


def test_every_known_refusal_is_expected_here() -> None:
    assert set(_EXPECTED) == set(exchange_refusals())


@pytest.mark.parametrize("name", _EXPECTED)
async def test_each_refusal_of_exchange_has_cause_and_next_step(house: Sandbox, mailer: AsyncMailer, name: str) -> None:
    refusal = exchange_refusals()[name]
    house.faults.script("exchange", [refusal.fault] * 2, refusal.command)
    kind, code, step = _EXPECTED[name]
    with pytest.raises(DeliveryError) as refused:
        await mailer.send(message(), account="exchange-xoauth2")
    error = refused.value
    assert (type(error), error.code) == (kind, code)
    assert step in error.hint
    assert error.reply is not None
    assert str(error.reply) == refusal.reply
    assert error.temporary is (name in _TEMPORARY)
    if kind is ThrottledError and error.temporary:
        assert error.retry_after
    assert len(house.inbox) == 0


async def test_a_dropped_sign_in_is_a_connection_that_failed(house: Sandbox, mailer: AsyncMailer) -> None:
    house.faults.script("exchange", "3 times drop", "AUTH")
    with pytest.raises(ConnectError) as refused:
        await mailer.send(message(), account="exchange-xoauth2")
    assert refused.value.temporary


# --- posthouse test ---------------------------------------------------------------------------------------------------


def token_check(report: TestReport) -> CheckStatus:
    (check,) = (check for check in report.checks if check.title == "Read the token")
    assert check.stage is Stage.AUTHENTICATION
    return check.status


async def test_the_test_reads_the_token(house: Sandbox, mailer: AsyncMailer) -> None:
    report = await mailer.test("exchange-xoauth2")
    assert report.ok, report.verdict
    (check,) = (check for check in report.checks if check.title == "Read the token")
    assert f"for {OUTLOOK}, signed in: the application itself, expires in" in check.evidence
    assert "SMTP.SendAsApp" in check.evidence
    assert check.details["tenant"] == house.tokens.issued[0].tenant
    assert len(house.inbox) == 0


async def test_the_test_warns_where_only_exchange_can_know(mailer: AsyncMailer, entra: EntraDoor) -> None:
    entra.directory.application.roles[OUTLOOK] = {"full_access_as_app"}
    report = await mailer.test("exchange-xoauth2")
    assert token_check(report) is CheckStatus.WARNING
    assert not report.ok
    app = entra.directory.application.client_id
    assert f"New-ManagementRoleAssignment -App {app}" in report.verdict
    assert f"Test-ServicePrincipalAuthorization -Identity {app} -Resource {ANNA}" in report.verdict


async def test_the_verdict_says_what_remains_when_the_token_is_right(
    house: Sandbox, mailer: AsyncMailer, entra: EntraDoor
) -> None:
    house.faults.script("exchange", f"2 times {EXCHANGE_SAYS_NO}", "AUTH")
    report = await mailer.test("exchange-xoauth2")
    assert token_check(report) is CheckStatus.OK
    assert not report.ok
    for step in (
        f"New-ServicePrincipal -AppId {entra.directory.application.client_id}",
        f"Add-MailboxPermission -Identity {ANNA} -User OBJECT_ID -AccessRights FullAccess",
        f"Set-CASMailbox -Identity {ANNA} -SmtpClientAuthenticationDisabled $false",
    ):
        assert step in report.verdict


async def test_a_reply_that_names_its_cause_keeps_its_own_hint(house: Sandbox, mailer: AsyncMailer) -> None:
    refusal = exchange_refusals()["mailbox-disabled"]
    house.faults.script("exchange", [refusal.fault] * 2, "AUTH")
    report = await mailer.test("exchange-xoauth2")
    assert "SMTP AUTH is switched off for this mailbox" in report.verdict
    assert "New-ServicePrincipal" not in report.verdict


async def test_no_token_is_shown_anywhere(
    house: Sandbox, mailer: AsyncMailer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued: list[str] = []
    sign = house.tokens.sign

    def sign_and_remember(claims: Mapping[str, Any]) -> str:
        issued.append(sign(claims))
        return issued[-1]

    monkeypatch.setattr(house.tokens, "sign", sign_and_remember)
    caplog.set_level(logging.DEBUG)
    house.faults.script("exchange", f"pass, then 3 times {EXCHANGE_SAYS_NO}", "AUTH")
    report = await mailer.test("exchange-xoauth2")
    with pytest.raises(AuthenticationError) as refused:
        await mailer.send(message(), account="exchange-xoauth2")
    shown = f"{report.as_dict()} {report!r} {refused.value!r} {refused.value} {refused.value.details} {caplog.text}"
    assert issued
    for token in issued:
        assert not [part for part in token.split(".") if part in shown]
