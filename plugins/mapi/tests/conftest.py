"""An Outlook for each test: behind a COM server on Windows, behind what stands for COM elsewhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any

import pytest

import posthouse_mapi
from posthouse.accounts import Account, Selection
from posthouse.messages import Envelope, Message, Submission
from posthouse_mapi import apartment, com, machine
from posthouse_mapi.connection import MapiConnection
from posthouse_mapi.settings import MapiSettings, Way

from .machines import FakeMachine, with_outlook
from .standin.late_bound import FakeCom
from .standin.world import World

ANNA = "anna@example.org"
Connect = Callable[..., Awaitable[MapiConnection]]


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the last lines of the summary
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Say what was not tested, so that nobody reads a pass into it."""
    yield
    if sys.platform != "win32":
        terminalreporter.line(
            "WINDOWS NOT RUN: posthouse-mapi met stand-ins for COM and mapi32.dll; "
            "nox -s windows drives the real ones under Wine"
        )


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> FakeMachine:
    """The machine that is looked at: one with classic Outlook, which the test may change."""
    found = with_outlook()
    monkeypatch.setattr(machine, "this_machine", lambda: found)
    return found


@pytest.fixture
def outlook(computer: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """What stands behind Outlook. What hangs goes on when the test ends."""
    world = World()
    if sys.platform == "win32":
        from .standin.server import serving

        with serving(world):
            yield world
            world.never.set()
    else:
        fake = FakeCom(world)
        monkeypatch.setattr(com, "system_com", lambda: fake)
        yield world
        world.never.set()


@pytest.fixture
def hasty(outlook: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a time limit end as soon as something hangs, and not before, however slow this machine is."""

    async def wait(future: asyncio.Future[Any], seconds: float) -> None:
        while not future.done() and not outlook.waits.is_set():
            await asyncio.wait({future}, timeout=0.01)
        if not future.done():
            outlook.waits.clear()

    monkeypatch.setattr(apartment, "_wait", wait)


@pytest.fixture
def account() -> Account:
    return Account(name="desk", transport=Selection(kind="mapi"), auth=Selection(kind="none"))


@pytest.fixture
def message() -> Callable[..., Message]:
    """Make a message that is ready to be sent, changed as wanted."""

    def make(**changes: Any) -> Message:
        given = {
            "sender": ANNA,
            "to": "bob@example.org",
            "subject": "Hi",
            "text": "Hello",
            "message_id": "<1@x.example>",
        }
        return Message(**given | changes)

    return make


@pytest.fixture
async def connect(outlook: World) -> AsyncIterator[Connect]:
    """Open connections by the hook; they are closed when the test ends, and what hangs goes on."""
    opened: list[MapiConnection] = []

    async def open_one(**options: Any) -> MapiConnection:
        given: dict[str, Any] = {"method": Way.OUTLOOK, "timeout": 10.0, "outbox_wait": 0.2}
        settings = MapiSettings(**given | options)
        opened.append(await posthouse_mapi.connect(settings=settings))
        return opened[-1]

    yield open_one
    outlook.never.set()
    for connection in opened:
        await connection.close()


def submission(message: Message, *recipients: str) -> Submission:
    """Return what is sent to the recipients, else to those whom the message names."""
    wanted = recipients or tuple(address.addr_spec for address in message.recipients())
    sender = message.sender.addr_spec if message.sender else ""
    return Submission(message=message, envelope=Envelope(sender=sender, recipients=wanted, dsn=message.request_dsn))


async def begun(world: World) -> None:
    """Wait until something hangs."""
    assert await asyncio.to_thread(world.waits.wait, 10)
