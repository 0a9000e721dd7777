"""A long way: forwards connections, and delays every octet in both directions. Order is kept.

``python -m tests.benchmarks.delay PORT SECONDS`` prints the port that it listens on; loopback only.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque


class End(asyncio.Protocol):
    """One end of a forwarded connection; what arrives here leaves at the other end, later."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[bytes] = deque()  # an empty one is the end of the connection
        self._transport: asyncio.Transport | None = None
        self.other: End

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._under_way.append(data)
        self._loop.call_later(self._delay, self._deliver)

    def connection_lost(self, exc: Exception | None) -> None:
        self.data_received(b"")

    def _deliver(self) -> None:
        data = self._under_way.popleft()
        transport = self.other._transport
        assert transport is not None
        if data:
            transport.write(data)
        else:
            transport.close()


async def main(port: int, delay: float) -> None:
    loop = asyncio.get_running_loop()
    connecting: set[asyncio.Task[None]] = set()

    def accepted() -> End:
        near, far = End(delay), End(delay)
        near.other, far.other = far, near
        task = loop.create_task(connect(far))
        connecting.add(task)
        task.add_done_callback(connecting.discard)
        return near

    async def connect(far: End) -> None:
        await loop.create_connection(lambda: far, "127.0.0.1", port)

    server = await loop.create_server(accepted, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
