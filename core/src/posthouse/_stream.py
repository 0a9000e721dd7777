"""Many messages at once: prepared as they come, spread over each account's connections, receipts in order.

Nothing here waits per message: a worker takes whatever is ready in its account's lane, hands it to the transport in one
batch and starts again when there is more. The window bounds how many messages are between program and receipts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from email.message import EmailMessage
from typing import TYPE_CHECKING, TypeAlias

from attrs import define

from posthouse import _logs
from posthouse._channel import undelivered
from posthouse._engine import Engine, failed, receipt_for, timed_out
from posthouse.errors import MessageError, PosthouseError, UncertainError
from posthouse.messages import Message, Submission

if TYPE_CHECKING:
    from posthouse._channel import Channel
    from posthouse._pool import Lease
    from posthouse._preparation import Prepared
    from posthouse.accounts import Account
    from posthouse.receipts import Delivery, Receipt

__all__ = ["AnyMessage", "Stream", "as_message"]

AnyMessage: TypeAlias = Message | EmailMessage
"""What the mailers send: a `Message`, or a message of the standard library."""

_WINDOW = 256
_BUNCH = 64
_PATIENCE = 0.005
"""Receipts are handed over in bunches, or after so many seconds: each change between tasks costs as much as a receipt.

The last ones under way do not wait."""
_SLACK = 0.05
"""By how much of ``delivery.timeout`` a message's own limit may be shorter: a timer moved each time costs too much."""


def as_message(message: AnyMessage) -> Message:
    """Return a `Message`, whatever the program wrote its message with.

    Raises:
        MessageError: it is neither kind of message (code ``message.type``), or malformed.
    """
    if isinstance(message, Message):
        return message
    if isinstance(message, EmailMessage):
        return Message.from_email(message)
    raise MessageError(
        f"A message is a posthouse.Message or an email.message.EmailMessage, not a {type(message).__name__}.",
        code="message.type",
    )


@define(eq=False)
class _Job:
    number: int
    prepared: Prepared
    started: float
    timings: dict[str, float]
    again: bool = False

    @property
    def submission(self) -> Submission:
        return self.prepared[0]

    def may_wait(self, settled: bool) -> bool:
        """Return whether a job that was not handed over may wait for another connection.

        Args:
            settled: True if the connection did something for other jobs; only doing nothing twice is the end.
        """
        if not settled and self.again:
            return False
        self.again = not settled
        return True


class Stream:
    """Sends messages as they are put in, and gives their receipts back in the order in which they came.

    Args:
        engine: what sends.
        choose: names the account of a message; what it raises becomes that message's receipt.
    """

    def __init__(self, engine: Engine, choose: Callable[[Message], Account]) -> None:
        self._engine = engine
        self._choose = choose
        self._lanes: dict[str, _Lane] = {}
        self._receipts: dict[int, Receipt] = {}
        self._put = 0
        self._finished = 0
        self._taken = 0
        self._patience: asyncio.TimerHandle | None = None
        self._progress = asyncio.Event()
        self._room = asyncio.Event()
        self._logging = _logs.listening(logging.INFO)

    @property
    def full(self) -> bool:
        """True while so many messages are under way that no more should be put in."""
        return self._put - self._taken >= _WINDOW

    @property
    def pending(self) -> bool:
        """True while there are messages whose receipts were not taken."""
        return self._taken < self._put

    async def put(self, message: AnyMessage) -> None:
        """Prepare a message and start it on its way. Never raises for the message's sake."""
        number, self._put = self._put, self._put + 1
        started = time.perf_counter()
        ready = account = None
        try:
            ready = as_message(message)
            account = self._choose(ready)
            lane = self._lanes.get(account.name)
            if lane is None:
                lane = self._lanes[account.name] = _Lane(self._engine, account, self._finish)
            preparation = lane.preparation
            prepared = (
                preparation.at_once(ready, number) if preparation.immediate else await preparation.run(ready, number)
            )
        except PosthouseError as error:
            self._finish(number, failed(ready, account, error, {}))
            return
        lane.add(_Job(number, prepared, started, {"prepare": time.perf_counter() - started}))

    def take(self) -> list[Receipt]:
        """Return the receipts that are ready, in order."""
        ready = []
        while (receipt := self._receipts.pop(self._taken, None)) is not None:
            self._taken += 1
            ready.append(receipt)
        if ready:
            self._room.set()
        return ready

    async def wait(self) -> list[Receipt]:
        """Return the receipts that are ready, waiting until there is at least one; empty if nothing is under way."""
        while self.pending:
            if ready := self.take():
                return ready
            await self.progress()
        return []

    async def progress(self) -> None:
        """Wait until the next receipts are ready, or somebody calls `wake`."""
        await self._progress.wait()
        self._progress.clear()

    def wake(self) -> None:
        """End a `progress` that waits."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        self._progress.set()

    async def room(self) -> None:
        """Wait until one more message may be put in."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    async def close(self) -> None:
        """Start nothing more, and wait until what is under way has its answer, so that nothing is left uncertain."""
        for lane in self._lanes.values():
            await lane.close()
        self.wake()

    def _finish(self, number: int, receipt: Receipt) -> None:
        self._receipts[number] = receipt
        if self._logging:
            _logs.outcome(receipt)
        self._finished += 1
        if self._finished == self._put or len(self._receipts) == _BUNCH:
            self.wake()
        elif self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(_PATIENCE, self.wake)


