"""A thread of a connection's own, in which everything that blocks is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["Worker"]

_Result = TypeVar("_Result")


class Worker:
    """Runs functions one after the other in one thread, never on the event loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="posthouse-ews")
        self._ended: threading.Event | None = None

    async def run(self, function: Callable[[], _Result]) -> _Result:
        """Run a function. Cancelled, it does not wait for the function, which goes on until it ends."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    def close(self, last: Callable[[], None] | None = None) -> threading.Event:
        """Take no more, and end the thread; the event is set when that has happened.

        Args:
            last: done by the thread after what it does now; nothing where it was closed before.
        """
        if self._ended is not None:
            return self._ended
        self._ended = ended = threading.Event()

        def finish() -> None:
            try:
                if last is not None:
                    last()
            finally:
                ended.set()

        self._executor.submit(finish)
        self._executor.shutdown(wait=False)
        return ended
