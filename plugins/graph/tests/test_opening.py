"""From settings to a client: files, and proxies that are really passed through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest

from posthouse.errors import AuthenticationError, ConfigurationError, ConnectError
from posthouse.messages import Message
from posthouse.secrets import Secret

from .conftest import ANNA, Office, submission

PLAIN = Message(sender=ANNA, to="bob@example.org", subject="Hi", text=".")


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def proxy(answer: bytes = b"200 OK") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that connects (RFC 9110 section 9.3.6), or refuses to."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 %b\r\n\r\n" % answer)
        await writer.drain()
        if not answer.startswith(b"200"):
            writer.close()
            return
        host, port = seen[0].split()[1].decode().split(":")
        onward, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, back), pump(onward, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"127.0.0.1:{port}", seen


@asynccontextmanager
async def socks_proxy() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that connects to names (RFC 1928) for whoever has the password (RFC 1929)."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(2))[1])
        writer.write(b"\x05\x02")
        for _ in range(2):  # version and user name, password
            length = (await reader.readexactly(2 if not seen else 1))[-1]
            seen.append(await reader.readexactly(length))
        writer.write(b"\x01\x00")
        *_, length = await reader.readexactly(5)
        seen.append(await reader.readexactly(length))
        port = int.from_bytes(await reader.readexactly(2), "big")
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        onward, back = await asyncio.open_connection(seen[-1].decode(), port)
        await asyncio.gather(pump(reader, back), pump(onward, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def test_goes_through_a_socks_proxy_that_looks_the_name_up(office: Office) -> None:
    async with socks_proxy() as (address, seen):
        connection = await office.connect(proxy=Secret.literal(f"socks5://ada:geheim@{address}"))
        delivery = await connection.send(submission(PLAIN))
        await connection.close()
    assert delivery.error is None
    assert seen == [b"ada", b"geheim", b"localhost"]


async def test_goes_through_a_proxy_with_a_password(office: Office) -> None:
    async with proxy() as (address, seen):
        connection = await office.connect(proxy=Secret.literal(f"http://ada:geheim@{address}"))
        delivery = await connection.send(submission(PLAIN))
        await connection.close()
    assert delivery.error is None
    assert seen[0].startswith(b"CONNECT localhost:")
    assert b"\r\nProxy-Authorization: Basic YWRhOmdlaGVpbQ==\r\n" in seen[0]
    assert b"\r\nauthorization:" not in seen[0].lower().replace(b"proxy-authorization", b"")
    assert len(office.received) == 1


async def test_a_proxy_that_refuses(office: Office) -> None:
    async with proxy(b"407 Proxy Authentication Required") as (address, _):
        delivery = await office.send(PLAIN, proxy=Secret.literal(f"http://ada:geheim@{address}"))
    assert delivery.untouched
    assert isinstance(delivery.error, ConnectError)
    assert delivery.error.code == "connect.proxy-refused"
    assert "geheim" not in str(delivery.error) + repr(delivery.error.details)


async def test_a_file_of_authorities_that_cannot_be_used(office: Office, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(ConfigurationError) as caught:
            await office.connect(ca_file=path)
        assert caught.value.code == "tls.ca-file"
        assert caught.value.hint


async def test_a_reference_that_stands_for_no_proxy(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PROXY", "proxy.example:8080")
    with pytest.raises(ConfigurationError) as caught:
        await office.connect(proxy=Secret("env:MY_PROXY"))
    assert caught.value.code == "configuration.proxy"


@pytest.mark.parametrize(
    "secret", [None, Secret.literal(""), Secret.literal("geheim\r\nX: y"), Secret.literal("gehäim")]
)
async def test_what_is_no_token_never_reaches_a_header(office: Office, secret: Secret | None) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await office.connect(attrs.evolve(office.credential(), secret=secret))
    assert caught.value.code == "authentication.token"
    assert "geh" not in str(caught.value)
