"""The server's end of one connection: bytes in and out, TLS, and the ways to end it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct

__all__ = ["Ended", "Wire"]


class Ended(Exception):  # noqa: N818 - not an error: the conversation is over
    """The client is gone, or the script ended the conversation."""


class Wire(asyncio.Protocol):
    """Keeps everything that arrived, and hands it out by line or by count."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.position = 0
        self.closed = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._news = asyncio.Event()
        self._ended = False
        self._dropped = False

    @property
    def transport(self) -> asyncio.Transport:
        """The connection, encrypted once it is."""
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection quiet until the session begins: a TLS handshake must not be read as text."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Keep what arrived."""
        self.received += data
        self._news.set()

    def eof_received(self) -> bool:
        """Take note of the end, and let the transport close."""
        self._ended = True
        self._news.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note of the end, however it came."""
        self._ended = True
        self._news.set()
        self.closed.set()

    async def line(self) -> bytes:
        """Return the next line without its CRLF."""
        return (await self.until(b"\r\n"))[:-2]

    async def until(self, end: bytes) -> bytes:
        """Return what arrives up to and including ``end``."""
        searched = self.position
        while (found := self.received.find(end, searched)) < 0:
            searched = max(self.position, len(self.received) - len(end) + 1)
            await self._more()
        return self._take(found + len(end))

    async def exactly(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        while len(self.received) - self.position < count:
            await self._more()
        return self._take(self.position + count)

    async def anything(self) -> None:
        """Return as soon as something is there to read."""
        while len(self.received) == self.position:
            await self._more()

    def rest(self) -> bytes:
        """Return what has arrived and was not read yet."""
        return self._take(len(self.received))

    def write(self, data: bytes) -> None:
        """Send bytes; the client may be gone."""
        if not self._dropped:
            self.transport.write(data)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's part of a handshake.

        Raises:
            OSError: it failed (`ssl.SSLError` among them); the connection is closed.
        """
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(self.transport, self, context, server_side=True)
        except BaseException:
            self.connection_lost(None)  # nobody else calls it before the handshake is done
            raise
        assert transport is not None
        self._transport = transport

    async def drop(self) -> None:
        """Say that nothing more will come, and wait for the client to close."""
        self._dropped = True
        with contextlib.suppress(OSError):
            self.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
        self.transport.resume_reading()
        await self.closed.wait()

    def reset(self) -> None:
        """Close with a TCP reset."""
        lingering = struct.pack("ii", 1, 0) if not hasattr(socket, "SO_EXCLUSIVEADDRUSE") else struct.pack("hh", 1, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        self.transport.abort()

    def _take(self, end: int) -> bytes:
        taken = bytes(self.received[self.position : end])
        self.position = end
        return taken

    async def _more(self) -> None:
        if self._ended:
            raise Ended
        self._news.clear()
        await self._news.wait()
