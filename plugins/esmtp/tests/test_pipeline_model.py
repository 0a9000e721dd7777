"""Whatever a server answers, the pipelined engine reports what a command-by-command client sees, and stays in step.

The server's answers depend on which message and recipient a command is about, not on how many came before, so that both
clients meet the same server however they group their commands.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum

import pytest
from attrs import evolve, frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def submissions(plan: Sequence[Plan]) -> list[Submission]:
    return [
        Submission(
            message=Message(sender="ada@example.org", to="x@example.org", text=f".{number}", message_id="<1@x>"),
            envelope=Envelope(
                sender=f"m{number}@example.org",
                recipients=tuple(f"m{number}r{index}@example.org" for index in range(len(one.rcpts))),
            ),
            number=number,
        )
        for number, one in enumerate(plan)
    ]


# --- the server -------------------------------------------------------------------------------------------------------


class Planned:
    """Answers by plan, and as a correct server would where a command is out of order."""

    def __init__(self, plan: Sequence[Plan], mode: Mode) -> None:
        self.plan = [*plan, Plan(250, (250,), 354, 250, always_354=False, late_drop=False)]
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
        self.current = self.plan[0]

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


async def expected(plan: Sequence[Plan]) -> dict[str, str]:
    planned = Planned(plan, Mode.STEPWISE)
    async with planned.server as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        return await Reference(reader, writer).run(submissions(plan))


# --- the comparison ---------------------------------------------------------------------------------------------------


async def each(batch: Sequence[Submission]) -> AsyncIterator[Submission]:
    for one in batch:
        yield one


def results(batch: Sequence[Submission], deliveries: Sequence[Delivery]) -> dict[str, str]:
    found = {address: "untouched" for one in batch for address in one.envelope.recipients}
    for delivery in deliveries:
        if not delivery.untouched:
            found.update({outcome.address: outcome.status.value for outcome in delivery.recipients})
    return found


async def drive(plan: Sequence[Plan], mode: Mode) -> tuple[dict[str, str], dict[str, str], bool]:
    """Return what the engine reports, what the server did, and whether the connection was usable afterwards."""
    planned = Planned(plan, mode)
    batch = submissions(plan)
    async with planned.server as server:
        account = EsmtpSettings(host=server.host, port=server.port, chunking=mode is Mode.CHUNKING)
        connection = await Opening(account, Credential(), Security.NEVER).open()
        deliveries = [delivery async for delivery in connection.send_batch(each(batch))]
        assert len(deliveries) <= len(batch)
        for delivery in deliveries:
            accepted = any(outcome.status == "accepted" for outcome in delivery.recipients)
            uncertain = any(outcome.status == "uncertain" for outcome in delivery.recipients)
            assert (delivery.error is None) == (accepted and not uncertain)
        usable = connection.usable
        if usable:
            await still_in_step(connection, len(plan), perhaps_dead=plan[-1].late_drop)
        await connection.close()
        found = results(batch, deliveries)
        truth = delivered(planned)
    return found, truth, usable


async def still_in_step(connection: EsmtpConnection, number: int, *, perhaps_dead: bool) -> None:
    last = Submission(
        message=Message(sender="ada@example.org", to="x@example.org", text="still here", message_id="<2@x>"),
        envelope=Envelope(sender=f"m{number}@example.org", recipients=(f"m{number}r0@example.org",)),
    )
    delivery = await connection.send(last)
    if perhaps_dead and delivery.untouched:
        assert not connection.usable
    else:
        assert [outcome.status for outcome in delivery.recipients] == ["accepted"]


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


@pytest.mark.parametrize("mode", [Mode.STEPWISE, Mode.PIPELINING])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans)
def test_reports_what_a_simple_client_sees(mode: Mode, plan: list[Plan]) -> None:
    async def compare() -> None:
        found, truth, _ = await drive(plan, mode)
        check_against_truth(found, truth)
        assert found == await expected(plan)

    asyncio.run(compare())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans)
def test_chunking_reports_the_same_and_is_uncertain_only_after_a_break(plan: list[Plan]) -> None:
    async def compare() -> None:
        found, truth, usable = await drive(plan, Mode.CHUNKING)
        check_against_truth(found, truth)
        without_data = [evolve(one, data=354) for one in plan]  # BDAT has no go-ahead to refuse
        reference = await expected(without_data)
        for address, status in found.items():
            if status != reference[address]:
                assert not usable
                assert reference[address] == "untouched"
                assert status == "uncertain" or (status == "refused" and server_refuses(plan, address))

    asyncio.run(compare())


def server_refuses(plan: Sequence[Plan], address: str) -> bool:
    number, index = map(int, re.findall(r"\d+", address)[:2])
    return plan[number].rcpts[index] >= 400
