"""Transactions: what goes over the wire together, what every refusal means, and what is certain after a break."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from posthouse.errors import (
    ConnectError,
    MessageError,
    PosthouseError,
    ProtocolError,
    RefusedError,
    ThrottledError,
    UncertainError,
)
from posthouse.messages import Attachment, DsnRequest, Submission
from posthouse.receipts import Delivery
from posthouse_esmtp.pipeline import WINDOW
from posthouse_esmtp.testing import Drop, Raw, Reset, Say, ScriptedServer, Session, Signal, Stall, StopReading
from posthouse_esmtp.transaction import SMALL

PLAIN_OFFERS = ("SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN")
PIPELINING = (*PLAIN_OFFERS, "PIPELINING")
CHUNKING = (*PIPELINING, "CHUNKING")
OFFERS = pytest.mark.parametrize("offers", [PLAIN_OFFERS, PIPELINING, CHUNKING], ids=["stepwise", "data", "bdat"])


async def each(submissions: Iterable[Submission]) -> AsyncIterator[Submission]:
    for submission in submissions:
        yield submission


async def send_all(connection: Any, submissions: Iterable[Submission]) -> list[Delivery]:
    return [delivery async for delivery in connection.send_batch(each(submissions))]


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something is true; pytest-timeout ends it if it never is."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0)


def statuses(delivery: Delivery) -> list[str]:
    return [outcome.status.value for outcome in delivery.recipients]


def numbered(submit: Any, count: int, **options: Any) -> list[Submission]:
    return [submit(f"r{number}@example.org", **options) for number in range(count)]


def with_attachment(submission: Submission, content: Any) -> Submission:
    message = evolve(submission.message, attachments=(Attachment(content, name="data.bin"),))
    return evolve(submission, message=message)


# --- what goes together -----------------------------------------------------------------------------------------------


async def test_an_envelope_is_one_write_and_so_is_content_with_the_next_envelope(connect: Any, submit: Any) -> None:
    seen: list[list[bytes]] = []

    def look(session: Session) -> bytes:
        seen.append(list(session.commands))
        return b"354 go ahead"

    async with ScriptedServer(offers=PIPELINING, on={"DATA": look}) as server:
        connection = await connect(server)
        deliveries = await send_all(connection, numbered(submit, 3))
        assert [statuses(delivery) for delivery in deliveries] == [["accepted"]] * 3
        assert server.sessions[0].verbs == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3]
        assert connection.usable


async def test_the_next_envelope_travels_with_the_content(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=PIPELINING, on={"DOT": Stall()}) as server:
        connection = await connect(server, command_timeout=0.2)
        task = asyncio.create_task(send_all(connection, numbered(submit, 2)))
        session = await server.session()
        await until(lambda: session.received.count(b"MAIL FROM") == 2)
        sent, waiting = await task
        assert statuses(sent) == ["uncertain"]
        assert waiting.untouched


async def test_without_pipelining_every_reply_is_waited_for(connect: Any, submit: Any) -> None:
    heard: list[bytes] = []

    def remember(session: Session) -> bytes:
        heard.append(session.received.rpartition(b"EHLO")[2])
        return b"250 2.1.0 ok"

    async with ScriptedServer(offers=PLAIN_OFFERS, on={"MAIL": remember, "RCPT": remember}) as server:
        connection = await connect(server)
        await connection.send(submit("bob@example.org", "eve@example.org"))
        assert [line.count(b"\r\n") for line in heard] == [2, 3, 4]


async def test_pipelining_can_be_switched_off(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=CHUNKING, on={"MAIL": b"550 5.1.8 no"}) as server:
        connection = await connect(server, pipelining=False, chunking=True)
        assert statuses(await connection.send(submit())) == ["refused"]
        assert server.sessions[0].verbs == ["EHLO", "MAIL"]


async def test_chunking_needs_no_go_ahead(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=CHUNKING) as server:
        connection = await connect(server, chunking=True)
        deliveries = await send_all(connection, numbered(submit, 100, text=".dots\n..stay\n."))
        assert all(statuses(delivery) == ["accepted"] for delivery in deliveries)
        assert "DATA" not in server.sessions[0].verbs
        assert all(message.content.endswith(b"\r\n.dots\r\n..stay\r\n.\r\n") for message in server.messages)
        assert connection.usable


async def test_chunking_is_used_only_when_the_account_allows_it(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=CHUNKING) as server:
        connection = await connect(server)
        await connection.send(submit())
        assert "BDAT" not in server.sessions[0].verbs


async def test_the_window_is_bounded(connect: Any, submit: Any) -> None:
    answered = asyncio.Event()
    async with ScriptedServer(offers=CHUNKING, on={"BDAT LAST": (Signal(answered), Stall())}) as server:
        connection = await connect(server, chunking=True, command_timeout=0.3)
        taken: list[int] = []

        async def endless() -> AsyncIterator[Submission]:
            while True:
                taken.append(1)
                yield submit()

        deliveries = [delivery async for delivery in connection.send_batch(endless())]
        assert len(deliveries) == len(taken) == WINDOW
        assert {status for delivery in deliveries for status in statuses(delivery)} == {"uncertain"}
        assert isinstance(deliveries[0].error, UncertainError)


@OFFERS
async def test_content_arrives_as_it_was_written(offers: Any, connect: Any, submit: Any) -> None:
    text = ".\n..\n.hidden\nline\r\nlast\r\n.\r\nMAIL FROM:<evil@example.org>\n\n"
    async with ScriptedServer(offers=offers) as server:
        connection = await connect(server, chunking=True)
        assert (await connection.send(submit(text=text))).error is None
        (message,) = server.messages
        body = message.content.partition(b"\r\n\r\n")[2]
        assert body.replace(b"\r\n", b"\n").decode() == text.replace("\r\n", "\n")
        assert b"\n" not in message.wire.replace(b"\r\n", b"")
        assert b"\r" not in message.wire.replace(b"\r\n", b"")
        assert "evil" not in str(server.sessions[0].commands)


# --- refusals ---------------------------------------------------------------------------------------------------------


@OFFERS
async def test_some_recipients_are_refused(offers: Any, connect: Any, submit: Any) -> None:
    replies: Any = [b"250 2.1.5 ok", b"550 5.1.1 unknown", b"451 4.7.1 greylisted"]
    async with ScriptedServer(offers=offers, on={"RCPT": replies}) as server:
        connection = await connect(server, chunking=True)
        delivery = await connection.send(submit("a@example.org", "b@example.org", "c@example.org"))
        assert statuses(delivery) == ["accepted", "refused", "refused"]
        assert [outcome.temporary for outcome in delivery.recipients] == [False, False, True]
        assert [str(outcome.reply) for outcome in delivery.recipients] == [reply.decode() for reply in replies]
        assert delivery.error is None
        assert connection.usable
        assert [message.recipients for message in server.messages] == [[b"<a@example.org>"]]


@OFFERS
@pytest.mark.parametrize("data", [b"354 go ahead", b"554 5.5.1 no valid recipients", b"503 5.5.1 no"])
async def test_all_recipients_are_refused(offers: Any, data: bytes, connect: Any, submit: Any) -> None:
    script: dict[str, Any] = {"RCPT": [b"550 5.1.1 unknown", b"451 4.7.1 greylisted"]}
    if offers is PIPELINING:
        script["DATA"] = [data]
    async with ScriptedServer(offers=offers, on=script) as server:
        connection = await connect(server, chunking=True)
        refused, accepted = await send_all(
            connection, [submit("a@example.org", "b@example.org"), submit("c@example.org")]
        )
        assert statuses(refused) == ["refused", "refused"]
        assert isinstance(refused.error, RefusedError | ThrottledError)
        assert refused.error.temporary
        assert statuses(accepted) == ["accepted"]
        assert connection.usable
        assert [message.content for message in server.messages if not message.recipients] in ([], [b""])


@OFFERS
async def test_the_sender_is_refused(offers: Any, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=offers, on={"MAIL": [b"550 5.7.60 not your address"]}) as server:
        connection = await connect(server, chunking=True)
        refused, accepted = await send_all(connection, [submit("a@example.org", "b@example.org"), submit()])
        assert statuses(refused) == ["refused", "refused"]
        assert isinstance(refused.error, PosthouseError)
        assert refused.error.stage.value == "sender"
        assert statuses(accepted) == ["accepted"]
        assert connection.usable


@pytest.mark.parametrize("offers", [PLAIN_OFFERS, PIPELINING])
@pytest.mark.parametrize(("answer", "temporary"), [(b"451 4.3.0 later", True), (b"554 5.7.1 spam", False)])
async def test_data_is_refused(offers: Any, answer: bytes, temporary: bool, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=offers, on={"DATA": [answer]}) as server:
        connection = await connect(server)
        refused, accepted = await send_all(connection, numbered(submit, 2))
        assert statuses(refused) == ["refused"]
        assert refused.error is not None
        assert (refused.error.stage.value, refused.error.temporary) == ("content", temporary)
        assert statuses(accepted) == ["accepted"]
        assert server.sessions[0].verbs.count("RSET") == 1


@OFFERS
async def test_the_content_is_refused(offers: Any, connect: Any, submit: Any) -> None:
    answer: Any = [b"552 5.3.4 too big"]
    async with ScriptedServer(offers=offers, on={"DOT": answer, "BDAT LAST": answer}) as server:
        connection = await connect(server, chunking=True)
        refused, accepted = await send_all(connection, numbered(submit, 2))
        assert statuses(refused) == ["refused"]
        assert str(refused.reply) == "552 5.3.4 too big"
        assert statuses(accepted) == ["accepted"]
        assert connection.usable


# --- 421 and disconnects ----------------------------------------------------------------------------------------------


@OFFERS
@pytest.mark.parametrize("moment", ["MAIL", "RCPT"])
@pytest.mark.parametrize("how", [(b"421 4.3.2 shutting down", Drop()), Drop(), Reset()], ids=["421", "drop", "reset"])
async def test_nothing_is_touched_before_the_content(
    offers: Any, moment: str, how: Any, connect: Any, submit: Any
) -> None:
    async with ScriptedServer(offers=offers, on={moment: how}) as server:
        connection = await connect(server, chunking=True)
        delivery = await connection.send(submit("a@example.org", "b@example.org"))
        assert delivery.untouched
        assert delivery.recipients == ()
        assert delivery.error is not None
        assert delivery.error.temporary
        assert not connection.usable
        assert server.messages == []


@OFFERS
async def test_a_421_that_answers_the_content_is_a_refusal(offers: Any, connect: Any, submit: Any) -> None:
    answer = (b"421 4.3.2 shutting down", Drop())
    async with ScriptedServer(offers=offers, on={"DOT": answer, "BDAT LAST": answer}) as server:
        connection = await connect(server, chunking=True)
        first, second = await send_all(connection, numbered(submit, 2))
        assert statuses(first) == ["refused"]
        assert first.recipients[0].temporary
        assert second.untouched
        assert not connection.usable


@OFFERS
@pytest.mark.parametrize("how", [Drop(), Reset()], ids=["drop", "reset"])
async def test_a_drop_after_the_final_dot_is_uncertain(offers: Any, how: Any, connect: Any, submit: Any) -> None:
    replies = [b"250 2.1.5 ok", b"550 5.1.1 unknown"]
    script: Any = {"RCPT": replies, "DOT": how, "BDAT LAST": how}
    async with ScriptedServer(offers=offers, on=script) as server:
        connection = await connect(server, chunking=True)
        delivery = await connection.send(submit("a@example.org", "b@example.org"))
        assert statuses(delivery) == ["uncertain", "refused"]
        assert isinstance(delivery.error, UncertainError)
        assert delivery.error.code == "uncertain.lost"
        assert not connection.usable


@OFFERS
async def test_a_timeout_after_the_final_dot_is_uncertain(offers: Any, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=offers, on={"DOT": Stall(), "BDAT LAST": Stall()}) as server:
        connection = await connect(server, chunking=True, command_timeout=0.1)
        delivery = await connection.send(submit())
        assert statuses(delivery) == ["uncertain"]
        assert delivery.error is not None
        assert delivery.error.code == "uncertain.timeout"
        assert not connection.usable
        await server.sessions[0].closed()


@OFFERS
@pytest.mark.parametrize("moment", ["MAIL", "RCPT"])
async def test_a_timeout_before_the_content_closes_the_connection(
    offers: Any, moment: str, connect: Any, submit: Any
) -> None:
    async with ScriptedServer(offers=offers, on={moment: Stall()}) as server:
        connection = await connect(server, chunking=True, command_timeout=0.1)
        delivery = await connection.send(submit())
        assert delivery.untouched
        assert isinstance(delivery.error, ConnectError)
        assert delivery.error.code == "connect.timeout"
        await server.sessions[0].closed()


@OFFERS
async def test_a_drop_in_mid_content_delivers_nothing(offers: Any, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=offers) as server:
        connection = await connect(server, chunking=True)
        task = asyncio.create_task(connection.send(with_attachment(submit(), b"x" * 7_000_000)))
        session = await server.session()
        await until(lambda: len(session.received) > 100_000)
        session.reset()
        delivery = await task
        assert delivery.untouched
        assert delivery.error is not None
        assert delivery.error.code == "connect.lost"
        assert server.messages == []


async def test_a_refusal_in_mid_content_is_a_refusal(connect: Any, submit: Any) -> None:
    script = {"BODY": (b"552 5.3.4 that is enough", Drop())}
    async with ScriptedServer(offers=("PIPELINING",), on=script) as server:
        connection = await connect(server)
        delivery = await connection.send(with_attachment(submit(), b"x" * 20_000_000))
        assert statuses(delivery) == ["refused"]
        assert str(delivery.reply) == "552 5.3.4 that is enough"
        assert not connection.usable


async def test_a_stale_connection_leaves_the_message_untouched(connect: Any, submit: Any) -> None:
    for chunking in (False, True):
        async with ScriptedServer(offers=CHUNKING) as server:
            connection = await connect(server, chunking=chunking)
            server.sessions[0].say(b"421 4.4.2 idle for too long")
            server.sessions[0].reset()
            delivery = await connection.send(submit())
            assert delivery.untouched
            assert delivery.error is not None
            assert not connection.usable


async def test_a_connection_that_was_closed_meanwhile_is_not_usable(connect: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(server)
        assert connection.usable
        server.sessions[0].say(b"421 4.4.2 idle for too long")
        await until(lambda: not connection.usable)


# --- servers that break the protocol ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "answer"),
    [
        ("MAIL", b"354 go ahead"),
        ("RCPT", b"354 go ahead"),
        ("DATA", b"250 2.0.0 ok"),
        ("MAIL", b"hello"),
        ("RCPT", Raw(b"250 2.1.5 ok\r\n250 2.1.5 and again\r\n")),
        ("DATA", Raw(b"354 go\r\n250 2.0.0 queued already\r\n")),
    ],
)
@pytest.mark.parametrize("offers", [PLAIN_OFFERS, PIPELINING])
async def test_answers_out_of_turn_end_the_connection(
    moment: str, answer: Any, offers: Any, connect: Any, submit: Any
) -> None:
    async with ScriptedServer(offers=offers, on={moment: answer}) as server:
        connection = await connect(server)
        delivery = await connection.send(submit())
        assert "accepted" not in statuses(delivery)
        error = delivery.error if delivery.untouched else delivery.error and delivery.error.__cause__
        assert isinstance(error, ProtocolError)
        assert not connection.usable


async def test_a_surplus_answer_makes_the_connection_unusable(connect: Any, submit: Any) -> None:
    async with ScriptedServer(on={"DOT": Raw(b"250 2.0.0 ok\r\n250 2.0.0 ok again\r\n")}) as server:
        connection = await connect(server)
        assert statuses(await connection.send(submit())) == ["accepted"]
        assert not connection.usable


@OFFERS
async def test_replies_may_come_in_pieces(offers: Any, connect: Any, submit: Any) -> None:
    pieces = Say(b"250-2.1.5 first\n250-2.1.5 second\n250 2.1.5 third", pieces=30)
    async with ScriptedServer(offers=offers, on={"RCPT": pieces}) as server:
        connection = await connect(server, chunking=True)
        delivery = await connection.send(submit("a@example.org", "b@example.org"))
        assert statuses(delivery) == ["accepted", "accepted"]
        assert delivery.recipients[0].reply is not None
        assert delivery.recipients[0].reply.text == "first\nsecond\nthird"


# --- what the server offers -------------------------------------------------------------------------------------------


async def test_asks_for_notifications(connect: Any, submit: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(server)
        await connection.send(submit("bob@example.org", dsn=DsnRequest(envelope_id="abc")))
        assert b" RET=HDRS ENVID=abc" in server.sessions[0].commands[1]
        assert server.sessions[0].commands[2].endswith(b" NOTIFY=FAILURE ORCPT=rfc822;bob@example.org")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"dsn": DsnRequest()}, "message.dsn-not-offered"),
        ({"require_tls": True}, "message.requiretls-not-offered"),
        ({"sender": "ädä@example.org"}, "message.smtputf8-not-offered"),
        ({"sender": "a\r\nRCPT TO:<evil@example.org>"}, "message.injection"),
        ({"sender": "two words@example.org"}, "message.address"),
        ({"text": "x" * 3000}, "message.size"),
    ],
)
async def test_what_cannot_be_carried_is_refused_before_anything_is_sent(
    options: Any, code: str, connect: Any, submit: Any
) -> None:
    async with ScriptedServer(offers=("PIPELINING", "SIZE 2000")) as server:
        connection = await connect(server)
        before, refused, after = await send_all(connection, [submit(), submit(**options), submit()])
        assert isinstance(refused.error, MessageError)
        assert refused.error.code == code
        assert statuses(refused) == ["refused"]
        assert refused.recipients[0].reason
        assert statuses(before) == statuses(after) == ["accepted"]
        assert b"evil" not in server.sessions[0].received
        assert connection.usable


async def test_uses_smtputf8_only_when_it_is_needed(connect: Any, submit: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(server)
        await send_all(connection, [submit("bob@bücher.example"), submit("bøb@example.org")])
        mails = [command for command in server.sessions[0].commands if command.startswith(b"MAIL")]
        assert [b"SMTPUTF8" in command for command in mails] == [False, True]


async def test_splits_what_is_too_much_for_one_transaction(connect: Any, submit: Any) -> None:
    recipients = [f"r{number}@example.org" for number in range(7)]
    for offers in (("LIMITS RCPTMAX=3",), ("PIPELINING", "LIMITS RCPTMAX=3"), (*CHUNKING, "LIMITS RCPTMAX=3")):
        replies: Any = {"DOT": [b"250 2.0.0 ok", b"452 4.2.2 full"], "BDAT LAST": [b"250 2.0.0 ok", b"452 4.2.2 full"]}
        async with ScriptedServer(offers=offers, on=replies) as server:
            connection = await connect(server, chunking=True)
            (delivery,) = await send_all(connection, [submit(*recipients)])
            assert [outcome.address for outcome in delivery.recipients] == recipients
            assert statuses(delivery) == ["accepted"] * 3 + ["refused"] * 3 + ["accepted"]
            assert delivery.error is None
            assert [len(message.recipients) for message in server.messages] == [3, 3, 1]
            assert connection.usable


async def test_a_break_between_transactions_of_one_message(connect: Any, submit: Any) -> None:
    recipients = [f"r{number}@example.org" for number in range(4)]
    script: Any = {"MAIL": [b"250 2.1.0 ok", Drop()]}
    async with ScriptedServer(offers=("PIPELINING", "LIMITS RCPTMAX=2"), on=script) as server:
        connection = await connect(server)
        delivery = await connection.send(submit(*recipients))
        assert statuses(delivery) == ["accepted", "accepted", "refused", "refused"]
        assert [outcome.temporary for outcome in delivery.recipients] == [False, False, True, True]
        assert delivery.recipients[2].reason


@pytest.mark.parametrize("offers", [(), PIPELINING, CHUNKING])
async def test_stops_when_the_server_takes_no_more_on_this_connection(offers: Any, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=(*offers, "LIMITS MAILMAX=2")) as server:
        connection = await connect(server, chunking=True)
        waiting = each(numbered(submit, 5))
        deliveries = [delivery async for delivery in connection.send_batch(waiting)]
        assert [statuses(delivery) for delivery in deliveries] == [["accepted"], ["accepted"]]
        assert not connection.usable
        assert len([submission async for submission in waiting]) == 3
        await connection.close()
        assert server.sessions[0].verbs[-1] == "QUIT"


# --- large messages ---------------------------------------------------------------------------------------------------


@OFFERS
@pytest.mark.parametrize("source", ["bytes", "path"])
async def test_streams_large_content(offers: Any, source: str, connect: Any, submit: Any, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    path = tmp_path / "data.bin"
    path.write_bytes(data)
    large = with_attachment(submit(), data if source == "bytes" else path)
    async with ScriptedServer(offers=offers) as server:
        connection = await connect(server, chunking=True)
        deliveries = await send_all(connection, [submit(), large, submit(), large])
        assert [statuses(delivery) for delivery in deliveries] == [["accepted"]] * 4
        sizes = [len(message.content) for message in server.messages]
        assert sizes[1] == sizes[3] > len(data) > SMALL
        declared = [int(c.partition(b"SIZE=")[2].split()[0]) for c in server.sessions[0].commands if b"SIZE=" in c]
        assert declared == sizes
        assert connection.usable


@pytest.mark.parametrize("chunking", [False, True])
async def test_large_content_is_kept_back_when_nobody_wants_it(chunking: bool, connect: Any, submit: Any) -> None:
    large = with_attachment(submit(), b"x" * 200_000)
    async with ScriptedServer(offers=CHUNKING, on={"RCPT": [b"550 5.1.1 unknown"]}) as server:
        connection = await connect(server, chunking=chunking)
        refused, accepted = await send_all(connection, [large, submit()])
        assert statuses(refused) == ["refused"]
        assert statuses(accepted) == ["accepted"]
        assert len(server.sessions[0].received) < 10_000


@pytest.mark.parametrize("chunking", [False, True])
async def test_a_file_that_vanishes_meanwhile_delivers_nothing(
    chunking: bool, connect: Any, submit: Any, tmp_path: Path
) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"x" * 1_000_000)
    large = with_attachment(submit(), path)

    def shrink(_: Session) -> bytes:
        path.write_bytes(b"x" * 10)
        return b"250 2.1.5 ok"

    async with ScriptedServer(offers=CHUNKING, on={"RCPT": shrink}) as server:
        connection = await connect(server, chunking=chunking)
        (delivery,) = await send_all(connection, [large])
        assert statuses(delivery) == ["refused"]
        assert isinstance(delivery.error, MessageError)
        assert not connection.usable
        assert server.messages == []


async def test_a_server_that_reads_nothing_until_its_replies_are_read_does_not_block(connect: Any, submit: Any) -> None:
    flood = b"\n".join([b"250-2.1.5 " + b"x" * 400] * 60 + [b"250 2.1.5 ok"])
    recipients = [f"r{number}@example.org" for number in range(500)]
    async with ScriptedServer(offers=PIPELINING, on={"RCPT": flood}) as server:
        connection = await connect(server)
        delivery = await connection.send(submit(*recipients))
        assert statuses(delivery) == ["accepted"] * 500


async def test_a_server_that_stops_reading_is_given_up_in_time(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=("PIPELINING",), on={"BODY": StopReading()}) as server:
        connection = await connect(server, command_timeout=0.2)
        delivery = await connection.send(with_attachment(submit(), b"x" * 30_000_000))
        assert delivery.untouched
        assert delivery.error is not None
        assert delivery.error.code == "connect.timeout"


# --- giving up --------------------------------------------------------------------------------------------------------


@OFFERS
@pytest.mark.parametrize("moment", ["MAIL", "DOT", "BDAT LAST"])
async def test_a_cancelled_send_makes_the_connection_unusable(
    offers: Any, moment: str, connect: Any, submit: Any
) -> None:
    if (moment == "BDAT LAST") != (offers is CHUNKING) and moment != "MAIL":
        moment = "MAIL"
    reached = asyncio.Event()
    async with ScriptedServer(offers=offers, on={moment: (Signal(reached), Stall())}) as server:
        connection = await connect(server, chunking=True)
        task = asyncio.create_task(connection.send(submit()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not connection.usable
        await server.sessions[0].closed()


@OFFERS
async def test_a_batch_that_is_left_closes_the_connection(offers: Any, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=offers) as server:
        connection = await connect(server, chunking=True)
        batch = connection.send_batch(each(numbered(submit, 10)))
        await anext(batch)
        await batch.aclose()
        assert not connection.usable
        await server.sessions[0].closed()


async def test_an_empty_batch_does_nothing(connect: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(server)
        assert await send_all(connection, []) == []
        assert connection.usable
        assert server.sessions[0].verbs == ["EHLO"]


async def test_a_broken_source_closes_the_connection(connect: Any, submit: Any) -> None:
    async def broken() -> AsyncIterator[Submission]:
        yield submit()
        raise LookupError("the list is gone")

    async with ScriptedServer() as server:
        connection = await connect(server)
        with pytest.raises(LookupError):
            async for _ in connection.send_batch(broken()):
                pass
        assert not connection.usable


async def test_close_says_goodbye_and_never_waits_long(connect: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(server)
        await connection.close()
        await connection.close()
        assert server.sessions[0].verbs == ["EHLO", "QUIT"]
    for how in (Drop(), Reset(), b"500 5.5.1 no"):
        async with ScriptedServer(on={"QUIT": how}) as server:
            connection = await connect(server)
            await connection.close()
            await server.sessions[0].closed()


@pytest.mark.parametrize(
    ("answer", "request_id"),
    [
        (b"250 2.0.0 Ok: queued as 4XyZ123", "4XyZ123"),
        (b"250 OK id=1abcDE-0000xy-2T", "1abcDE-0000xy-2T"),
        (b"250 2.6.0 <x@y> [InternalId=1234567, Hostname=A.example] Queued mail for delivery", "1234567"),
        (b"250 2.0.0 accepted", ""),
    ],
)
async def test_keeps_the_servers_name_for_the_message(
    answer: bytes, request_id: str, connect: Any, submit: Any
) -> None:
    async with ScriptedServer(on={"DOT": answer}) as server:
        connection = await connect(server)
        assert (await connection.send(submit())).request_id == request_id


class AtOnce:
    """What the engine hands over: says without an ``await`` what comes next."""

    def __init__(self, submissions: Iterable[Submission], error: Exception | None = None) -> None:
        self._submissions = iter(submissions)
        self._error = error

    def ready(self) -> Submission | None:
        submission = next(self._submissions, None)
        if submission is None and self._error is not None:
            raise self._error
        return submission

    def __aiter__(self) -> AtOnce:
        return self

    async def __anext__(self) -> Submission:
        if (submission := self.ready()) is None:
            raise StopAsyncIteration
        return submission


@OFFERS
async def test_a_source_that_answers_at_once_is_asked_without_waiting(offers: Any, connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=offers) as server:
        connection = await connect(server, chunking=True)
        submissions = [submit(text=f"number {number}") for number in range(60)]
        deliveries = [delivery async for delivery in connection.send_batch(AtOnce(submissions))]
        assert [statuses(delivery) for delivery in deliveries] == [["accepted"]] * 60
        texts = [message.content.partition(b"\r\n\r\n")[2].decode().strip() for message in server.messages]
        assert texts == [f"number {number}" for number in range(60)]
        assert connection.usable


async def test_such_a_source_that_breaks_closes_the_connection(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=PIPELINING) as server:
        connection = await connect(server)
        source = AtOnce([submit() for _ in range(40)], LookupError("the list is gone"))
        with pytest.raises(LookupError):
            async for _ in connection.send_batch(source):
                pass
        assert not connection.usable


@pytest.fixture
def _without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@OFFERS
@pytest.mark.usefixtures("_without_collector")
async def test_what_is_answered_does_not_wait_for_the_garbage_collector(offers: Any, connect: Any, submit: Any) -> None:
    made: list[weakref.ref[Any]] = []

    def submissions() -> Iterator[Submission]:
        for number in range(40):
            submission = submit(text=f"number {number}")
            made.append(weakref.ref(submission.message))
            yield submission

    async with ScriptedServer(offers=offers) as server:
        connection = await connect(server, chunking=True)
        assert len(await send_all(connection, submissions())) == 40
        kept = [message for message in made if message() is not None]
        assert len(kept) <= 2  # the composer keeps the last one, and the generators that end here their last ones
