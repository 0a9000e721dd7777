"""An open connection, as the engine holds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from posthouse.errors import Stage
from posthouse.messages import Submission
from posthouse.receipts import Delivery
from posthouse_esmtp.envelope import Terms
from posthouse_esmtp.pipeline import Pipeline
from posthouse_esmtp.protocol import Wire

__all__ = ["EsmtpConnection"]

_GOODBYE = 2.0
"""Seconds to wait for the answer to QUIT, and for the server to let go."""


class EsmtpConnection:
    """Satisfies `posthouse.providers.Connection`. Used for one sending at a time.

    Args:
        wire: the connection, signed in and in step.
        terms: what may be used on it.
        timeout: seconds to wait for a reply.
        server: the server, for the text of errors.
        authentication: the SASL mechanism, or ``"none"``.
        notes: what the sender should know about this connection.
    """

    def __init__(
        self,
        wire: Wire,
        terms: Terms,
        *,
        timeout: float,
        server: str,
        authentication: str = "none",
        notes: tuple[str, ...] = (),
    ) -> None:
        ssl_object = wire.info("ssl_object")
        self._wire = wire
        self._pipeline = Pipeline(wire, terms, timeout=timeout, server=server)
        self.security: str = ssl_object.version() if ssl_object is not None else "none"
        self.authentication = authentication
        self.notes = notes

    @property
    def usable(self) -> bool:
        """False once it was closed, broke, is out of step, or the server takes no more messages on it."""
        return self._wire.failure is None and self._wire.in_step and not self._pipeline.exhausted

    @property
    def unsent(self) -> int:
        """How many of the submissions that a cancelled batch took, counted from the last, were not handed over."""
        return self._pipeline.unsent

    async def send(self, submission: Submission) -> Delivery:
        """Send one message."""
        async with aclosing(self._pipeline.run(_once(submission))) as deliveries:
            return await anext(deliveries)

    def send_batch(self, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery, None]:
        """Send many messages; yield one delivery each, in order."""
        return self._pipeline.run(submissions)

    async def close(self) -> None:
        """Say goodbye and close."""
        wire = self._wire
        wire.stage = Stage.CLOSE
        if wire.failure is None and wire.in_step:
            wire.write(b"QUIT\r\n", 1)
            await wire.take(1, _GOODBYE)
        wire.hang_up()
        try:
            async with asyncio.timeout(_GOODBYE):
                await wire.closed.wait()
        except TimeoutError:
            wire.abort()


async def _once(submission: Submission) -> AsyncIterator[Submission]:
    yield submission
