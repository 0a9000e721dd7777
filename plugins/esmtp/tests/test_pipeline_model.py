"""Whatever a server answers, the pipelined engine reports what a command-by-command client sees, and stays in step.

The server's answers depend on which message and recipient a command is about, not on how many came before, so that both
clients meet the same server however they group their commands. The engine keeps its connection from batch to batch, as
long as it is usable; the other client begins each batch afresh, so nothing may be left over from the batch before.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from enum import StrEnum
from typing import ClassVar

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential
from posthouse.receipts import Delivery
from posthouse_esmtp.connection import EsmtpConnection
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import Default, Drop, ScriptedServer, Session, Step

DROP = 0
OFFERS = ("SIZE 10485760", "8BITMIME")


class Mode(StrEnum):
    STEPWISE = "stepwise"
    PIPELINING = "pipelining"
    CHUNKING = "chunking"


@frozen
class Plan:
    """How the server answers for one message: reply codes, `DROP` to hang up."""

    mail: int
    rcpts: tuple[int, ...]
    data: int
    content: int
    always_354: bool
    late_drop: bool
    """Hang up after the answer to the content."""


yes_or_no = st.sampled_from([250] * 6 + [450, 550])
codes = st.sampled_from([250] * 12 + [450, 451, 452, 550, 552, 554, 421, DROP])
plans = st.lists(
    st.builds(
        Plan,
        mail=codes,
        rcpts=st.lists(codes | yes_or_no, min_size=1, max_size=4).map(tuple),
        data=st.sampled_from([354] * 10 + [451, 554, 421, DROP]),
        content=codes,
        always_354=st.booleans(),
        late_drop=st.sampled_from([False] * 9 + [True]),
    ),
    min_size=1,
    max_size=6,
)


ALL_IS_WELL = Plan(250, (250,), 354, 250, always_354=False, late_drop=False)


def submissions(plan: Sequence[Plan], first: int) -> list[Submission]:
    """Return one message for each; ``first`` is the place of the first one among all that the server will see."""
    return [
        Submission(
            message=Message(sender="ada@example.org", to="x@example.org", text=f".{number}", message_id="<1@x>"),
            envelope=Envelope(
                sender=f"m{number}@example.org",
                recipients=tuple(f"m{number}r{index}@example.org" for index in range(len(one.rcpts))),
            ),
            number=number,
        )
        for number, one in enumerate(plan, first)
    ]


# --- the server -------------------------------------------------------------------------------------------------------


class Planned:
    """Answers by plan, and as a correct server would where a command is out of order."""

    def __init__(self, plan: list[Plan], mode: Mode) -> None:
        self.plan = plan
        offers = {Mode.STEPWISE: (), Mode.PIPELINING: ("PIPELINING",), Mode.CHUNKING: ("PIPELINING", "CHUNKING")}
        self.server = ScriptedServer(
            offers=OFFERS + offers[mode],
            on={
                "MAIL": self.mail,
                "RCPT": self.rcpt,
                "DATA": self.data,
                "DOT": self.content,
                "BDAT LAST": self.content,
                "RSET": self.rset,
            },
        )
        self.open = self.accepted = False
        self.current = ALL_IS_WELL

    def begin(self) -> None:
        """Expect a new connection."""
        self.open = self.accepted = False

    def mail(self, session: Session) -> Step:
        if self.open:
            return b"503 5.5.1 one at a time"
        self.current = self.plan[int(re.findall(rb"<m(\d+)@", session.commands[-1])[0])]
        self.open = self.current.mail == 250
        return say(self.current.mail)

    def rcpt(self, session: Session) -> Step:
        if not self.open:
            return b"503 5.5.1 MAIL first"
        code = self.current.rcpts[int(re.findall(rb"r(\d+)@", session.commands[-1])[0])]
        self.accepted |= code == 250
        return say(code)

    def data(self, _: Session) -> Step:
        if not self.accepted:
            return b"354 whatever" if self.current.always_354 else b"554 5.5.1 nobody to send to"
        return say(self.current.data)

    def content(self, _: Session) -> Step:
        wanted, self.open, self.accepted = self.accepted, False, False
        if not wanted:
            return b"554 5.5.1 nobody to send to"
        step = say(self.current.content)
        return (step, Drop()) if self.current.late_drop and not isinstance(step, tuple) and step != Drop() else step

    def rset(self, _: Session) -> Step:
        self.open = self.accepted = False
        return Default()


def say(code: int) -> Step:
    if code == DROP:
        return Drop()
    reply = b"%d %d.0.0 as planned" % (code, code // 100) if code != 354 else b"354 go ahead"
    return (reply, Drop()) if code == 421 else reply


def delivered(planned: Planned) -> dict[str, str]:
    """Return what the server did with each recipient of complete messages: accepted, refused, or did not say."""
    truth = {}
    for message in planned.server.messages:
        for recipient in message.recipients:
            code = planned.plan[int(re.findall(rb"<m(\d+)r", recipient)[0])].content
            truth[recipient.decode().strip("<>")] = {250: "accepted", DROP: "unanswered"}.get(code, "refused")
    return truth


# --- the reference client ---------------------------------------------------------------------------------------------


class HungUpError(Exception):
    pass


class Reference:
    """Sends command by command. Results: address → accepted, refused, uncertain, untouched."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.results: dict[str, str] = {}

    async def ask(self, command: bytes) -> int:
        self.writer.write(command + b"\r\n")
        return await self.reply()

    async def reply(self) -> int:
        line = b"250-"
        while line[3:4] == b"-":
            line = await self.reader.readline()
        if not line.endswith(b"\n"):
            raise HungUpError
        return int(line[:3])

    async def run(self, batch: Sequence[Submission]) -> dict[str, str]:
        assert await self.reply() == 220
        assert await self.ask(b"EHLO reference") == 250
        self.results = {address: "untouched" for one in batch for address in one.envelope.recipients}
        try:
            for one in batch:
                await self.send(one.envelope)
        except HungUpError:
            pass
        self.writer.close()
        return self.results

    async def send(self, envelope: Envelope) -> None:
        code = await self.ask(f"MAIL FROM:<{envelope.sender}>".encode())
        if code >= 400:
            return self.decide(envelope.recipients, code)
        accepted, refused = [], {}
        for address in envelope.recipients:
            code = await self.ask(f"RCPT TO:<{address}>".encode())
            if code == 421:
                raise HungUpError
            if code >= 400:
                refused[address] = "refused"
            else:
                accepted.append(address)
        code = await self.ask(b"DATA") if accepted else 0
        if code == 421:
            raise HungUpError
        self.results.update(refused)
        if code != 354:
            self.decide(accepted, code)
            await self.ask(b"RSET")
            return None
        self.results.update(dict.fromkeys(accepted, "uncertain"))
        code = await self.ask(b"a line\r\n.")
        self.results.update(dict.fromkeys(accepted, "accepted" if code < 400 else "refused"))
        return None

    def decide(self, recipients: Sequence[str], code: int) -> None:
        if code == 421:
            raise HungUpError
        self.results.update(dict.fromkeys(recipients, "refused"))


