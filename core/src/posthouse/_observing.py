"""Extensions that look on. What they see is real; what they raise is logged and changes nothing."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Self

from posthouse import _logs
from posthouse.errors import ConnectError, UncertainError
from posthouse.providers import Operation

if TYPE_CHECKING:
    from types import TracebackType

    from posthouse._scope import Extension
    from posthouse.accounts import Account
    from posthouse.messages import Submission
    from posthouse.receipts import Delivery

__all__ = ["ObservedBatch", "Observers", "failure_of"]


class Observers:
    """Those who look on at what one account does.

    Args:
        extensions: the active ones.
        account: whose operations they see.
        settings: the transport's, which may say where the server is.
    """

    def __init__(self, extensions: Sequence[Extension], account: Account, settings: Any) -> None:
        self._observing = [extension for extension in extensions if "observe" in extension.hooks]
        self._account = account
        host, port = getattr(settings, "host", None), getattr(settings, "port", None)
        self._server = {key: value for key, value in (("server", host), ("port", port)) if value}

    def __bool__(self) -> bool:
        return bool(self._observing)

    def around(self, name: str, **attributes: Any) -> _Observed:
        """Return a context manager that observes what is done in it; it costs nothing where nobody looks."""
        if not self._observing:
            return _NOBODY
        known = attributes if name == "authenticate" else {**self._server, **attributes}
        account = self._account
        operation = Operation(
            name=name,
            account=account.name,
            transport=account.transport.kind,
            authenticator=account.auth.kind,
            attributes=known,
        )
        return _Observed(self._observing, operation)

    def around_sending(self, submission: Submission, attempt: int) -> _Observed:
        """Return what observes the sending of one message."""
        if not self._observing:
            return _NOBODY
        return self.around(
            "send",
            recipients=len(submission.envelope.recipients),
            message_id=submission.message.message_id,
            attempt=attempt,
        )


class _Observed:
    """Enters every observer's context manager around an operation."""

    __slots__ = ("_entered", "_observers", "_operation")

    def __init__(self, observers: Sequence[Extension], operation: Operation | None) -> None:
        self._observers = observers
        self._operation = operation
        self._entered: list[tuple[Extension, AbstractAsyncContextManager[Any]]] = []

    async def __aenter__(self) -> None:
        for extension in self._observers:
            try:
                manager = extension.hook.observe(operation=self._operation, settings=extension.settings)
                await manager.__aenter__()
            except Exception as error:
                _logs.observer_failed(extension.description.name, error)
            else:
                self._entered.append((extension, manager))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._entered:
            extension, manager = self._entered.pop()
            try:
                await manager.__aexit__(kind, error, trace)  # an observer looks on: nothing is swallowed
            except Exception as failure:
                if failure is not error:
                    _logs.observer_failed(extension.description.name, failure)


_NOBODY = _Observed((), None)


class _Apart:
    """An operation that overlaps others: observed in a task, and so in a context, of its own.

    It begins at the next turn of the event loop.
    """

    def __init__(self, observed: _Observed, context: contextvars.Context) -> None:
        self.context = context
        loop = asyncio.get_running_loop()
        self._entered = loop.create_future()
        self._end: asyncio.Future[BaseException | None] = loop.create_future()
        self.task = loop.create_task(self._run(observed), context=context)

    async def _run(self, observed: _Observed) -> None:
        await observed.__aenter__()
        self._entered.set_result(None)
        error = await self._end
        await observed.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)

    async def entered(self) -> Self:
        """Wait until every observer has begun."""
        await self._entered
        return self

    def end(self, error: BaseException | None) -> None:
        """Say how the operation ended."""
        if not self._end.done():
            self._end.set_result(error)


class ObservedBatch:
    """A batch and each message in it, from the moment that the transport takes the message until its delivery.

    Messages overlap, and a batch stays one: that somebody looks on does not make it slower than that.
    """

    def __init__(self, observers: Observers) -> None:
        self._observers = observers
        self._under_way: deque[_Apart] = deque()
        self._ended: set[asyncio.Task[None]] = set()
        self._batch: _Apart

    async def __aenter__(self) -> Self:
        self._batch = await _Apart(self._observers.around("batch"), contextvars.copy_context()).entered()
        return self

    async def submissions(self, source: AsyncIterator[Submission]) -> AsyncGenerator[Submission]:
        """Yield the submissions that the transport takes."""
        async for submission in source:
            observed = self._observers.around_sending(submission, attempt=1)
            self._under_way.append(_Apart(observed, self._batch.context.copy()))  # no await: this never waits
            yield submission

    def settle(self, delivery: Delivery) -> None:
        """Say what became of the first message that has no delivery yet."""
        if self._under_way:
            self._end(self._under_way.popleft(), failure_of(delivery))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, GeneratorExit):  # who took the deliveries has heard enough
            error = None
        while self._under_way:
            self._end(self._under_way.popleft(), error or _unanswered())
        self._end(self._batch, error)
        if self._ended:
            await asyncio.wait(self._ended)

    def _end(self, operation: _Apart, error: BaseException | None) -> None:
        operation.end(error)
        if not operation.task.done():
            self._ended.add(operation.task)
            operation.task.add_done_callback(self._ended.discard)


def _unanswered() -> UncertainError:
    return UncertainError("The transport gave no answer for this message.", code="uncertain.no-answer")


def failure_of(delivery: Delivery) -> BaseException | None:
    """Return what an observer sees raised for a delivery; None if somebody was accepted."""
    if delivery.untouched and delivery.error is None:
        return ConnectError("The connection broke before anything was sent.", temporary=True)
    return delivery.error
