"""The demo against senders that misbehave: it must not believe them."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest

from posthouse import (
    AsyncMailer,
    Message,
    PosthouseError,
    Receipt,
    RecipientOutcome,
    RecipientStatus,
    RefusedError,
    Reply,
)
from posthouse_sandbox import AccountSettings, Authority, Sandbox, SmtpDoor
from posthouse_sandbox.demo.run import Attempt, choose, exercise, not_exercised
from posthouse_sandbox.demo.sample import SAMPLE

from .copies import SENDER, compose

ACCEPTED = tuple(RecipientOutcome(address=address, status=RecipientStatus.ACCEPTED) for address in SAMPLE.recipients)


def receipt(**changes: object) -> Receipt:
    fields = {
        "account": "front",
        "transport": "smtp",
        "message_id": "<sample@sandbox.example>",
        "recipients": ACCEPTED,
        "security": "none",
        "authentication": "none",
    }
    return Receipt(**fields | changes)  # type: ignore[arg-type]


class Courier:
    """What the demo asks of a mailer, done with smtplib."""

    def __init__(self, sandbox: Sandbox, receipt: Receipt | PosthouseError, copies: int = 1, subject: str = "") -> None:
        self._door = sandbox.doors[0]
        self._answer = receipt
        self._copies = copies
        self._message = compose()
        if subject:
            self._message.replace_header("Subject", subject)

    async def send(self, message: Message, *, account: str) -> Receipt:
        assert (message.subject, account) == (SAMPLE.subject, "front")
        await asyncio.to_thread(self._deliver)
        if isinstance(self._answer, PosthouseError):
            raise self._answer
        return self._answer

    def _deliver(self) -> None:
        with smtplib.SMTP(self._door.host, self._door.port, "client.example", timeout=10) as client:
            for _ in range(self._copies):
                client.sendmail(SENDER, SAMPLE.recipients, self._message.as_bytes())


@pytest.fixture
async def sandbox(tmp_path: Path, sandbox_ca: Authority) -> AsyncIterator[Sandbox]:
    async with Sandbox(tmp_path, doors=[SmtpDoor("front")], authority=sandbox_ca) as running:
        yield running


async def attempt(sandbox: Sandbox, courier: Courier) -> Attempt:
    accounts = tuple(sandbox.doors[0].accounts())
    (result,) = [each async for each in exercise(sandbox, cast("AsyncMailer", courier), accounts)]
    return result


async def test_intact_message_is_called_intact_and_its_file_is_named(sandbox: Sandbox) -> None:
    result = await attempt(sandbox, Courier(sandbox, receipt()))
    assert result.intact
    assert result.differences == ()
    assert result.file is not None
    assert result.file.read_bytes() == sandbox.inbox.messages[0].raw
    assert result.as_dict()["intact"] is True
    assert result.as_dict()["file"] == str(result.file)


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        (
            {"message_id": "<other@x>"},
            "the receipt's Message-ID is '<other@x>', the server saw '<sample@sandbox.example>'",
        ),
        ({"security": "TLSv1.3"}, "the receipt's security is 'TLSv1.3', the server saw 'none'"),
        ({"authentication": "PLAIN"}, "the receipt's authentication is True, the server saw False"),
        (
            {
                "recipients": (
                    *ACCEPTED[1:],
                    RecipientOutcome(
                        address="ada@sandbox.example", status=RecipientStatus.REFUSED, reply=Reply(550, "5.1.1", "No")
                    ),
                )
            },
            "ada@sandbox.example was refused: 550 5.1.1 No",
        ),
    ],
)
async def test_receipt_is_held_against_what_the_server_saw(
    sandbox: Sandbox, changes: dict[str, object], difference: str
) -> None:
    result = await attempt(sandbox, Courier(sandbox, receipt(**changes)))
    assert not result.intact
    assert result.differences == (difference,)


async def test_changed_message_is_not_intact(sandbox: Sandbox) -> None:
    result = await attempt(sandbox, Courier(sandbox, receipt(), subject="Changed"))
    assert not result.intact
    assert "Subject: " in result.differences[0]
    assert result.as_dict()["differences"] == list(result.differences)


async def test_second_copy_is_noticed(sandbox: Sandbox) -> None:
    result = await attempt(sandbox, Courier(sandbox, receipt(), copies=2))
    assert result.differences == ("it arrived 2 times",)


async def test_accepted_message_that_does_not_arrive_is_noticed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse_sandbox.demo.run.ARRIVAL_SECONDS", 0.01)
    result = await attempt(sandbox, Courier(sandbox, receipt(), copies=0))
    assert result.differences == ("it was accepted, and nothing arrived",)
    assert result.file is None


async def test_error_is_kept_and_a_copy_that_arrived_all_the_same_is_noticed(sandbox: Sandbox) -> None:
    error = RefusedError("no", hint="ask")
    result = await attempt(sandbox, Courier(sandbox, error, copies=0))
    assert (result.error, result.differences, result.intact) == (error, (), False)
    assert result.as_dict()["error"] == {"code": "refused", "message": "no", "hint": "ask"}
    result = await attempt(sandbox, Courier(sandbox, error, copies=1))
    assert result.differences == ("the message arrived all the same",)


def test_one_account_per_door_and_authenticator_that_usable_plugins_fit() -> None:
    transports = {"smtp": "", "smtps": "denied", "graph": ""}
    with Sandbox() as sandbox:
        without = choose(sandbox, transports, {"none": "", "password": "", "azure-oauth2": "broken"})
        with_tokens = choose(sandbox, transports, {"none": "", "password": "", "azure-oauth2": ""})
    names = ["smtp", "smtp-auth", "smtp-plain", "smtp-plain-auth"]
    assert [account.name for account in without if account.transport["kind"] == "smtp"] == names
    assert [account.name for account in with_tokens if account.transport["kind"] == "smtp"] == [
        *names[:2],
        "smtp-auth-xoauth2",
        *names[2:],
    ]
    assert {account.transport["kind"] for account in without} <= {"smtp", "graph"}


def test_what_is_not_exercised_has_its_reason() -> None:
    accounts = [AccountSettings("a", {"kind": "smtp"})]
    found = not_exercised({"smtp": "", "smtps": "two plugins bring it", "graph": ""}, accounts)
    assert found == {"smtps": "two plugins bring it", "graph": "the sandbox has no server for it"}
