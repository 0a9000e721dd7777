"""Sockets: both IP versions, source addresses, and proxies in between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from posthouse.errors import ConfigurationError, ConnectError
from posthouse.providers import Credential
from posthouse.secrets import Secret
from posthouse_esmtp import network
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def test_connects_from_the_address_that_was_set(connect: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(server, source_address="127.0.0.2")
        assert connection.usable
        settings = EsmtpSettings(host=server.host, port=server.port, source_address="127.0.0.3")
        sock = await network.connect(settings, await network.lookup(settings))
        with sock:
            assert sock.getsockname()[0] == "127.0.0.3"
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_explains_a_source_address_of_the_other_version() -> None:
    settings = EsmtpSettings(host="127.0.0.1", port=25, source_address="::1")
    with pytest.raises(ConnectError) as caught:
        await network.connect(settings, await network.lookup(settings))
    assert caught.value.code == "connect.source-address"


async def test_explains_a_source_address_that_this_machine_does_not_have() -> None:
    async with ScriptedServer() as server:
        settings = EsmtpSettings(host=server.host, port=server.port, source_address="192.0.2.1")
        with pytest.raises(ConnectError) as caught:
            await network.connect(settings, await network.lookup(settings))
        assert caught.value.code == "connect.source-address"


async def test_tries_the_next_address_where_one_does_not_answer() -> None:
    async with ScriptedServer() as server:
        settings = EsmtpSettings(host=server.host, port=server.port)
        good = await network.lookup(settings)
        bad: Any = [(*good[0][:4], ("127.0.0.1", 9))]
        with await network.connect(settings, [*bad, *good]) as sock:
            assert sock.getpeername()[1] == server.port


# --- proxies ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """Run a small server; its handlers end with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def join(client: tuple[Any, Any], host: str, port: int, answer: bytes, *, late: bool = False) -> None:
    """Join client and target; with ``late`` the answer travels in one segment with the target's first words."""
    reader, writer = await asyncio.open_connection(host, port)
    if late:
        answer += await reader.readline()
    client[1].write(answer)
    await asyncio.gather(relay(client[0], writer), relay(reader, client[1]))


def http_proxy(requests: list[bytes], status: bytes = b"200 Connection established", *, late: bool = True) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        answer = b"HTTP/1.1 " + status + b"\r\nVia: test\r\n\r\n"
        if not status.startswith(b"200"):
            writer.write(answer)
            return
        host, _, port = requests[-1].split(b" ")[1].decode().rpartition(":")
        await join((reader, writer), host.strip("[]"), int(port), answer, late=late)

    return handle


