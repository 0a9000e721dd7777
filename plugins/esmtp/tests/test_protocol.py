"""The wire: hands replies out in order, keeps the time with one timer, and wakes whoever waits when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from posthouse.errors import ConnectError, ProtocolError
from posthouse_esmtp.protocol import Wire


class Peer(asyncio.Protocol):
    """The other end: says what it is told, whenever it is told."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()

    def say(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


@asynccontextmanager
async def joined() -> AsyncIterator[tuple[Wire, Peer]]:
    loop = asyncio.get_running_loop()
    peers: list[Peer] = []

    def accept() -> Peer:
        peers.append(Peer())
        return peers[-1]

    server = await loop.create_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
    wire = Wire.take_over(transport, "server")
    while not peers:  # noqa: ASYNC110 - accepting has no event
        await asyncio.sleep(0)
    try:
        yield wire, peers[0]
    finally:
        wire.abort()
        await wire.closed.wait()
        await peers[0].lost.wait()
        server.close()
        await server.wait_closed()


async def test_a_group_is_one_wait_whatever_the_network_makes_of_it() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\nB\r\nC\r\n", 3)
        for piece in (b"25", b"0 a\r", b"\n250-b\r\n250 b\r\n35", b"4 c\r\n"):
            asyncio.get_running_loop().call_soon(peer.say, piece)
        replies = await wire.take(3, 10)
        assert [str(reply) for reply in replies] == ["250 a", "250 b b", "354 c"]
        assert wire.in_step
        assert bytes(peer.received) == b"A\r\nB\r\nC\r\n"


async def test_replies_that_came_early_are_kept() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\nB\r\n", 2)
        peer.say(b"250 a\r\n550 b\r\n")
        assert [reply.code for reply in await wire.take(1, 10)] == [250]
        assert not wire.in_step
        assert [reply.code for reply in await wire.take(1, 10)] == [550]
        assert wire.in_step


@pytest.mark.parametrize("surplus", [b"250 one too many\r\n", b"550 5.5.1 what?\r\n"])
async def test_what_nobody_asked_for_is_the_end(surplus: bytes) -> None:
    async with joined() as (wire, peer):
        peer.say(surplus)
        await wire.closed.wait()
        assert isinstance(wire.failure, ProtocolError)
        assert wire.premature is not None
        assert wire.premature.code == int(surplus[:3])


async def test_half_a_reply_that_nobody_asked_for_is_out_of_step() -> None:
    async with joined() as (wire, peer):
        assert wire.in_step
        peer.say(b"250-half")
        while wire.in_step:  # noqa: ASYNC110 - arrival has no event
            await asyncio.sleep(0)


async def test_a_421_is_the_last_reply() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\nB\r\nC\r\n", 3)
        peer.say(b"250 a\r\n421 4.3.2 bye\r\n250 c\r\n")
        assert [reply.code for reply in await wire.take(3, 10)] == [250, 421]
        assert isinstance(wire.failure, ConnectError)
        assert wire.closing is not None
        assert await wire.take(1, 10) == []


async def test_a_lost_connection_gives_what_came_before() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\nB\r\n", 2)
        peer.say(b"250 a\r\n")
        assert peer.transport is not None
        peer.transport.close()
        assert [reply.code for reply in await wire.take(2, 10)] == [250]
        assert wire.failure is not None
        assert wire.failure.code == "connect.lost"
        wire.write(b"into the void\r\n", 1)
        assert await wire.take(1, 10) == []


async def test_the_time_counts_from_the_last_reply() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\nB\r\nC\r\n", 3)
        loop = asyncio.get_running_loop()
        for number in range(3):
            loop.call_later(0.15 * (number + 1), peer.say, b"250 ok\r\n")
        assert len(await wire.take(3, 0.3)) == 3
        wire.write(b"D\r\n", 1)
        peer.say(b"250")
        loop.call_later(0.1, peer.say, b" still no end")
        assert await wire.take(1, 0.2) == []
        assert wire.failure is not None
        assert wire.failure.code == "connect.timeout"
        await peer.lost.wait()


async def test_a_shorter_patience_is_kept_after_a_longer_one() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\n", 1)
        asyncio.get_running_loop().call_soon(peer.say, b"250 ok\r\n")
        assert await wire.take(1, 300)
        wire.write(b"B\r\n", 1)
        assert await asyncio.wait_for(wire.take(1, 0.05), 10) == []


async def test_nobody_is_timed_out_who_does_not_wait() -> None:
    async with joined() as (wire, peer):
        wire.write(b"A\r\n", 1)
        asyncio.get_running_loop().call_soon(peer.say, b"250 ok\r\n")
        assert await wire.take(1, 0.02)
        await asyncio.sleep(0.05)
        assert wire.failure is None


async def test_ask_raises_what_ended_the_connection() -> None:
    async with joined() as (wire, peer):
        assert peer.transport is not None
        peer.transport.close()
        with pytest.raises(ConnectError):
            await wire.ask(b"NOOP\r\n", 10)


async def test_a_full_buffer_is_waited_for_while_replies_are_read() -> None:
    async with joined() as (wire, peer):
        assert peer.transport is not None
        peer.transport.pause_reading()
        wire.write(b"x" * 20_000_000, 1)
        assert (wire.paused, wire.failure) == (True, None)
        peer.say(b"250 ok\r\n")
        asyncio.get_running_loop().call_later(0.05, peer.transport.resume_reading)
        await wire.drain(10)
        assert (wire.paused, wire.failure) == (False, None)
        assert [reply.code for reply in await wire.take(1, 10)] == [250]


async def test_the_first_reason_of_a_failure_stays() -> None:
    async with joined() as (wire, _):
        wire.fail(ProtocolError("first"))
        wire.fail(ConnectError("second"))
        await wire.closed.wait()
        assert isinstance(wire.failure, ProtocolError)


async def test_taking_over_a_connection_that_is_lost_already() -> None:
    async with joined() as (_, peer):
        assert peer.transport is not None
        peer.transport.abort()
        late = Wire.take_over(peer.transport, "server")
        assert late.failure is not None
        with pytest.raises(ConnectionResetError):
            await late.upgrade(None, "server", 1)
        peer.lost.set()
