"""A server on a free loopback port that does to its clients what a test wants."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeAlias

__all__ = ["Talk", "TcpServer", "babble", "hang_up", "reset", "stay_silent"]

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a server does with one client, from the connection on; at its end the connection is closed."""


class TcpServer:
    """A server on a free port of the loopback interface; an async context manager.

    Args:
        talk: what to do with each client: `stay_silent`, `hang_up`, `reset`, `babble`, or a function of your own.

    Attributes:
        host: where it listens.
        port: where it listens.
        talk: may be replaced at any time; counts for the clients that connect after that.
        clients: how many have connected so far.
    """

    def __init__(self, talk: Talk | None = None) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.talk: Talk = talk or stay_silent
        self.clients = 0
        self._server: asyncio.Server | None = None
        self._talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks)
        for writer in self._talks.values():
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        await self._server.wait_closed()
        if self._failure is not None and error is None:
            raise self._failure  # a mistake in the test's own server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        task = asyncio.current_task()
        assert task is not None
        self._talks[task] = writer
        try:
            await self.talk(reader, writer)
            writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.transport.abort()  # the client is gone, or the test is over, which cancels and then waits
        except Exception as failure:
            self._failure = failure
            writer.transport.abort()


async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read everything and say nothing, until the client has enough."""
    while await reader.read(65536):
        pass


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close at once."""


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection (TCP RST), as a firewall or a server that crashes does."""
    lingering = struct.pack("hh" if hasattr(socket, "SO_EXCLUSIVEADDRUSE") else "ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
    writer.transport.abort()


async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say what no protocol allows, and then go on listening."""
    writer.write(b"\x00\xff\xfe garbage \x80\x81\r\nmore of it\r\n\r\n")
    await stay_silent(reader, writer)
