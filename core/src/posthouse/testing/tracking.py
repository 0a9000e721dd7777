"""Sees which tasks and threads a plugin starts, though its peer lives in the same process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from attrs import define, field

__all__ = ["Started", "tracked"]

_tracked: ContextVar[bool] = ContextVar("_tracked", default=False)
PATIENCE = 5.0
_POOLS = ("asyncio_", "AnyIO worker thread")


@define
class Started:
    """What was started, and may still run."""

    _tasks: list[asyncio.Future[Any]] = field(factory=list)
    _threads: list[threading.Thread] = field(factory=list)

    async def left(self, *, threads: bool = True) -> list[str]:
        """Return what still runs, once it had time to end, in words; tasks alone, if threads may stay."""
        pending = [task for task in self._tasks if not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=PATIENCE)
        watched = self._threads if threads else []
        for thread in watched:
            if thread.is_alive():
                await asyncio.to_thread(thread.join, PATIENCE)
        tasks = [f"a task: {task!r}" for task in pending if not task.done()]
        return tasks + [f"a thread: {thread.name}" for thread in watched if thread.is_alive()]


@asynccontextmanager
async def tracked() -> AsyncIterator[Started]:
    """Note each task and thread that is started by the code within, and by what that code starts.

    Threads of the pools for blocking calls (`asyncio.to_thread`, anyio) belong to the loop and do not count.
    """
    started = Started()
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    start = threading.Thread.start

    def make_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Future[Any]:
        if before is None:
            task: asyncio.Future[Any] = asyncio.Task(coroutine, loop=loop, **options)
        else:
            task = before(loop, coroutine, **options)
        if _tracked.get():
            started._tasks.append(task)
        return task

    def start_thread(thread: threading.Thread) -> None:
        if _tracked.get() and not thread.name.startswith(_POOLS):
            started._threads.append(thread)
        start(thread)

    loop.set_task_factory(make_task)
    threading.Thread.start = start_thread  # type: ignore[assignment, method-assign]
    token = _tracked.set(True)
    try:
        yield started
    finally:
        _tracked.reset(token)
        threading.Thread.start = start  # type: ignore[method-assign]
        loop.set_task_factory(before)