# --- the comparison ---------------------------------------------------------------------------------------------------


class Waiting(AsyncIterator[Submission]):
    """Submissions that can be had at once, as the engine's own can."""

    def __init__(self, batch: Sequence[Submission]) -> None:
        self.left = deque(batch)

    def ready(self) -> Submission | None:
        return self.left.popleft() if self.left else None

    async def __anext__(self) -> Submission:
        raise AssertionError("nobody has to wait for these")


async def awaited(batch: Sequence[Submission]) -> AsyncIterator[Submission]:
    for one in batch:
        yield one


def results(batch: Sequence[Submission], deliveries: Sequence[Delivery]) -> dict[str, str]:
    found = {address: "untouched" for one in batch for address in one.envelope.recipients}
    for delivery in deliveries:
        accepted = any(outcome.status == "accepted" for outcome in delivery.recipients)
        uncertain = any(outcome.status == "uncertain" for outcome in delivery.recipients)
        assert (delivery.error is None) == (accepted and not uncertain)
        if not delivery.untouched:
            found.update({outcome.address: outcome.status.value for outcome in delivery.recipients})
    return found


def check_against_truth(found: dict[str, str], truth: dict[str, str]) -> None:
    """Nothing is lost and nothing is sent twice without the caller knowing."""
    allowed: dict[str, set[str | None]] = {
        "accepted": {"accepted"},
        "refused": {"refused", None},
        "uncertain": {"accepted", "refused", "unanswered", None},
        "untouched": {None},
    }
    for address, status in found.items():
        assert truth.get(address) in allowed[status], f"{address}: reported {status}, really {truth.get(address)}"


