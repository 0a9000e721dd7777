"""What is special about the transport ``graph``: what it says of itself, objects to and tries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pluggy
import pytest

import posthouse_graph
from posthouse import hookspecs
from posthouse.accounts import Account, Selection
from posthouse.messages import Message, Submission
from posthouse.providers import CredentialKind
from posthouse.reports import CheckStatus
from posthouse_graph import GraphSettings

from .conftest import ANNA, Office, submission

ACCOUNT = Account(name="office", transport=Selection(kind="graph"), auth=Selection(kind="azure-oauth2"))
MESSAGE = Message(sender=ANNA, to="bob@example.org", subject="Hi", text=".", message_id="<1@x.example>")


@pytest.fixture
def hook() -> Any:
    """The hooks as the engine sees them: registered, and checked for names that no specification has."""
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    manager.register(posthouse_graph)
    manager.check_pending()
    return manager.hook


async def connect(hook: Any, office: Office) -> Any:
    return await hook.connect(account=ACCOUNT, settings=office.settings(), credential=office.credential())


def test_describes_itself(hook: Any) -> None:
    description = hook.describe()
    assert description.settings is GraphSettings
    assert description.settings() == GraphSettings(mailbox="", save_sent=True, timeout=60.0)
    assert description.accepts == {CredentialKind.BEARER}
    assert description.resources["azure-oauth2"] == "graph"
    assert not description.capabilities.envelope_sender
    assert not description.capabilities.dsn
    assert description.label
    assert description.summary


async def test_sends_a_batch_in_order(hook: Any, office: Office) -> None:
    async def three() -> AsyncIterator[Submission]:
        for to in ("a@example.org", "not-an-address@nowhere", "c@example.org"):
            yield submission(Message(sender=ANNA, to=to, subject=to, text="."))

    connection = await connect(hook, office)
    deliveries = [one async for one in hook.send_batch(connection=connection, submissions=three())]
    assert [delivery.recipients[0].status for delivery in deliveries] == ["accepted", "refused", "accepted"]
    assert [delivery.recipients[0].address for delivery in deliveries] == [
        "a@example.org",
        "not-an-address@nowhere",
        "c@example.org",
    ]
    await connection.close()


def test_objects_before_anything_is_sent(hook: Any) -> None:
    message = Message(sender=ANNA, to="bob@example.org", text=".", headers={"List-Id": "x"})
    envelope = submission(message).envelope
    capabilities = hook.describe().capabilities
    arguments = {"message": message, "envelope": envelope, "account": ACCOUNT, "capabilities": capabilities}
    assert hook.objections(settings=GraphSettings(), **arguments) == ()
    (problem,) = hook.objections(settings=GraphSettings(save_sent=False), **arguments)
    assert str(problem) == "headers: with save_sent = false, only x- headers can be carried, not List-Id"


async def test_tries_everything_but_sending(hook: Any, office: Office) -> None:
    checks = [
        check
        async for check in hook.test(
            account=ACCOUNT,
            settings=office.settings(),
            credential=office.credential(),
            sender=ANNA,
            recipient="bob@example.org",
        )
    ]
    assert [check.stage.value for check in checks] == [
        "resolve",
        "connect",
        "tls",
        "authentication",
        "authentication",
        "sender",
    ]
    assert {check.status for check in checks} == {CheckStatus.OK}
    assert office.received == ()
