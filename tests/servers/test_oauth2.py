"""Tokens of Entra ID's stand-in at a real server: Dovecot's oauth2 passdb behind Postfix, XOAUTH2 and OAUTHBEARER."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse import AuthenticationError, CheckStatus, Message, Stage
from posthouse_sandbox import Authority, Sandbox
from posthouse_sandbox.entra import EntraDoor
from posthouse_sandbox.tokens import Tokens

from .accounts import USER
from .certificates import Certificates
from .conftest import OpenMailer, home_of, need
from .dovecot import Dovecot
from .mailers import WAYS
from .postfix import Postfix
from .token_endpoint import TokenEndpoint

MECHANISMS = ["XOAUTH2", "OAUTHBEARER"]


@pytest.fixture(scope="module")
def token_endpoint() -> Iterator[TokenEndpoint]:
    with TokenEndpoint(USER) as running:
        yield running


@pytest.fixture(scope="module")
def token_postfix(server_home: Path, certificates: Certificates, token_endpoint: TokenEndpoint) -> Iterator[Postfix]:
    """A running Postfix that takes nothing but tokens."""
    need("postfix")
    server = Postfix(home_of(server_home, "token-postfix"), certificates.home)
    sasl = Dovecot(
        home_of(server_home, "token-sasl"), server.sasl_socket, "postfix", introspection_url=token_endpoint.url
    )
    with sasl, server:
        yield server


@pytest.fixture
def house(token_endpoint: TokenEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Somebody who issues tokens."""
    monkeypatch.setenv("POSTHOUSE_TOKENS", str(tmp_path / "tokens"))
    with Sandbox(tmp_path / "house", doors=[EntraDoor()], authority=Authority(tmp_path / "ca")) as running:
        token_endpoint.tokens = running.tokens
        token_endpoint.user, token_endpoint.refuse, token_endpoint.asked = USER, 0, 0
        yield running


@pytest.fixture
def sign_in(house: Sandbox, tmp_path: Path) -> dict[str, Any]:
    """The settings of a sign-in at Entra ID's stand-in."""
    (found,) = house.doors[0].sign_ins()
    secret = tmp_path / "client-secret"
    secret.touch(mode=0o600)
    secret.write_text(found.secrets["client_secret"], "utf-8")
    return {**found.settings, "client_secret": f"file:{secret}", "username": USER}


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("way", WAYS)
def test_a_token_signs_in(
    token_postfix: Postfix, open_mailer: OpenMailer, sign_in: dict[str, Any], recipient: str, way: str, mechanism: str
) -> None:
    mailer = open_mailer(token_postfix, way, account={"auth": sign_in}, auth_mechanisms=[mechanism])
    receipt = mailer.send(Message(to=recipient, subject="by token", text="Hello"))
    assert receipt.authentication == mechanism
    assert token_postfix.accepted_as(receipt.message_id) == (mechanism, USER)
    token_postfix.mailbox.wait(recipient)


def test_the_standards_mechanism_comes_first(
    token_postfix: Postfix, open_mailer: OpenMailer, sign_in: dict[str, Any], recipient: str
) -> None:
    mailer = open_mailer(token_postfix, "starttls", account={"auth": sign_in})
    assert mailer.send(Message(to=recipient, subject="first", text="Hello")).authentication == "OAUTHBEARER"


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_refused_token_is_renewed_once(
    token_postfix: Postfix,
    token_endpoint: TokenEndpoint,
    house: Sandbox,
    open_mailer: OpenMailer,
    sign_in: dict[str, Any],
    recipient: str,
    mechanism: str,
) -> None:
    token_endpoint.refuse = 1
    mailer = open_mailer(token_postfix, "starttls", account={"auth": sign_in}, auth_mechanisms=[mechanism])
    receipt = mailer.send(Message(to=recipient, subject="renewed", text="Hello"))
    assert receipt.authentication == mechanism
    assert token_endpoint.asked == 2
    assert len(house.tokens.issued) == 2


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_that_stays_refused_is_explained(
    token_postfix: Postfix,
    token_endpoint: TokenEndpoint,
    open_mailer: OpenMailer,
    sign_in: dict[str, Any],
    recipient: str,
    mechanism: str,
) -> None:
    token_endpoint.tokens = Tokens()
    token_endpoint.refuse = 2
    mailer = open_mailer(token_postfix, "starttls", account={"auth": sign_in}, auth_mechanisms=[mechanism])
    with pytest.raises(AuthenticationError) as refused:
        mailer.send(Message(to=recipient, subject="refused", text="Hello"))
    error = refused.value
    assert error.stage is Stage.AUTHENTICATION
    assert error.reply is not None
    assert error.reply.code == 535
    assert "status=" in str(error), "what the server's challenge said"
    assert token_endpoint.asked == 2, "not tried for ever"


def test_a_token_opens_only_its_own_mailbox(
    token_postfix: Postfix,
    token_endpoint: TokenEndpoint,
    open_mailer: OpenMailer,
    sign_in: dict[str, Any],
    recipient: str,
) -> None:
    token_endpoint.user = "somebody-else"
    mailer = open_mailer(token_postfix, "smtps", account={"auth": sign_in})
    with pytest.raises(AuthenticationError):
        mailer.send(Message(to=recipient, subject="borrowed", text="Hello"))


def test_the_test_of_the_account_reads_the_token(
    token_postfix: Postfix, open_mailer: OpenMailer, sign_in: dict[str, Any]
) -> None:
    report = open_mailer(token_postfix, "starttls", account={"auth": sign_in}).test("test")
    assert report.ok, report.verdict
    (check,) = (check for check in report.checks if check.title == "Read the token")
    assert check.status is CheckStatus.OK
    assert "SMTP.SendAsApp" in check.evidence
