"""The plugin's hooks against Outlook as a process of its own, through real COM: what the other tests cannot provoke."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import posthouse_mapi
from posthouse.accounts import Account
from posthouse.errors import ConnectError, UncertainError
from posthouse.messages import Message
from posthouse_mapi.settings import MapiSettings

from .conftest import submission
from .standin.office import ONLY_WINDOWS, Office, running_office

pytestmark = ONLY_WINDOWS

MESSAGE = Message(
    sender="anna@example.org",
    to="Bob <bob@example.org>",
    cc="c@bücher.example",
    subject="Łódź 🚲",
    html="<p>Łódź <img src='cid:logo'></p>",
    headers={"X-Order": "4711"},
    attachments=[("Plän.pdf", b"%PDF")],
    inline=[("logo", b"png")],
    message_id="<1@x.example>",
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The stand-in, registered and running."""
    with running_office(tmp_path_factory.mktemp("outlook") / "port.json") as office:
        yield office


@pytest.fixture
def office(running: Office) -> Iterator[Office]:
    """Outlook as each test finds it."""
    running.renew()
    yield running
    running.release()


async def connect(**options: Any) -> Any:
    given = {"timeout": 20.0, "outbox_wait": 0.0} | options
    return await posthouse_mapi.connect(settings=MapiSettings(**given))


def sent(office: Office) -> list[str]:
    return [mail["values"]["Subject"] for mail in office.mails()]


async def test_everything_arrives_by_autodetect(office: Office) -> None:
    connection = await connect()
    delivery = await connection.send(submission(MESSAGE))
    await connection.close()
    assert delivery.error is None
    (mail,) = office.mails()
    assert mail["values"]["Subject"] == "Łódź 🚲"
    assert mail["recipients"] == [
        (1, "bob@example.org", "Bob"),
        (2, "c@xn--bcher-kva.example", "c@xn--bcher-kva.example"),
    ]
    assert [(file["name"], file["content"]) for file in mail["attachments"]] == [
        ("Plän.pdf", b"%PDF"),
        ("logo", b"png"),
    ]
    assert "4711" in mail["properties"].values()
    assert mail["account"] == "anna@example.org"


async def test_the_account_is_put_by_reference(office: Office) -> None:
    office.set_accounts(("anna@example.org", "Anna"), ("info@example.org", "Info"))
    connection = await connect(account="info@example.org")
    await connection.send(submission(MESSAGE))
    await connection.close()
    assert office.mails()[0]["account"] == "info@example.org"


async def test_calls_that_com_refuses_are_made_again(office: Office) -> None:
    connection = await connect()
    office.refuse(1, 2, 1, 1, 2)
    delivery = await connection.send(submission(MESSAGE))
    await connection.close()
    assert delivery.error is None
    assert office.refused_calls() == 5  # some of them by what COM does for itself
    assert len(office.mails()) == 1


async def test_a_process_that_hangs_is_given_up_and_the_next_worker_waits_for_it(office: Office) -> None:
    connection = await connect(timeout=4.0)
    office.script("MailItem.Send", hang=True)
    delivery = await connection.send(submission(MESSAGE))
    assert isinstance(delivery.error, UncertainError)
    assert not connection.usable
    with pytest.raises(ConnectError) as caught:  # nobody pumps messages there
        await connect(timeout=0.5)
    assert caught.value.code == "connect.hung"
    office.reset()
    fresh = await connect()
    assert (await fresh.send(submission(MESSAGE))).error is None
    await fresh.close()


async def test_a_denied_question_is_explained(office: Office) -> None:
    office.set(trusted=False, prompt="deny")
    connection = await connect()
    delivery = await connection.send(submission(MESSAGE))
    await connection.close()
    assert delivery.error.code == "refused.prompt"
    assert "PromptOOMSend" in delivery.error.hint
    assert sent(office) == []


async def test_a_process_that_ends_while_sending_leaves_doubt_and_com_starts_the_next(office: Office) -> None:
    connection = await connect()
    office.script("MailItem.Send", dies=True)
    delivery = await connection.send(submission(MESSAGE))
    assert isinstance(delivery.error, UncertainError)
    assert not connection.usable
    await connection.close()
    office.forget()
    fresh = await connect()  # nobody but COM starts it
    assert (await fresh.send(submission(MESSAGE))).error is None
    await fresh.close()
    assert sent(office) == ["Łódź 🚲"]


async def test_a_process_that_ended_before_leaves_the_message_untouched(office: Office) -> None:
    connection = await connect()
    office.end()
    delivery = await connection.send(submission(MESSAGE))
    assert delivery.untouched
    assert delivery.error.code == "connect.lost"
    await connection.close()


async def test_the_test_of_an_account_reports_what_is_there(office: Office, account: Account) -> None:
    checks = [
        check
        async for check in posthouse_mapi.test(account=account, settings=MapiSettings(), sender="anna@example.org")
    ]
    assert {check.status.value for check in checks} <= {"ok", "warning"}
    evidence = " ".join(check.evidence for check in checks)
    assert "anna@example.org" in evidence
    assert "Outlook's object model" in evidence
    assert sent(office) == []
