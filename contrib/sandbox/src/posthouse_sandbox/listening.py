"""Listening on a free loopback port, and ending what was begun there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

__all__ = ["HANDSHAKE_SECONDS", "HOST", "Listener"]

HOST = "127.0.0.1"
HANDSHAKE_SECONDS = 30.0


class Listener:
    """Takes connections on a free port of the loopback interface, each in a task of its own.

    Args:
        name: for the task's name and for error messages.
        converse: deals with one connection until it is closed; when it is cancelled, it cuts the connection.
    """

    def __init__(self, name: str, converse: Callable[[socket.socket], Awaitable[None]]) -> None:
        self._name = name
        self._converse = converse
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: it does not listen.
        """
        if self._socket is None:
            raise RuntimeError(f"door {self._name} is not open: use it within the sandbox's with block")
        port: int = self._socket.getsockname()[1]
        return port

    def open(self) -> None:
        """Begin to listen.

        Raises:
            OSError: there is no free port.
        """
        self._socket = socket.create_server((HOST, 0), backlog=128)
        self._socket.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._socket), name=f"door {self._name}")

    async def close(self) -> None:
        """Stop listening and cut the connections that are still open."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        if self._socket is not None:
            self._socket.close()
        self._accepting = self._socket = None

    async def _accept(self, listener: socket.socket) -> None:
        # Not loop.create_server: that one lets go of a connection whose handshake is under way, and on Python 3.11 does
        # not wait for any. A task group ends when each of its conversations has ended.
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as conversations:
            while True:
                connection, _ = await loop.sock_accept(listener)
                # asyncio does this only for sockets that name their protocol, which accepted ones do not; without it
                # pipelined replies wait 40 ms for each other.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                conversations.create_task(self._converse_quietly(connection))

    async def _converse_quietly(self, connection: socket.socket) -> None:
        try:
            await self._converse(connection)
        except OSError:
            return  # a handshake that failed: the client does not trust us, or does not speak TLS, and knows why