class _Lane:
    """The messages of one account that wait, and the workers that send them, one per connection."""

    def __init__(self, engine: Engine, account: Account, finish: Callable[[int, Receipt], None]) -> None:
        self.preparation = engine.preparation(account)
        self._channel = engine.channel(account)
        self._account = account
        self._finish = finish
        self._most_workers = account.delivery.connections
        self._waiting: deque[_Job] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._connected = 0
        self._hopeless: PosthouseError | None = None

    def add(self, job: _Job) -> None:
        if self._hopeless is not None:
            self._fail(job, self._hopeless)
            return
        self._waiting.append(job)
        working = len(self._workers)
        if working < self._most_workers and working < len(self._waiting):
            self._workers.add(asyncio.get_running_loop().create_task(self._work()))

    async def close(self) -> None:
        self._waiting.clear()
        if self._workers:
            await asyncio.wait(self._workers)

    async def _work(self) -> None:
        """Send until nothing waits."""
        try:
            await self._send_all()
        finally:  # at once, not in a callback: whoever adds a job next must see that nobody works here any more
            worker = asyncio.current_task()
            assert worker is not None
            self._workers.discard(worker)

    async def _send_all(self) -> None:
        """Send until nothing waits. Holds one connection at a time."""
        fresh = False
        while self._waiting:
            if seconds := self._channel.rate.delay():
                await asyncio.sleep(seconds)
                continue
            try:
                async with asyncio.timeout(self._channel.account.delivery.timeout):
                    lease = await self._channel.pool.acquire(fresh=fresh)
            except TimeoutError:
                self._no_connection(timed_out(self._channel.account.delivery.timeout, handed_over=False))
                return
            except PosthouseError as error:
                self._no_connection(error)
                return
            self._connected += 1
            try:
                await self._send_waiting(lease)
            finally:
                self._connected -= 1
                self._channel.pool.release(lease)
            fresh = lease.reused and not lease.connection.usable

    async def _send_waiting(self, lease: Lease) -> None:
        """Send what waits over one connection, until nothing waits or the connection is not good for more.

        What was not handed over waits for another connection, unless a second one in a row did nothing for it.
        """
        under_way: deque[_Job] = deque()
        untouched: list[_Job] = []
        settled = False
        submissions = _Submissions(self._waiting, under_way, self._channel, lease)
        limit = self._channel.account.delivery.timeout
        slack = limit * _SLACK
        error: PosthouseError | None = None
        loop = asyncio.get_running_loop()
        try:
            async with (
                asyncio.timeout(limit) as timer,
                aclosing(self._channel.send_batch(lease, submissions)) as deliveries,
            ):
                extended = time.perf_counter()
                async for delivery in deliveries:
                    now = time.perf_counter()
                    lease.sent += 1
                    if delivery.untouched:
                        self._channel.note_refusal(lease, delivery)
                    if delivery.untouched and under_way[0].may_wait(settled):
                        untouched.append(under_way.popleft())
                    else:
                        self._settle(under_way.popleft(), lease, delivery, now)
                        settled = True
                    if now - extended > slack:
                        timer.reschedule(loop.time() + limit)
                        extended = now
        except TimeoutError:
            error = timed_out(limit, handed_over=True)
        except UncertainError as caught:
            error = caught
        except Exception as caught:  # the transport broke its contract in the middle of a batch
            error = UncertainError(
                f"The transport failed in send_batch with {type(caught).__name__}: nobody knows what left.",
                code="plugin.contract",
                hint="Look for the Message-ID at the other side before sending it again.",
            )
            error.__cause__ = caught
        unsent = len(under_way) - getattr(lease.connection, "unsent", 0)
        for position, job in enumerate(under_way):
            if position >= unsent and job.may_wait(settled):
                untouched.append(job)
                continue
            broken = error or UncertainError("The transport gave no answer for this message.", code="plugin.contract")
            self._settle(job, lease, undelivered(job.submission, broken), time.perf_counter())
        self._waiting.extendleft(reversed(untouched))

    def _settle(self, job: _Job, lease: Lease, delivery: Delivery, now: float) -> None:
        """Make the receipt."""
        job.timings["total"] = now - job.started
        self._finish(job.number, receipt_for(job.prepared, self._account, lease, delivery, job.timings))

    def _no_connection(self, error: PosthouseError) -> None:
        """Fail what waits, unless another connection of the account works; do not knock again where it is no use.

        A wrong password tried once per message would lock the account.
        """
        if self._connected:
            return
        if not error.temporary:
            self._hopeless = error
        while self._waiting:
            self._fail(self._waiting.popleft(), error)

    def _fail(self, job: _Job, error: PosthouseError) -> None:
        self._finish(job.number, failed(job.submission.message, self._account, error, job.timings, job.prepared))


class _Submissions(AsyncIterator["Submission"]):
    """What waits in a lane, as long as the account's limits let it go over one connection now. Never waits."""

    def __init__(self, waiting: deque[_Job], under_way: deque[_Job], channel: Channel, lease: Lease) -> None:
        limits = channel.account.delivery
        self._waiting = waiting
        self._under_way = under_way
        self._rate = None if channel.rate.unlimited else channel.rate
        self._room = limits.messages_per_connection - lease.sent if limits.messages_per_connection else -1

    def ready(self) -> Submission | None:
        """Return the next one, None if there is none now."""
        if not self._waiting or not self._room or (self._rate is not None and self._rate.delay()):
            return None
        job = self._waiting.popleft()
        self._under_way.append(job)
        self._room -= 1
        if self._rate is not None:
            self._rate.take()
        return job.submission

    async def __anext__(self) -> Submission:
        if (submission := self.ready()) is None:
            raise StopAsyncIteration
        return submission
