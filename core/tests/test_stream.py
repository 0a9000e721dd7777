"""Many messages: one receipt each, in order, whatever goes wrong; nothing lost, nothing sent twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_plugins.memory_transport import Box, MemoryConnection

from posthouse import AsyncMailer, AuthenticationError, ConnectError, Message, Outcome, RefusedError, UncertainError
from posthouse.config import parse
from posthouse.messages import Submission
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

KINDS = ["memory", "memory-batches"]


def mailer(kind: str = "memory", delivery: str = "") -> AsyncMailer:
    return AsyncMailer(
        parse(
            f"""
            default = "main"
            [accounts.main]
            sender = "office@example.org"
            transport = {{ kind = "{kind}", box = "main" }}
            delivery = {{ {delivery} }}
            [accounts.other]
            sender = "other@example.org"
            senders = ["other@example.org"]
            transport = {{ kind = "{kind}", box = "main" }}
            """,
            "test",
        )
    )


def messages(count: int) -> Iterator[Message]:
    for number in range(count):
        yield Message(to="a@b.example", subject=str(number), message_id=f"<{number}@example.org>")


def subject(submission: Submission) -> int:
    return int(submission.message.subject)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("connections", [1, 4])
async def test_receipts_come_in_order(box: Box, kind: str, connections: int) -> None:
    async with mailer(kind, f"connections = {connections}") as sender:
        ids = [receipt.message_id async for receipt in sender.send_many(messages(600))]
    assert ids == [f"<{number}@example.org>" for number in range(600)]
    assert len(box.sent) == 600
    assert len(box.connections) <= connections


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bad_message_does_not_stop_the_others(box: Box, kind: str) -> None:
    def mixed() -> Iterator[Message]:
        yield Message(to="a@b.example", subject="1")
        yield Message(subject="for nobody")
        yield "not a message"  # type: ignore[misc]
        yield Message(to="a@b.example", subject="2")

    async with mailer(kind) as sender:
        receipts = [receipt async for receipt in sender.send_many(mixed())]
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT, Outcome.FAILED, Outcome.FAILED, Outcome.SENT]
    assert [receipt.error.code for receipt in receipts if receipt.error] == ["message.no-recipients", "message.type"]
    assert [subject(s) for s in box.sent] == [1, 2]


async def test_messages_find_their_own_accounts(box: Box) -> None:
    several = [Message(to="a@b.example"), Message(sender="other@example.org", to="a@b.example")] * 3
    async with mailer() as sender:
        receipts = [receipt async for receipt in sender.send_many(several)]
    assert [receipt.account for receipt in receipts] == ["main", "other"] * 3


async def test_the_source_is_read_no_further_than_the_window(box: Box) -> None:
    gate = asyncio.Event()
    box.on_send = lambda *_: gate.wait()
    read = 0

    def endless() -> Iterator[Message]:
        nonlocal read
        for message in messages(10**6):
            read += 1
            yield message

    async with mailer() as sender:
        stream = sender.send_many(endless())
        first = asyncio.ensure_future(anext(stream))
        while not box.connections:  # noqa: ASYNC110 - the stream opens them without telling
            await asyncio.sleep(0)
        assert 0 < read <= 300
        gate.set()
        assert (await first).outcome is Outcome.SENT
        await stream.aclose()
    assert read < 1000
    assert len(box.sent) <= read


async def test_a_source_that_pauses_gets_its_receipts_meanwhile(box: Box) -> None:
    answered = asyncio.Event()

    async def slow() -> AsyncIterator[Message]:
        yield Message(to="a@b.example", subject="1")
        await answered.wait()  # the first receipt must come before the second message does
        yield Message(to="a@b.example", subject="2")

    receipts = []
    async with mailer() as sender, asyncio.timeout(10):
        async for receipt in sender.send_many(slow()):
            receipts.append(receipt)
            answered.set()
    assert len(receipts) == 2


async def test_an_error_of_the_source_is_raised_after_the_receipts(box: Box) -> None:
    async def broken() -> AsyncIterator[Message]:
        yield Message(to="a@b.example")
        raise LookupError("the program's own error")

    async with mailer() as sender:
        with pytest.raises(LookupError):
            async for _ in sender.send_many(broken()):
                pass
    assert len(box.sent) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wrong_password_is_tried_once_not_once_per_message(box: Box, kind: str) -> None:
    box.on_connect.extend([AuthenticationError("wrong")] * 1000)
    async with mailer(kind) as sender:
        receipts = [receipt async for receipt in sender.send_many(messages(500))]
    assert len(receipts) == 500
    assert all(isinstance(receipt.error, AuthenticationError) for receipt in receipts)
    assert len(box.credentials) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_one_connection_too_many_does_not_fail_what_the_others_can_send(box: Box, kind: str) -> None:
    box.on_connect.extend([None, ConnectError("432 too many", temporary=True)])
    async with mailer(kind, "connections = 2") as sender:
        outcomes = [receipt.outcome async for receipt in sender.send_many(messages(50))]
    assert outcomes == [Outcome.SENT] * 50


@pytest.mark.parametrize("kind", KINDS)
async def test_messages_per_connection_holds_for_streams(box: Box, kind: str) -> None:
    async with mailer(kind, "messages_per_connection = 10") as sender:
        outcomes = [receipt.outcome async for receipt in sender.send_many(messages(35))]
    assert outcomes == [Outcome.SENT] * 35
    assert len(box.connections) == 4


def break_and_say(connection: MemoryConnection, submission: Submission, how: str) -> Delivery | None:
    if how == "ok":
        return None
    addresses = submission.envelope.recipients
    if how == "refused":
        outcomes = tuple(RecipientOutcome(a, RecipientStatus.REFUSED) for a in addresses)
        return Delivery(recipients=outcomes, error=RefusedError("no"))
    connection.usable = False
    if how == "untouched":
        return Delivery(recipients=(), error=ConnectError("gone", temporary=True), untouched=True)
    if how == "raises":
        raise RuntimeError("a plugin's fault")
    outcomes = tuple(RecipientOutcome(a, RecipientStatus.UNCERTAIN) for a in addresses)
    return Delivery(recipients=outcomes, error=UncertainError("gone"))


HOW = st.sampled_from(["ok", "ok", "ok", "refused", "untouched", "uncertain", "raises"])


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(HOW, max_size=40), connections=st.integers(1, 4))
async def test_whatever_breaks_nothing_is_lost_or_sent_twice(
    box: Box, kind: str, script: list[str], connections: int
) -> None:
    box.sent.clear()
    attempts: Counter[int] = Counter()
    last: dict[int, str] = {}

    def answer(connection: MemoryConnection, submission: Submission) -> Delivery | None:
        number = subject(submission)
        attempts[number] += 1
        how = script[number] if attempts[number] == 1 or script[number] != "untouched" else "ok"
        last[number] = how
        return break_and_say(connection, submission, how)

    box.on_send = answer
    async with mailer(kind, f"connections = {connections}") as sender:
        receipts = [receipt async for receipt in sender.send_many(messages(len(script)))]

    expected = {
        "ok": Outcome.SENT,
        "refused": Outcome.FAILED,
        "uncertain": Outcome.UNCERTAIN,
        "raises": Outcome.UNCERTAIN,
    }
    assert [receipt.message_id for receipt in receipts] == [f"<{n}@example.org>" for n in range(len(script))]
    assert [receipt.outcome for receipt in receipts] == [expected[last[n]] for n in range(len(script))]
    assert max(Counter(subject(s) for s in box.sent).values(), default=1) == 1
    assert all(attempts[n] <= (2 if script[n] == "untouched" else 1) for n in range(len(script)))
