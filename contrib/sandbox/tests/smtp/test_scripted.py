"""Scripted faults, tokens of the stand-in for Entra ID, and what Exchange refuses."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Callable

import pytest

from posthouse_sandbox import Credentials, Sandbox, Security, SmtpDoor
from posthouse_sandbox.smtp import TOKEN_MECHANISMS, exchange_refusals

from .conftest import OpenDoor, connected

ANNA = "anna@sandbox.example"
JOERG = "joerg@sandbox.example"
OUTLOOK = "https://outlook.office365.com"
MAIL = f"From: {ANNA}\r\n\r\ntext\r\n"
EXCHANGE_SAYS_NO = (535, b"5.7.3 Authentication unsuccessful")


@pytest.fixture
def exchange(open_door: OpenDoor) -> Sandbox:
    return open_door(SmtpDoor("exchange", Security.REQUIRED, mechanisms=("LOGIN", "XOAUTH2"), exchange_like=True))


def sign_in(client: smtplib.SMTP, user: str, token: str, mechanism: str = "XOAUTH2") -> tuple[int, bytes]:
    start = f"user={user}" if mechanism == "XOAUTH2" else f"n,a={user},"
    response = base64.b64encode(f"{start}\x01auth=Bearer {token}\x01\x01".encode()).decode()
    reply = client.docmd("AUTH", f"{mechanism} {response}")
    return client.docmd("") if reply[0] == 334 else reply


def delegated(sandbox: Sandbox, **changes: object) -> str:
    return sandbox.tokens.issue(**{"audience": OUTLOOK, "user": ANNA, "scopes": ["SMTP.Send"]} | changes)  # type: ignore[arg-type]


def app_only(sandbox: Sandbox, **changes: object) -> str:
    return sandbox.tokens.issue(**{"audience": OUTLOOK, "roles": ["SMTP.SendAsApp"]} | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("mechanism", TOKEN_MECHANISMS)
@pytest.mark.parametrize("issue", [delegated, app_only])
def test_token_of_entra_signs_in(open_door: OpenDoor, mechanism: str, issue: Callable[[Sandbox], str]) -> None:
    sandbox = open_door(SmtpDoor("bearer", mechanisms=(mechanism,)))
    with connected(sandbox) as client:
        assert sign_in(client, ANNA, issue(sandbox), mechanism)[0] == 235
        client.sendmail(ANNA, [JOERG], MAIL)
    assert sandbox.inbox.messages[0].user == ANNA


@pytest.mark.parametrize(
    ("user", "token"),
    [
        (JOERG, delegated),
        (ANNA, lambda sandbox: delegated(sandbox, audience="https://graph.microsoft.com")),
        (ANNA, lambda sandbox: delegated(sandbox, scopes=["EWS.AccessAsUser.All"])),
        (ANNA, lambda sandbox: delegated(sandbox, lifetime=-1.0)),
        (ANNA, lambda sandbox: app_only(sandbox, roles=["full_access_as_app"])),
        ("nobody@sandbox.example", app_only),
        (ANNA, lambda sandbox: delegated(sandbox)[:-8] + "AAAAAAAA"),
        (ANNA, lambda _: "gibberish"),
    ],
)
def test_token_for_anything_else_does_not(exchange: Sandbox, user: str, token: Callable[[Sandbox], str]) -> None:
    with connected(exchange) as client:
        assert sign_in(client, user, token(exchange)) == EXCHANGE_SAYS_NO
        assert client.mail(ANNA) == (530, b"5.7.57 Client not authenticated to send mail.")


def test_revoked_token_does_not(exchange: Sandbox) -> None:
    token = delegated(exchange)
    exchange.tokens.revoke(token)
    with connected(exchange) as client:
        assert sign_in(client, ANNA, token) == EXCHANGE_SAYS_NO


def test_exchange_lets_nobody_send_as_somebody_else(exchange: Sandbox) -> None:
    with connected(exchange) as client:
        sign_in(client, ANNA, delegated(exchange))
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.2\.252 SendAsDenied") as refusal:
            client.sendmail(ANNA, [JOERG], f"From: {JOERG}\r\n\r\ntext\r\n")
        assert refusal.value.smtp_code == 554
        client.sendmail(ANNA, [JOERG], "From: Anna <ANNA@sandbox.example>\r\n\r\ntext\r\n")
    assert len(exchange.inbox) == 1


@pytest.mark.parametrize("name", exchange_refusals())
def test_each_refusal_of_exchange_can_be_had_once(exchange: Sandbox, name: str) -> None:
    refusal = exchange_refusals()[name]
    code, text = int(refusal.reply[:3]), refusal.reply[4:].encode()
    with connected(exchange) as client:
        exchange.faults.script("exchange", refusal.fault, refusal.command)
        commands = {
            "EHLO": lambda: client.docmd("EHLO", "client.example"),
            "AUTH": lambda: sign_in(client, ANNA, delegated(exchange)),
            "MAIL": lambda: client.mail(ANNA),
            "RCPT": lambda: client.rcpt(JOERG),
            "DATA": lambda: client.data(MAIL),
        }
        replies = {}
        for command, run in commands.items():
            replies[command] = run()
            if command == refusal.command:
                break
        assert replies.pop(refusal.command) == (code, text)
        assert all(code < 400 for code, _ in replies.values())
    assert exchange.faults.pending() == ()
    assert len(exchange.inbox) == 0


@pytest.mark.parametrize(("fault", "arrived"), [("drop", 0), ("lose", 1)])
def test_content_without_an_answer(open_door: OpenDoor, fault: str, arrived: int) -> None:
    sandbox = open_door(SmtpDoor("front"))
    sandbox.faults.script("front", fault, "DATA")
    with pytest.raises(smtplib.SMTPServerDisconnected), connected(sandbox) as client:
        client.sendmail(ANNA, [JOERG], MAIL)
    assert len(sandbox.inbox) == arrived


@pytest.mark.parametrize("command", ["EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT"])
@pytest.mark.parametrize("fault", ["drop", "lose"])
def test_connection_cut_at_any_command(open_door: OpenDoor, command: str, fault: str) -> None:
    credentials = Credentials({ANNA: "secret"})
    sandbox = open_door(SmtpDoor("front", Security.REQUIRED, mechanisms=("PLAIN",)), credentials)
    sandbox.faults.script("front", fault, command)
    with pytest.raises(smtplib.SMTPServerDisconnected), connected(sandbox) as client:
        client.login(ANNA, "secret")
        client.sendmail(ANNA, [JOERG], MAIL)
    assert sandbox.faults.pending() == ()
    with connected(sandbox) as client:
        client.login(ANNA, "secret")
        client.sendmail(ANNA, [JOERG], MAIL)
    assert len(sandbox.inbox) == 1
