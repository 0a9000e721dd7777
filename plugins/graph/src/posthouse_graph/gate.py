"""At most four requests at a time per mailbox, and none while Graph asks to wait, whoever in this process sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary, WeakValueDictionary

from posthouse.errors import Stage, ThrottledError

__all__ = ["AT_ONCE", "Gate", "gate_for"]

AT_ONCE = 4
"""What Graph allows per application and mailbox (its code for more is ``MailboxConcurrency``)."""


class Gate:
    """Lets so many through at a time, in the order of asking."""

    def __init__(self, places: int = AT_ONCE) -> None:
        self._places = asyncio.Semaphore(places)
        self._turn = asyncio.Lock()
        self._open_at = 0.0

    @asynccontextmanager
    async def passage(self, deadline: float, places: int = 1) -> AsyncIterator[None]:
        """Wait for free places, hold them, and give them back.

        Args:
            deadline: loop time after which it is no use to pass any more.
            places: how many.

        Raises:
            ThrottledError: it would be later than that.
        """
        held = 0
        try:
            try:
                async with asyncio.timeout_at(deadline), self._turn:  # one at a time collects its places
                    while (wait := self._open_at - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110 - time passes
                        await asyncio.sleep(wait)
                    while held < places:
                        await self._places.acquire()
                        held += 1
            except TimeoutError:
                raise _too_late(self._open_at - asyncio.get_running_loop().time()) from None
            yield
        finally:
            for _ in range(held):
                self._places.release()

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long, since Graph said so."""
        self._open_at = max(self._open_at, asyncio.get_running_loop().time() + seconds)


def _too_late(wait: float) -> ThrottledError:
    return ThrottledError(
        "The mailbox had no room for another request in time; nothing was sent.",
        code="throttled.concurrency",
        stage=Stage.CONTENT,
        temporary=True,
        retry_after=wait if wait > 0 else None,
        hint="Let fewer programs send from this mailbox at a time, set delivery.per_minute, or raise delivery.timeout.",
    )


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[tuple[str, str], Gate]] = WeakKeyDictionary()


def gate_for(base_url: str, mailbox: str) -> Gate:
    """Return the gate of a mailbox, the same one for everybody on this event loop."""
    gates = _gates.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    key = (base_url, mailbox.lower())
    gate = gates.get(key)
    if gate is None:
        gate = gates[key] = Gate()
    return gate
