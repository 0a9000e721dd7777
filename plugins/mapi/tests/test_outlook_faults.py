"""Outlook that hangs, is busy, asks, ends, or is used from the wrong thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from posthouse.errors import ConnectError, ProtocolError, Stage, UncertainError
from posthouse.messages import Message
from posthouse.receipts import RecipientStatus
from posthouse_mapi import com
from posthouse_mapi.attempts import Attempt
from posthouse_mapi.connection import MapiConnection
from posthouse_mapi.outlook.method import OutlookMethod
from posthouse_mapi.outlook.remote import Line
from posthouse_mapi.settings import MapiSettings

from .conftest import Connect, begun, submission
from .standin.errors import ABORTED, DIED, DISCONNECTED, FAILED, GONE, LATER, MOVED, REJECTED
from .standin.world import Fault, World, busy

Make = Callable[..., Message]
UNCERTAIN, REFUSED = RecipientStatus.UNCERTAIN, RecipientStatus.REFUSED


def hang(world: World, **more: Any) -> Fault:
    return Fault(hang=world.never, **more)


# --- busy -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [REJECTED, LATER], ids=["rejected", "later"])
@pytest.mark.parametrize(
    "member", ["NameSpace.Logon", "MailItem.Subject", "Recipients.Add", "MailItem.Send", "Table.GetRowCount"]
)
async def test_a_rejected_call_is_made_again(
    connect: Connect, outlook: World, message: Make, member: str, answer: tuple[int, str]
) -> None:
    outlook.script(member, *busy(2, answer))
    connection = await connect()
    delivery = await connection.send(submission(message()))
    assert delivery.error is None
    assert delivery.notes == ()
    assert len(outlook.sent) == 1
    assert outlook.calls.count(member) >= 3


async def test_outlook_that_stays_busy_is_a_throttle(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect(timeout=0.3)
    outlook.script("MailItem.Send", *busy(100))
    delivery = await connection.send(submission(message()))
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.temporary, delivery.error.retry_after) == ("throttled.busy", True, 30)
    assert [one.status for one in delivery.recipients] == [REFUSED]
    assert "dialog" in delivery.error.hint
    assert outlook.sent == []
    assert connection.usable


# --- hang -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
async def test_hanging_before_the_message_is_handed_over_leaves_it_untouched(
    connect: Connect, outlook: World, message: Make
) -> None:
    connection = await connect()
    outlook.script("Attachments.Add", hang(outlook))
    delivery = await connection.send(submission(message(attachments=[("a.txt", b"a")])))
    assert delivery.untouched
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.temporary) == ("connect.hung", True)
    assert not connection.usable
    outlook.never.set()  # Outlook recovers
    await ended(connection)
    assert outlook.sent == []  # and the abandoned thread sends nothing
    fresh = await connect()
    await fresh.send(submission(message()))
    assert len(outlook.sent) == 1


@pytest.mark.usefixtures("hasty")
async def test_hanging_while_sending_is_uncertain(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    outlook.script("MailItem.Send", hang(outlook))
    delivery = await connection.send(submission(message()))
    assert isinstance(delivery.error, UncertainError)
    assert [one.status for one in delivery.recipients] == [UNCERTAIN]
    assert "Outbox" in delivery.error.hint
    assert not connection.usable


@pytest.mark.usefixtures("hasty")
async def test_hanging_after_sending_changes_nothing(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    outlook.script("Folder.GetTable", hang(outlook))
    delivery = await connection.send(submission(message()))
    assert delivery.error is None
    assert [one.status for one in delivery.recipients] == [RecipientStatus.ACCEPTED]
    assert not connection.usable


@pytest.mark.usefixtures("hasty")
async def test_a_sign_in_that_hangs_is_given_up(connect: Connect, outlook: World) -> None:
    outlook.script("NameSpace.Logon", hang(outlook))
    with pytest.raises(ConnectError) as caught:
        await connect()
    assert (caught.value.code, caught.value.temporary) == ("connect.hung", True)


async def test_a_cancelled_send_ends_at_once_and_sends_nothing_later(
    connect: Connect, outlook: World, message: Make
) -> None:
    connection = await connect(timeout=60.0)
    outlook.script("MailItem.Subject", hang(outlook))
    sending = asyncio.create_task(connection.send(submission(message())))
    await begun(outlook)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not connection.usable
    outlook.never.set()
    await ended(connection)
    assert outlook.sent == []


@pytest.mark.usefixtures("hasty")
async def test_hanging_threads_are_not_begun_without_end(connect: Connect, outlook: World) -> None:
    outlook.script("NameSpace.Logon", *[hang(outlook) for _ in range(8)])
    for _ in range(8):
        with pytest.raises(ConnectError) as caught:
            await connect()
        assert caught.value.code == "connect.hung"
    with pytest.raises(ConnectError) as caught:
        await connect()
    assert (caught.value.code, caught.value.temporary) == ("connect.stuck", True)
    outlook.never.set()
    await asyncio.to_thread(_join_all)
    await connect()


async def ended(connection: MapiConnection) -> None:
    """Wait until the thread of a lost connection has come back."""
    assert await asyncio.to_thread(connection._apartment._ended.wait, 10)


def _join_all() -> None:
    for thread in threading.enumerate():
        if thread.name == "posthouse-mapi":
            thread.join(10)


# --- the security question --------------------------------------------------------------------------------------------


async def test_a_denied_question_is_explained(connect: Connect, outlook: World, message: Make) -> None:
    outlook.trusted, outlook.prompt = False, "deny"
    connection = await connect()
    delivery = await connection.send(submission(message()))
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.temporary) == ("refused.prompt", False)
    assert all(word in delivery.error.hint for word in ("PromptOOMSend", "AdminSecurityMode", "antivirus", "extended"))
    assert delivery.error.reply is not None
    assert delivery.error.reply.enhanced == "0x80004004"
    assert [one.status for one in delivery.recipients] == [REFUSED]
    assert outlook.sent == []
    assert connection.usable


async def test_an_allowed_question_sends(connect: Connect, outlook: World, message: Make) -> None:
    outlook.trusted, outlook.prompt = False, "allow"
    connection = await connect()
    assert (await connection.send(submission(message()))).error is None
    assert len(outlook.sent) == 1


@pytest.mark.usefixtures("hasty")
async def test_a_question_that_nobody_answers_is_uncertain(connect: Connect, outlook: World, message: Make) -> None:
    outlook.trusted, outlook.prompt = False, "wait"
    connection = await connect()
    delivery = await connection.send(submission(message()))
    assert isinstance(delivery.error, UncertainError)
    assert "security question" in delivery.error.hint


# --- Outlook ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [GONE, DIED, DISCONNECTED])
async def test_outlook_that_ends_before_leaves_the_message_untouched(
    connect: Connect, outlook: World, message: Make, answer: tuple[int, str]
) -> None:
    connection = await connect()
    outlook.script("MailItem.Subject", Fault(answer, dies=True))
    delivery = await connection.send(submission(message()))
    assert delivery.untouched
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.temporary) == ("connect.lost", True)
    assert not connection.usable
    fresh = await connect()
    assert (await fresh.send(submission(message()))).error is None


@pytest.mark.parametrize("answer", [GONE, DIED, DISCONNECTED, MOVED])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_outlook_that_ends_while_sending_is_uncertain(
    connect: Connect, outlook: World, message: Make, answer: tuple[int, str], after: bool
) -> None:
    connection = await connect()
    outlook.script("MailItem.Send", Fault(answer, after=after))
    delivery = await connection.send(submission(message()))
    assert isinstance(delivery.error, UncertainError)
    assert [one.status for one in delivery.recipients] == [UNCERTAIN]
    assert len(outlook.sent) == after


async def test_outlook_that_ends_after_sending_leaves_it_accepted(
    connect: Connect, outlook: World, message: Make
) -> None:
    connection = await connect()
    outlook.script("Folder.GetTable", Fault(GONE, dies=True))
    delivery = await connection.send(submission(message()))
    assert delivery.error is None
    (note,) = delivery.notes
    assert "could not be seen" in note
    assert not connection.usable


async def test_an_answer_that_nobody_knows_is_a_refusal(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    outlook.script("MailItem.Send", Fault((-2147217000, ""), text="strange"), Fault(FAILED))
    delivery = await connection.send(submission(message()))
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.stage) == ("refused.mapi", Stage.CONTENT)
    assert "0x80041198" in delivery.error.message
    assert "strange" in delivery.error.message
    assert (await connection.send(submission(message()))).error is not None
    assert connection.usable


async def test_a_refused_sign_in(connect: Connect, outlook: World) -> None:
    outlook.script("NameSpace.Logon", Fault((-2147221231, "")))
    with pytest.raises(Exception, match="0x80040111") as caught:
        await connect()
    assert getattr(caught.value, "code", "") == "authentication.profile"


async def test_an_older_outlook_without_a_member(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    outlook.script("MailItem.InternetCodepage", Fault((-2147352573, "Member not found.")))
    delivery = await connection.send(submission(message()))
    assert delivery.error is not None
    assert not delivery.untouched


async def test_what_outlook_is_refused_is_not_done(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    outlook.script("MailItem.Send", Fault(ABORTED))
    first = await connection.send(submission(message()))
    second = await connection.send(submission(message()))
    assert first.error is not None
    assert second.error is None
    assert len(outlook.sent) == 1


# --- apartments -------------------------------------------------------------------------------------------------------


async def test_objects_stay_in_their_thread(outlook: World) -> None:
    method = OutlookMethod(MapiSettings())
    connection = MapiConnection(method)
    await connection.open()
    line, session = method._opened
    with pytest.raises(ProtocolError) as caught:  # this is another thread
        session.application.get("Version")
    assert caught.value.code == "protocol.apartment"
    assert line.lost is False
    await connection.close()


async def test_com_itself_refuses_another_thread(outlook: World) -> None:
    method = OutlookMethod(MapiSettings())
    connection = MapiConnection(method)
    await connection.open()
    application = method._opened[1].application
    system = com.system_com()
    caught: list[BaseException] = []

    def use() -> None:
        system.initialize()
        line = Line(system)
        try:
            with line.during(Attempt(5), Stage.CONNECT):
                line.do("looking", lambda: system.get(application._object, "Version"))
        except ProtocolError as error:
            caught.append(error)
        finally:
            system.uninitialize()

    thread = threading.Thread(target=use)
    thread.start()
    await asyncio.to_thread(thread.join, 10)
    assert [getattr(error, "code", "") for error in caught] == ["protocol.apartment"]
    await connection.close()


async def test_com_refuses_a_thread_without_apartment(outlook: World) -> None:
    system = com.system_com()
    caught: list[BaseException] = []

    def use() -> None:
        line = Line(system)
        try:
            with line.during(Attempt(5), Stage.CONNECT):
                line.application()
        except ProtocolError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    await asyncio.to_thread(thread.join, 10)
    assert [getattr(error, "code", "") for error in caught] == ["protocol.apartment"]