def socks_proxy(requests: list[bytes], *, password: bytes = b"", refuse: bool = False) -> Handler:
    """RFC 1928 and RFC 1929, as much as a client needs."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if password:
            assert 2 in methods
            writer.write(b"\x05\x02")
            user = await reader.readexactly((await reader.readexactly(2))[1])
            secret = await reader.readexactly((await reader.readexactly(1))[0])
            requests.append(user + b":" + secret)
            writer.write(b"\x01\x00" if secret == password else b"\x01\x01")
        else:
            writer.write(b"\x05\x00")
        kind = (await reader.readexactly(4))[3]
        raw = await reader.readexactly((await reader.readexactly(1))[0] if kind == 3 else 4)
        host = raw.decode() if kind == 3 else socket.inet_ntoa(raw)
        port = int.from_bytes(await reader.readexactly(2))
        requests.append(f"{host}:{port}".encode())
        if refuse:
            writer.write(b"\x05\x02\x00\x01" + bytes(6))
            return
        await join((reader, writer), "127.0.0.1", port, b"\x05\x00\x00\x01" + bytes(6), late=True)

    return handle


async def test_an_http_proxy_loses_no_greeting(connect: Any, submit: Any) -> None:
    requests: list[bytes] = []
    async with listening(http_proxy(requests)) as port, ScriptedServer() as server:
        proxy = Secret.literal(f"http://ada:p%40ss%3Aword@127.0.0.1:{port}")
        connection = await connect(server, proxy=proxy)
        assert (await connection.send(submit())).error is None
        await connection.close()
        assert requests[0].startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n".encode())
        assert b"\r\nProxy-Authorization: Basic YWRhOnBAc3M6d29yZA==\r\n" in requests[0]


async def test_a_socks_proxy_looks_the_name_up(connect: Any, submit: Any) -> None:
    requests: list[bytes] = []
    async with listening(socks_proxy(requests, password=b"p@ss")) as port, ScriptedServer() as server:
        proxy = Secret.literal(f"socks5://ada:p%40ss@127.0.0.1:{port}")
        connection = await connect(server, host="only-the-proxy-knows.invalid", proxy=proxy)
        assert (await connection.send(submit())).error is None
        await connection.close()
        assert requests == [b"ada:p@ss", f"only-the-proxy-knows.invalid:{server.port}".encode()]


async def refused(settings: EsmtpSettings) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await Opening(settings, Credential(), Security.NEVER).open()
    assert "hunter2" not in f"{caught.value} {caught.value.details} {caught.value.__cause__}"
    return caught.value


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"403 Forbidden", b"502 Bad Gateway"])
async def test_says_that_an_http_proxy_refuses(status: bytes) -> None:
    async with listening(http_proxy([], status)) as port:
        proxy = Secret.literal(f"http://ada:hunter2@127.0.0.1:{port}")
        error = await refused(EsmtpSettings(host="mail.example.org", proxy=proxy))
        assert error.code == "connect.proxy-refused"
        assert status.decode() in error.message


async def test_says_that_a_socks_proxy_refuses() -> None:
    async with listening(socks_proxy([], refuse=True)) as port:
        error = await refused(EsmtpSettings(host="mail.example.org", proxy=Secret(f"socks5://127.0.0.1:{port}")))
        assert error.code == "connect.proxy-refused"
    async with listening(socks_proxy([], password=b"right")) as port:
        proxy = Secret.literal(f"socks5://ada:hunter2@127.0.0.1:{port}")
        error = await refused(EsmtpSettings(host="mail.example.org", proxy=proxy))
        assert error.code == "connect.proxy-refused"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_says_that_a_proxy_cannot_be_reached(scheme: str) -> None:
    async with listening(http_proxy([])) as port:
        pass
    error = await refused(EsmtpSettings(host="mail.example.org", proxy=Secret(f"{scheme}://127.0.0.1:{port}")))
    assert error.code == "connect.proxy-unreachable"


@pytest.mark.parametrize("scheme", ["http", "socks5"])
async def test_gives_up_on_a_proxy_that_says_nothing(scheme: str) -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as port:
        proxy = Secret(f"{scheme}://127.0.0.1:{port}")
        error = await refused(EsmtpSettings(host="mail.example.org", proxy=proxy, timeout=0.2))
        assert error.temporary
        assert "timeout" in error.code


async def test_a_proxy_that_hangs_up_is_no_proxy() -> None:
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    async with listening(rude) as port:
        error = await refused(EsmtpSettings(host="mail.example.org", proxy=Secret(f"http://127.0.0.1:{port}")))
        assert error.code.startswith("connect.")


@pytest.mark.parametrize("url", ["ftp://ada:hunter2@proxy:21", "socks5://", "http://proxy:notaport", "nonsense"])
async def test_a_proxy_url_from_a_reference_is_checked_when_it_is_used(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PROXY", url)
    settings = EsmtpSettings(host="mail.example.org", proxy=Secret("env:TEST_PROXY"))
    with pytest.raises(ConfigurationError) as caught:
        await Opening(settings, Credential(), Security.NEVER).open()
    assert caught.value.code == "connect.proxy-url"
    assert "hunter2" not in str(caught.value)
