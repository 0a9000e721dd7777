"""What `test` tells, step by step; it sends nothing."""

from __future__ import annotations

import pytest

from posthouse.accounts import Account, Selection
from posthouse.errors import ConfigurationError
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.secrets import Secret
from posthouse_ews import Access, EwsSettings, online
from posthouse_ews.opening import mailbox_for
from posthouse_ews.probe import probe
from posthouse_ews.token import verdict

from .conftest import ANNA, Exchange

OUTLOOK = EwsSettings(url="https://outlook.office365.com/EWS/Exchange.asmx")


async def checks(account: Account, settings: EwsSettings, credential: Credential | None) -> list[Check]:
    return [check async for check in probe(account, settings, credential)]


def bearer(token: str) -> Credential:
    return Credential(kind=CredentialKind.BEARER, user=ANNA, secret=Secret.literal(token))


async def test_stops_at_the_first_failure(exchange: Exchange, account: Account, basic: Credential) -> None:
    found = await checks(account, exchange.settings(ca_file=None), basic)
    assert [(check.stage.value, check.status.value) for check in found] == [
        ("resolve", "ok"),
        ("connect", "ok"),
        ("tls", "failed"),
    ]
    assert found[-1].details["code"] == "tls.certificate-untrusted"
    assert found[-1].hint


async def test_without_a_credential_it_tries_the_rest(exchange: Exchange, account: Account) -> None:
    found = await checks(account, exchange.settings(), None)
    assert [check.status.value for check in found] == ["ok", "ok", "ok", "skipped"]


async def test_a_wrong_password(exchange: Exchange, account: Account) -> None:
    wrong = Credential(kind=CredentialKind.NTLM, user="SANDBOX\\anna", secret=Secret.literal("wrong-secret"))
    found = await checks(account, exchange.settings(), wrong)
    assert found[-1].status is CheckStatus.FAILED
    assert found[-1].title.startswith("Sign in as SANDBOX\\anna")
    assert "wrong-secret" not in str([check.as_dict() for check in found])


async def test_verify_none_is_a_warning(exchange: Exchange, account: Account, basic: Credential) -> None:
    found = await checks(account, exchange.settings(verify="none"), basic)
    assert [check.status.value for check in found] == ["ok", "ok", "warning", "ok"]
    assert "nobody knows" in found[2].cause


async def test_autodiscover_is_a_step(exchange: Exchange, account: Account, basic: Credential) -> None:
    settings = exchange.settings(url=exchange.door.autodiscover_url, autodiscover=True)
    found = await checks(account, settings, basic)
    assert {check.status for check in found} == {CheckStatus.OK}
    assert [check.details["url"] for check in found if "url" in check.details] == [exchange.door.ews_url]


async def test_the_end_of_exchange_online_is_a_warning(
    exchange: Exchange, account: Account, basic: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert online.ending_at(exchange.door.ews_url) is None
    monkeypatch.setitem(online._data(), "hosts", ["localhost"])
    found = await checks(account, exchange.settings(), basic)
    assert found[-1].status is CheckStatus.WARNING
    assert "2027-04-01" in found[-1].cause
    assert "graph" in found[-1].hint


async def test_the_end_of_exchange_online_stands_in_the_receipt(
    exchange: Exchange, account: Account, basic: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posthouse_ews.opening import open_connection

    monkeypatch.setitem(online._data(), "hosts", ["localhost"])
    connection = await open_connection(account, exchange.settings(), basic)
    await connection.close()
    assert "2027-04-01" in connection.notes[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://outlook.office365.com/EWS/Exchange.asmx",
        "https://OUTLOOK.office.com./",
        "https://outlook.office365.us/EWS/Exchange.asmx",
        "https://partner.outlook.cn/EWS/Exchange.asmx",
    ],
)
def test_hosts_of_exchange_online(url: str) -> None:
    assert online.ending_at(url) is not None


def test_a_host_that_only_looks_like_it() -> None:
    assert online.ending_at("https://outlook.office365.com.example.org/") is None


# --- the token --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "access", "cause"),
    [
        ({}, Access.DELEGATE, ""),
        ({"user": "", "scopes": (), "roles": ["full_access_as_app"]}, Access.IMPERSONATION, ""),
        ({"audience": "https://graph.microsoft.com"}, Access.DELEGATE, "not for Exchange"),
        ({"lifetime": -5.0}, Access.DELEGATE, "expired"),
        ({"scopes": ["SMTP.Send"]}, Access.DELEGATE, "EWS.AccessAsUser.All"),
        ({"user": "", "scopes": (), "roles": ["full_access_as_app"]}, Access.DELEGATE, "no mailbox of its own"),
        ({}, Access.IMPERSONATION, "impersonate"),
    ],
)
def test_the_token_is_judged_before_the_server_does(
    exchange: Exchange, claims: dict[str, object], access: Access, cause: str
) -> None:
    token = exchange.token(**claims)
    check = verdict(bearer(token), EwsSettings(url=OUTLOOK.url, access=access))
    assert check.status is (CheckStatus.FAILED if cause else CheckStatus.OK)
    assert cause in check.cause
    assert bool(check.hint) is bool(cause)
    assert token not in str(check.as_dict())


def test_a_role_that_exchange_itself_may_grant_is_only_doubted(exchange: Exchange) -> None:
    token = exchange.token(user="", scopes=(), roles=["SMTP.SendAsApp"])
    check = verdict(bearer(token), EwsSettings(url=OUTLOOK.url, access=Access.IMPERSONATION))
    assert (check.status, "full_access_as_app" in check.cause) == (CheckStatus.WARNING, True)
    assert "RBAC" in check.hint


def test_a_token_that_only_the_server_can_read() -> None:
    assert verdict(bearer("opaque"), OUTLOOK).status is CheckStatus.SKIPPED


async def test_a_bad_token_ends_the_test(exchange: Exchange, account: Account) -> None:
    token = exchange.token(audience="https://graph.microsoft.com")
    found = await checks(account, exchange.settings(), bearer(token))
    assert (found[-1].title, found[-1].status) == ("Look at the token", CheckStatus.FAILED)
    assert exchange.operations() == []


# --- which mailbox ----------------------------------------------------------------------------------------------------


def test_which_mailbox(account: Account, basic: Credential) -> None:
    nobody = Account(name="n", transport=Selection(kind="ews"))
    windows = Credential(kind=CredentialKind.NTLM, user="SANDBOX\\anna")
    assert mailbox_for(account, EwsSettings(url="https://x", mailbox="m@x.org"), basic) == "m@x.org"
    assert mailbox_for(account, EwsSettings(url="https://x"), windows) == ANNA
    assert mailbox_for(nobody, EwsSettings(url="https://x"), basic) == ANNA
    with pytest.raises(ConfigurationError) as caught:
        mailbox_for(nobody, EwsSettings(url="https://x"), windows)
    assert caught.value.code == "ews.mailbox"
