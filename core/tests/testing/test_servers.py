"""The kit's own servers do what they are told, and nothing is left of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from posthouse.testing import HttpAnswer, HttpRequest, HttpServer, TcpServer
from posthouse.testing.http import Trouble
from posthouse.testing.tcp import babble, hang_up, reset, stay_silent

POST = b"POST /a?b HTTP/1.1\r\nX-Name: one\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
GET = b"GET / HTTP/1.1\r\n\r\n"


async def exchange(host: str, port: int, sent: bytes, *, until: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(sent)
        async with asyncio.timeout(10):
            return await (reader.readuntil(until) if until else reader.read())
    finally:
        writer.close()


async def ask(server: HttpServer, sent: bytes, *, until: bytes = b"") -> bytes:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return await exchange(host, int(port), sent, until=until)


async def test_an_http_server_answers_what_it_is_asked() -> None:
    async def answer(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(201, request.body[::-1], {"X-Name": request.headers["x-name"]})

    async with HttpServer(answer) as server:
        answered = await ask(server, POST, until=b"edcba")
    assert answered == b"HTTP/1.1 201 Created\r\nX-Name: one\r\nContent-Length: 5\r\n\r\nedcba"
    assert [(one.method, one.path, one.body) for one in server.requests] == [("POST", "/a?b", b"abcde")]


async def test_it_serves_several_requests_on_one_connection() -> None:
    async with HttpServer(lambda request: HttpAnswer(200, b"x")) as server:
        answered = await ask(server, GET * 2, until=b"x" + HttpAnswer(200, b"x").encode())
    assert answered.count(b"200 OK") == 2


async def test_without_an_answer_everything_is_not_found() -> None:
    async with HttpServer() as server:
        assert b" 404 Not Found" in await ask(server, GET, until=b"\r\n\r\n")


@pytest.mark.parametrize(
    ("trouble", "sees", "worked"),
    [
        (Trouble.DROP, lambda seen: seen == b"", 0),
        (Trouble.GARBAGE, lambda seen: b"garbage" in seen, 0),
        (Trouble.HALF, lambda seen: seen.startswith(b"HTTP/1.1 200") and not seen.endswith(b"whole"), 1),
    ],
)
async def test_it_misbehaves(trouble: Trouble, sees: Callable[[bytes], bool], worked: int) -> None:
    async with HttpServer(lambda request: HttpAnswer(200, b"whole")) as server:
        server.trouble = trouble
        assert sees(await ask(server, GET))
    assert len(server.requests) == worked


async def test_it_loses_the_answer_and_not_the_work() -> None:
    async with HttpServer(lambda request: HttpAnswer()) as server:
        server.trouble = Trouble.LOSE
        with pytest.raises(ConnectionResetError):
            await ask(server, GET)
    assert len(server.requests) == 1


async def test_it_answers_slowly() -> None:
    async with HttpServer(lambda request: HttpAnswer(200, b"slow")) as server:
        server.trouble = Trouble.SLOW
        assert (await ask(server, GET, until=b"slow")).startswith(b"HTTP/1.1 200 OK")


async def test_it_hangs_and_says_so() -> None:
    async with HttpServer() as server:
        server.trouble = Trouble.HANG
        asking = asyncio.create_task(ask(server, GET))
        await asyncio.wait_for(server.held.wait(), 10)
        assert not asking.done()
    assert await asking == b""


async def test_trouble_is_for_some_paths() -> None:
    async with HttpServer(lambda request: HttpAnswer(200, b"fine")) as server:
        server.trouble, server.troubled = HttpAnswer(503), "/send"
        assert b"fine" in await ask(server, GET, until=b"fine")
        assert b" 503 " in await ask(server, GET.replace(b"/ ", b"/send "), until=b"\r\n\r\n")


async def test_a_server_hangs_up() -> None:
    async with TcpServer(hang_up) as server:
        assert await exchange(server.host, server.port, b"") == b""
        assert server.clients == 1


async def test_a_server_babbles() -> None:
    async with TcpServer(babble) as server:
        assert await exchange(server.host, server.port, b"", until=b"garbage")


async def test_a_server_resets() -> None:
    async with TcpServer(reset) as server:
        with pytest.raises(ConnectionResetError):
            await exchange(server.host, server.port, b"x")


async def test_a_server_stays_silent_until_it_is_closed() -> None:
    async with TcpServer() as server:
        assert server.talk is stay_silent
        asking = asyncio.create_task(exchange(server.host, server.port, b"hello?"))
        while not server.clients:  # noqa: ASYNC110 - it counts, and has no event
            await asyncio.sleep(0)
        assert not asking.done()
    await asyncio.wait([asking], timeout=10)
    assert asking.done()
    assert isinstance(asking.exception(), ConnectionResetError) or asking.result() == b""


async def test_a_mistake_in_a_talk_is_told() -> None:
    async def mistaken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with TcpServer(mistaken) as server:
            await exchange(server.host, server.port, b"")
