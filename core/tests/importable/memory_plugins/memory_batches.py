"""The memory transport with a batch hook; each delivery follows from the box's ``on_send`` like a single send's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import attrs

from memory_plugins import memory_transport
from memory_plugins.memory_transport import MemoryConnection, connect, send, test
from posthouse.hookspecs import hookimpl
from posthouse.messages import Submission
from posthouse.providers import TransportDescription
from posthouse.receipts import Delivery

__all__ = ["connect", "describe", "send", "send_batch", "test"]


@hookimpl
def describe() -> TransportDescription:
    return attrs.evolve(memory_transport.describe(), kind="memory-batches")


@hookimpl
async def send_batch(connection: MemoryConnection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    async for submission in submissions:
        yield await send(connection, submission)
        if not connection.usable:
            return
