"""Does what a script says at each moment, or what a correct server would do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from posthouse_esmtp.testing.actions import (
    Default,
    Drop,
    Garbage,
    Raw,
    Reset,
    Say,
    Script,
    Signal,
    Stall,
    Step,
    StopReading,
    Wait,
)
from posthouse_esmtp.testing.wire import Ended, Wire

if TYPE_CHECKING:
    from posthouse_esmtp.testing.session import Session

__all__ = ["Player", "nothing", "terminated"]


class Player:
    """Plays one session's script over its connection."""

    def __init__(self, script: Script, session: Session, wire: Wire) -> None:
        self._script = script
        self._session = session
        self._wire = wire
        self._used: dict[str, int] = {}
        self._code = 0

    async def answer(self, moment: str, reply: bytes) -> int:
        """Do what the script says at this moment, else send the reply; return the code that was sent, 0 if none was."""
        self._code = 0

        async def default() -> None:
            self.send(terminated(reply))

        await self.perform(moment, default)
        return self._code

    async def perform(self, moment: str, default: Callable[[], Awaitable[None]]) -> None:
        """Do what the script says at this moment, else the default.

        Raises:
            Ended: the script ended the conversation.
        """
        step = self._step(moment)
        for action in step if isinstance(step, tuple) else (step,):
            match action:
                case Default():
                    await default()
                case bytes():
                    self.send(terminated(action))
                case Say(data, pieces):
                    await self._send_pieces(terminated(data), pieces)
                case Raw(data) | Garbage(data):
                    self.send(data)
                case Wait(event):
                    await event.wait()
                case Signal(event):
                    event.set()
                case Drop():
                    await self._wire.drop()
                    raise Ended
                case Reset():
                    self._wire.reset()
                    raise Ended
                case Stall():
                    self._wire.transport.resume_reading()
                    await self._wire.closed.wait()
                    raise Ended
                case StopReading():
                    self._wire.transport.pause_reading()
                    await self._wire.closed.wait()
                    raise Ended

    def _step(self, moment: str) -> Step:
        plan = self._script.get(moment)
        if plan is None and moment.isupper() and moment not in _NO_COMMANDS:
            plan = self._script.get("*")
        if plan is None:
            return Default()
        if isinstance(plan, list):
            used = self._used.get(moment, 0)
            self._used[moment] = used + 1
            return plan[used] if used < len(plan) else Default()
        return plan(self._session) if callable(plan) else plan

    def send(self, data: bytes) -> None:
        """Send bytes as they are; the first reply code among them is the one that counts."""
        if not self._code and data[:3].isdigit():
            self._code = int(data[:3])
        self._wire.write(data)

    async def _send_pieces(self, data: bytes, pieces: int) -> None:
        size = -(-len(data) // pieces)
        self._code = self._code or int(data[:3])
        for start in range(0, len(data), size):
            self._wire.write(data[start : start + size])
            await asyncio.sleep(0)  # the transport sends at once; give the client a turn to read


_NO_COMMANDS = frozenset({"CONNECT", "TLS", "RESPONSE", "BODY", "DOT"})


async def nothing() -> None:
    """Stand for a correct server that does nothing at this moment."""


def terminated(data: bytes) -> bytes:
    """Return the reply with CRLF after every line."""
    lines = data.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    return b"\r\n".join(lines) + b"\r\n"
