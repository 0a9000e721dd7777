"""The open connections of one account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

from posthouse import _logs

if TYPE_CHECKING:
    from posthouse.accounts import DeliveryLimits
    from posthouse.providers import Connection

__all__ = ["Lease", "Pool"]


class Lease:
    """A connection that somebody uses right now.

    Attributes:
        connection: the connection.
        sent: messages that went over it so far.
        reused: True if it was idle before, so that the server may have closed it meanwhile.
        idle_since: loop time when it was last given back.
    """

    __slots__ = ("connection", "idle_since", "reused", "sent")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sent = 0
        self.reused = False
        self.idle_since = 0.0


class Pool:
    """Opens connections when they are needed, keeps them warm, and closes them when they are idle, used up or broken.

    Args:
        connect: opens a connection.
        limits: how many, how long idle, how many messages each.
        account: whose connections they are, for the log.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], limits: DeliveryLimits, account: str = "") -> None:
        self._connect = connect
        self._limits = limits
        self._account = account
        self._idle: list[Lease] = []
        self._slots = asyncio.Semaphore(limits.connections)
        self._closing: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.TimerHandle | None = None

    async def acquire(self, *, fresh: bool = False) -> Lease:
        """Return a connection, waiting while the account has as many in use as it may.

        Args:
            fresh: open a new one, since an idle one has just turned out to be dead.
        """
        await self._slots.acquire()
        try:
            while self._idle and not fresh:
                lease = self._idle.pop()
                if lease.connection.usable and not self._expired(lease):
                    lease.reused = True
                    return lease
                self._close_later(lease, "it was idle too long, or the server had closed it")
            return Lease(await self._connect())
        except BaseException:
            self._slots.release()
            raise

    def release(self, lease: Lease) -> None:
        """Give a connection back; it is kept if it may be used again."""
        self._slots.release()
        used_up = 0 < self._limits.messages_per_connection <= lease.sent
        if used_up or not lease.connection.usable or self._limits.idle_seconds <= 0:
            self._close_later(lease, "it may not be used again")
            return
        lease.idle_since = asyncio.get_running_loop().time()
        self._idle.append(lease)
        if self._reaper is None:
            self._schedule_reaper(self._limits.idle_seconds)

    async def close(self) -> None:
        """Close every idle connection, and wait until all are closed."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        while self._idle:
            self._close_later(self._idle.pop(), "the mailer was closed")
        closing = set(self._closing)
        await asyncio.gather(*closing, return_exceptions=True)
        self._closing -= closing

    def _expired(self, lease: Lease) -> bool:
        return asyncio.get_running_loop().time() - lease.idle_since >= self._limits.idle_seconds

    def _close_later(self, lease: Lease, why: str) -> None:
        _logs.closed(self._account, lease.sent, why)
        closing: Coroutine[Any, Any, None] = lease.connection.close()
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled():
            task.exception()  # closing never matters to the sender; asking keeps asyncio from logging it

    def _schedule_reaper(self, seconds: float) -> None:
        self._reaper = asyncio.get_running_loop().call_later(seconds, self._reap)

    def _reap(self) -> None:
        """Close what was idle too long; look again when the next one is due."""
        self._reaper = None
        expired = [lease for lease in self._idle if self._expired(lease)]
        self._idle = [lease for lease in self._idle if not self._expired(lease)]
        for lease in expired:
            self._close_later(lease, "it was idle too long")
        if self._idle:
            oldest = min(lease.idle_since for lease in self._idle)
            due = oldest + self._limits.idle_seconds - asyncio.get_running_loop().time()
            self._schedule_reaper(max(due, 0.01))
