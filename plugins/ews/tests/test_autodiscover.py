"""Finding the address, without giving the password to whoever a redirect names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from posthouse.accounts import Account
from posthouse.errors import AuthenticationError, ConnectError, DeliveryError, ProtocolError, RefusedError
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_ews import EwsSettings, autodiscover
from posthouse_ews.opening import open_connection

from .conftest import ANNA, Exchange, submission


def found(exchange: Exchange, **options: Any) -> EwsSettings:
    return exchange.settings(**{"url": exchange.door.autodiscover_url, "autodiscover": True} | options)


async def test_finds_the_service(exchange: Exchange, account: Account, basic: Credential) -> None:
    connection = await open_connection(account, found(exchange), basic)
    delivery = await connection.send(submission())
    await connection.close()
    assert delivery.error is None


async def test_searches_the_domain(
    exchange: Exchange, account: Account, basic: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    def candidates(settings: EwsSettings, domain: str) -> Iterator[str]:
        yield "https://localhost:1/nothing/there"
        yield exchange.door.autodiscover_url

    monkeypatch.setattr(autodiscover, "candidates", candidates)
    connection = await open_connection(account, exchange.settings(url="", autodiscover=True), basic)
    await connection.close()
    assert exchange.operations() == ["GetFolder"]


def test_asks_the_likely_servers_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autodiscover, "_unencrypted_redirect", lambda domain: "https://mail.example.org/x.svc")
    assert list(autodiscover.candidates(EwsSettings(autodiscover=True), "example.org")) == [
        "https://autodiscover.example.org/autodiscover/autodiscover.svc",
        "https://example.org/autodiscover/autodiscover.svc",
        "https://mail.example.org/x.svc",
    ]
    monkeypatch.setattr(autodiscover, "_unencrypted_redirect", lambda domain: "https://evil.example.com/x.svc")
    assert len(list(autodiscover.candidates(EwsSettings(autodiscover=True), "example.org"))) == 2


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://mail.example.org/", True),
        ("https://example.org/", True),
        ("https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc", True),
        ("https://outlook.office365.com/", True),
        ("http://mail.example.org/", False),
        ("https://example.org.evil.com/", False),
        ("https://evilexample.org/", False),
        ("https://mail.example.org@evil.com/", False),
        ("", False),
    ],
)
def test_where_a_redirect_may_lead(url: str, allowed: bool) -> None:
    assert autodiscover.may_lead_to(url, "example.org") is allowed


async def test_a_redirect_to_strangers_is_not_followed(exchange: Exchange, account: Account, basic: Credential) -> None:
    exchange.script("302 with Location https://evil.example.com/", "GetUserSettings")
    with pytest.raises(ProtocolError) as caught:
        await open_connection(account, found(exchange), basic)
    assert caught.value.code == "protocol.redirect"
    assert "evil.example.com" in caught.value.message


async def test_a_wrong_password_is_told_as_such(exchange: Exchange, account: Account) -> None:
    wrong = Credential(kind=CredentialKind.PASSWORD, user=ANNA, secret=Secret.literal("wrong"))
    with pytest.raises(AuthenticationError):
        await open_connection(account, found(exchange), wrong)


async def test_a_mailbox_that_nobody_knows(exchange: Exchange, account: Account, basic: Credential) -> None:
    with pytest.raises(RefusedError) as caught:
        await open_connection(account, found(exchange, mailbox="unknown@sandbox.example"), basic)
    assert caught.value.code == "refused.mailbox"


async def test_nothing_is_found(
    exchange: Exchange, account: Account, basic: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autodiscover, "candidates", lambda settings, domain: iter(["https://localhost:1/x"]))
    with pytest.raises(ConnectError) as caught:
        await open_connection(account, exchange.settings(url="", autodiscover=True), basic)
    assert (caught.value.code, caught.value.details["tried"]) == ("connect.autodiscover", "https://localhost:1/x")


@pytest.mark.parametrize("script", ["404", "500", "503", "only 200"])
async def test_answers_that_are_none(exchange: Exchange, account: Account, basic: Credential, script: str) -> None:
    exchange.script(script, "GetUserSettings")
    with pytest.raises(DeliveryError) as caught:
        await open_connection(account, found(exchange), basic)
    assert caught.value.code.startswith(("protocol", "throttled"))
