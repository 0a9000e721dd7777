"""Outlook behind a whole mailer: what the engine makes of faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from posthouse import Mailer
from posthouse.config import parse
from posthouse.errors import ConnectError, MessageError, UncertainError
from posthouse.messages import Message
from posthouse.receipts import Outcome

from .standin.errors import GONE
from .standin.world import Fault, World

CONFIGURATION = """
[safety]
redirect_to = "tester@example.org"

[accounts.desk]
sender = "anna@example.org"
transport = { kind = "mapi", outbox_wait = 0.2 }
"""
PLAIN = CONFIGURATION.partition("[accounts")[1] + CONFIGURATION.partition("[accounts")[2]


def letter(number: int) -> Message:
    return Message(to="bob@example.org", subject=f"Letter {number}", text="Hello")


@pytest.fixture
def mailer(outlook: World) -> Iterator[Mailer]:
    with Mailer(parse(PLAIN, "test")) as mailer:
        yield mailer
        outlook.never.set()


def subjects(world: World) -> list[str]:
    return [mail.values["Subject"] for mail in world.sent]


def test_sends_over_one_connection(mailer: Mailer, outlook: World) -> None:
    receipts = [mailer.send(letter(number), account="desk") for number in range(3)]
    assert {receipt.outcome for receipt in receipts} == {Outcome.SENT}
    assert (receipts[0].security, receipts[0].authentication) == ("local", "mail profile")
    assert subjects(outlook) == ["Letter 0", "Letter 1", "Letter 2"]
    assert len(outlook.logons) == 1


@pytest.mark.usefixtures("hasty")
def test_a_hanging_outlook_gets_a_new_worker_and_the_message_goes_once(mailer: Mailer, outlook: World) -> None:
    mailer.send(letter(1), account="desk")
    outlook.script("MailItem.Subject", Fault(hang=outlook.never))
    assert mailer.send(letter(2), account="desk").outcome is Outcome.SENT
    assert len(outlook.logons) == 2
    assert subjects(outlook) == ["Letter 1", "Letter 2"]


@pytest.mark.usefixtures("hasty")
def test_an_outlook_that_hangs_while_sending_is_asked_no_second_time(mailer: Mailer, outlook: World) -> None:
    mailer.send(letter(1), account="desk")
    outlook.script("MailItem.Send", Fault(hang=outlook.never))
    with pytest.raises(UncertainError) as caught:
        mailer.send(letter(2), account="desk")
    assert caught.value.receipt is not None
    assert caught.value.receipt.outcome is Outcome.UNCERTAIN
    assert mailer.send(letter(3), account="desk").outcome is Outcome.SENT
    assert outlook.calls.count("MailItem.Send") == 3


def test_an_outlook_that_ended_is_started_again(mailer: Mailer, outlook: World) -> None:
    mailer.send(letter(1), account="desk")
    outlook.script("Application.CreateItem", Fault(GONE, dies=True))
    assert mailer.send(letter(2), account="desk").outcome is Outcome.SENT
    assert outlook.calls.count("Dispatch") == 2


def test_an_outlook_that_cannot_be_reached_is_told(mailer: Mailer, outlook: World) -> None:
    outlook.script("NameSpace.Logon", *[Fault(GONE)] * 5)
    with pytest.raises(ConnectError) as caught:
        mailer.send(letter(1), account="desk")
    assert (caught.value.code, caught.value.temporary) == ("connect.lost", True)
    assert caught.value.receipt is not None
    assert caught.value.receipt.outcome is Outcome.DEFERRED


def test_what_cannot_be_carried_never_reaches_outlook(mailer: Mailer, outlook: World) -> None:
    message = Message(to="bob@example.org", text="Hello", headers={"List-Id": "x"})
    (problem,) = mailer.check(message, account="desk")
    assert "list-id" in problem.message
    with pytest.raises(MessageError, match="list-id"):
        mailer.send(message, account="desk")
    assert outlook.calls == []


def test_a_staging_system_reaches_its_tester_only(outlook: World) -> None:
    with Mailer(parse(CONFIGURATION, "test")) as mailer:
        receipt = mailer.send(Message(to="bob@example.org", cc="cy@example.org", text="Hello"), account="desk")
    (mail,) = outlook.sent
    assert mail.recipients == [(3, "tester@example.org", "tester@example.org")]
    assert any("To and Cc name only" in note for note in receipt.notes)


def test_the_account_is_tested(mailer: Mailer, outlook: World) -> None:
    report = mailer.test("desk")
    assert report.ok
    assert report.checks[0].details["method"] == "outlook"
    assert outlook.mails == []
