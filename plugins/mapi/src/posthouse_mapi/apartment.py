"""A thread of a connection's own, which is a single-threaded apartment of COM: what is made in it stays in it."""

from __future__ import annotations

import asyncio
import queue
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

from posthouse.errors import ConnectError
from posthouse_mapi.attempts import Attempt

__all__ = ["Apartment", "HungError"]

_Result = TypeVar("_Result")

_GRACE = 2.0
"""Seconds beyond an attempt's limit, so that its own end, which knows more, comes first."""

_IDLE = 0.1
"""Seconds between two looks for messages of the system while there is nothing to do."""

_GOODBYE = 3.0
_MOST_STUCK = 8
_stuck: set[threading.Thread] = set()
"""Threads that hang in a call. They cannot be ended from outside, so there is a limit to how many are begun."""


class HungError(Exception):
    """A call took longer than it may, and its thread was given up.

    Attributes:
        handed_over: whether the message was handed over by then.
        settled: the result as far as it was known by then; None if it was not.
    """

    def __init__(self, handed_over: bool, settled: Any) -> None:
        self.handed_over = handed_over
        self.settled = settled


class Apartment:
    """Runs functions one after the other in one thread.

    Once a function takes too long, or its caller is cancelled, the apartment is lost: the thread is left to itself,
    ends when the function does, and runs nothing more. A new apartment takes its place.

    Args:
        surroundings: entered by the thread before its first function and left after its last. What entering gives is
            called from time to time while there is nothing to do; None if nothing is.
        last: done by the thread before it leaves the surroundings, however it ends.

    Attributes:
        lost: True if the thread was given up.
    """

    def __init__(
        self, surroundings: Callable[[], AbstractContextManager[object]], last: Callable[[], None] = lambda: None
    ) -> None:
        self._surroundings = surroundings
        self._last = last
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self.lost = False

    async def run(self, function: Callable[[Attempt], _Result], limit: float) -> _Result:
        """Run a function.

        Args:
            function: given the attempt, which it must ask before it goes on after anything that may hang.
            limit: seconds that it may take.

        Raises:
            HungError: it took longer.
            ConnectError: too many calls hang already (``connect.stuck``).
        """
        self._start()
        attempt = Attempt(limit)
        job = _Job(function, attempt)
        self._jobs.put(job)
        waiting = asyncio.wrap_future(job.done)
        try:
            await _wait(waiting, limit + _GRACE)
        except asyncio.CancelledError:
            waiting.cancel()
            self._give_up(attempt)
            raise
        if waiting.done():
            result: _Result = waiting.result()
            return result
        waiting.cancel()
        raise HungError(self._give_up(attempt), attempt.settled)

    async def close(self) -> None:
        """End the thread, if it is not lost already; waits a few seconds for it at most."""
        if self._thread is None or self.lost:
            return
        self._jobs.put(None)
        if not await asyncio.to_thread(self._ended.wait, _GOODBYE):
            self._mourn()

    def _start(self) -> None:
        if self._thread is not None:
            return
        stuck = sum(thread.is_alive() for thread in tuple(_stuck))
        if stuck >= _MOST_STUCK:
            raise ConnectError(
                f"{stuck} calls of the mail program hang already, so no further one is begun.",
                code="connect.stuck",
                temporary=True,
                hint="Look for a dialog of the mail program; if there is none, end it with the Task Manager.",
            )
        self._thread = threading.Thread(target=self._live, name="posthouse-mapi", daemon=True)
        self._thread.start()

    def _give_up(self, attempt: Attempt) -> bool:
        handed_over = attempt.abandon()
        self._jobs.put(None)
        self._mourn()
        return handed_over

    def _mourn(self) -> None:
        self.lost = True
        if self._thread is not None and not self._ended.is_set():
            _stuck.add(self._thread)

    def _live(self) -> None:
        job = self._jobs.get()
        try:
            with ExitStack() as stack:
                try:
                    idle = stack.enter_context(self._surroundings())
                except Exception as error:
                    self.lost = True
                    if job is not None:
                        job.fail(error)
                    return
                stack.callback(self._last)
                while job is not None:
                    job.work()
                    job = self._next(idle)
        finally:
            self._ended.set()
            _stuck.discard(threading.current_thread())

    def _next(self, idle: object) -> _Job | None:
        """Wait for a job; None if there will be no more."""
        while True:
            try:
                return self._jobs.get(timeout=_IDLE if callable(idle) else None)
            except queue.Empty:
                assert callable(idle)
                idle()


class _Job:
    """A function that waits for its turn, and its result."""

    def __init__(self, function: Callable[[Attempt], Any], attempt: Attempt) -> None:
        self._function = function
        self._attempt = attempt
        self.done: Future[Any] = Future()
        self.done.set_running_or_notify_cancel()  # from now on it cannot be cancelled, only abandoned

    def work(self) -> None:
        """Do it; in the apartment's thread."""
        try:
            self._attempt.go_on()
            result = self._function(self._attempt)
        except BaseException as error:
            self.fail(error)
        else:
            self.done.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell who waits that it failed."""
        self.done.set_exception(_without_objects(error))


async def _wait(future: asyncio.Future[Any], seconds: float) -> None:
    """Wait for a future, but not longer than this; it is left as it is."""
    await asyncio.wait({future}, timeout=seconds)


def _without_objects(error: BaseException) -> BaseException:
    """Let go of the local variables that an exception's traceback holds: objects of COM must die in their thread."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            traceback.clear_frames(one.__traceback__)
            waiting += [one.__cause__, one.__context__]
    return error