class Conversation(RuleBasedStateMachine):
    """Batch after batch, to a server that answers as it likes."""

    mode: ClassVar[Mode]
    sequences: ClassVar[int] = 0
    """How many messages the server has given its random answers for."""

    def __init__(self) -> None:
        super().__init__()
        self.plan: list[Plan] = []
        self.planned = Planned(self.plan, self.mode)
        self.simple = Planned(self.plan, Mode.STEPWISE)
        self.connection: EsmtpConnection | None = None
        self.runner = asyncio.Runner()
        self.running = AsyncExitStack()
        for one in (self.planned, self.simple):
            self.runner.run(self.running.enter_async_context(one.server))

    def teardown(self) -> None:
        try:
            self.runner.run(self.finish())
        finally:
            self.runner.run(self.running.aclose())
            self.runner.close()

    async def finish(self) -> None:
        if self.connection is not None:
            await self.still_in_step(perhaps_dead=False)
            await self.connection.close()

    @rule(plan=plans, source=st.sampled_from([Waiting, awaited]))
    def batch(self, plan: list[Plan], source: Callable[[Sequence[Submission]], AsyncIterator[Submission]]) -> None:
        self.runner.run(self.send(plan, source))

    @rule(plan=plans, taken=st.integers(0, 3))
    def abandoned(self, plan: list[Plan], taken: int) -> None:
        self.runner.run(self.leave(plan, taken))

    async def send(self, plan: list[Plan], source: Callable[[Sequence[Submission]], AsyncIterator[Submission]]) -> None:
        connection, batch = await self.begin(plan)
        deliveries = [delivery async for delivery in connection.send_batch(source(batch))]
        assert len(deliveries) <= len(batch)
        found = results(batch, deliveries)
        assert len(found) == sum(len(one.rcpts) for one in plan)
        check_against_truth(found, delivered(self.planned))
        self.compare(found, await self.expected(plan, batch), usable=connection.usable)
        await self.end(plan)

    async def leave(self, plan: list[Plan], taken: int) -> None:
        """Stop asking for answers; what was heard until then holds."""
        connection, batch = await self.begin(plan)
        deliveries: list[Delivery] = []
        async with aclosing(connection.send_batch(Waiting(batch))) as answers:
            while len(deliveries) < taken and (delivery := await anext(answers, None)) is not None:
                deliveries.append(delivery)
        heard = results(batch[: len(deliveries)], deliveries)
        check_against_truth(heard, delivered(self.planned))
        self.compare(heard, await self.expected(plan, batch), usable=connection.usable)
        left_whole = batch[len(batch) - connection.unsent :] if connection.unsent else []
        check_against_truth(results(left_whole, []), delivered(self.planned))
        await self.end(plan)

    async def begin(self, plan: list[Plan]) -> tuple[EsmtpConnection, list[Submission]]:
        batch = submissions(plan, len(self.plan))
        self.plan += plan
        type(self).sequences += len(plan)
        if self.connection is None:
            self.planned.begin()
            server = self.planned.server
            account = EsmtpSettings(host=server.host, port=server.port, chunking=self.mode is Mode.CHUNKING)
            self.connection = await Opening(account, Credential(), Security.NEVER).open()
        return self.connection, batch

    async def end(self, plan: list[Plan]) -> None:
        """Keep the connection for the next batch, unless it is of no more use or the server has left it."""
        assert self.connection is not None
        if self.connection.usable and plan[-1].late_drop:
            await self.still_in_step(perhaps_dead=True)
        if not self.connection.usable or plan[-1].late_drop:
            await self.connection.close()
            self.connection = None

    async def still_in_step(self, *, perhaps_dead: bool) -> None:
        connection, [last] = await self.begin([ALL_IS_WELL])
        delivery = await connection.send(last)
        if perhaps_dead and delivery.untouched:
            assert not connection.usable
        else:
            assert [outcome.status for outcome in delivery.recipients] == ["accepted"]

    async def expected(self, plan: list[Plan], batch: Sequence[Submission]) -> dict[str, str]:
        first = len(self.plan) - len(plan)
        if self.mode is Mode.CHUNKING:  # BDAT has no go-ahead to refuse
            self.simple.plan = [*self.plan[:first], *(evolve(one, data=354) for one in plan)]
        self.simple.begin()
        reader, writer = await asyncio.open_connection(self.simple.server.host, self.simple.server.port)
        return await Reference(reader, writer).run(batch)

    def compare(self, found: dict[str, str], expected: dict[str, str], *, usable: bool) -> None:
        if self.mode is not Mode.CHUNKING:
            assert found == {address: expected[address] for address in found}
            return
        for address, status in found.items():
            if status != expected[address]:
                assert not usable
                assert expected[address] == "untouched"
                assert status == "uncertain" or (status == "refused" and self.refuses(address))

    def refuses(self, address: str) -> bool:
        number, index = map(int, re.findall(r"\d+", address)[:2])
        return self.plan[number].rcpts[index] >= 400


@pytest.mark.parametrize("mode", list(Mode))
def test_reports_what_a_simple_client_sees_batch_after_batch(mode: Mode) -> None:
    class Machine(Conversation):
        sequences = 0

    Machine.mode = mode
    profile = settings(
        max_examples=100,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=[*HealthCheck],
        phases=set(Phase) - {Phase.shrink, Phase.explain},  # which take minutes: add them when it has failed
    )
    run_state_machine_as_test(Machine, settings=profile)
    assert Machine.sequences >= 2000, f"only {Machine.sequences} messages were answered at random"
