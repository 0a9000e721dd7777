"""A small HTTP server for stand-ins, correct until told otherwise, and the peer made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from http import HTTPStatus
from types import TracebackType
from typing import Self, TypeAlias

from attrs import field, frozen

from posthouse.testing.peers import Peer
from posthouse.testing.tcp import TcpServer, reset

__all__ = ["Answer", "HttpAnswer", "HttpPeer", "HttpRequest", "HttpServer", "Trouble"]


@frozen(kw_only=True)
class HttpRequest:
    """A request as it came.

    Attributes:
        method: ``"POST"`` and the like.
        path: with the query.
        headers: names in lower case.
        body: all of it, chunks joined.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@frozen
class HttpAnswer:
    """What a request is answered with.

    Attributes:
        status: three digits.
        body: the content.
        headers: further ones; Content-Length is added.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)

    def encode(self) -> bytes:
        """Return it as it travels."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        headers = {**self.headers, "Content-Length": str(len(self.body))}
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class Trouble(Enum):
    """What can happen to a request instead of an answer."""

    HANG = "it is read, and nothing ever comes back"
    DROP = "the connection is closed, and nothing is done"
    LOSE = "the work is done, and the connection is reset in place of the answer"
    HALF = "the work is done, and the answer breaks off in the middle"
    SLOW = "the answer comes a byte at a time"
    GARBAGE = "the answer is no HTTP"


Answer: TypeAlias = Callable[[HttpRequest], "HttpAnswer | Awaitable[HttpAnswer]"]


class HttpServer:
    """An HTTP/1.1 server on a free port of the loopback interface; an async context manager.

    Args:
        answer: what a request is answered with when all is well; a function, or a coroutine function.

    Attributes:
        answer: may be set later; until then everything is 404.
        trouble: what every request meets instead: an answer, given without any work done, or a `Trouble`.
        troubled: the paths that meet it begin with this; all by default.
        requests: those that `answer` did its work for, in order.
        held: set as soon as a request hangs.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer: Answer = answer or (lambda request: HttpAnswer(404))
        self.trouble: HttpAnswer | Trouble | None = None
        self.troubled = "/"
        self.requests: list[HttpRequest] = []
        self.held = asyncio.Event()
        self._tcp = TcpServer(self._talk)

    @property
    def url(self) -> str:
        """Where it listens: ``http://127.0.0.1:40000``."""
        return f"http://{self._tcp.host}:{self._tcp.port}"

    async def __aenter__(self) -> Self:
        await self._tcp.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._tcp.__aexit__(kind, error, traceback)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            request = await _request(head, reader)
            trouble = self.trouble if request.path.startswith(self.troubled) else None
            if isinstance(trouble, HttpAnswer):
                writer.write(trouble.encode())
            elif not await self._meet(trouble, request, reader, writer):
                return
            await writer.drain()

    async def _meet(
        self,
        trouble: Trouble | None,
        request: HttpRequest,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Do to a request what is due, and tell whether the connection lives on."""
        match trouble:
            case Trouble.HANG:
                self.held.set()
                await reader.read()  # until the client has enough
                return False
            case Trouble.DROP:
                return False
            case Trouble.GARBAGE:
                writer.write(b"\x00\xff\xfe garbage \x80\x81\r\n\r\n")
                return False
        answer = (await self._work(request)).encode()
        match trouble:
            case Trouble.LOSE:
                await reset(reader, writer)
            case Trouble.HALF:
                writer.write(answer[: len(answer) // 2])
            case Trouble.SLOW:
                for byte in answer:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
            case None:
                writer.write(answer)
        return trouble in (None, Trouble.SLOW)

    async def _work(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        answer = self.answer(request)
        return answer if isinstance(answer, HttpAnswer) else await answer


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return request line and headers; nothing if the client has closed."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def _request(head: bytes, reader: asyncio.StreamReader) -> HttpRequest:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return HttpRequest(method=method, path=path, headers=headers, body=body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Return a chunked body (RFC 9112 section 7.1)."""
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers
    return body


class HttpPeer(Peer):
    """A peer made of an `HttpServer`: answers the usual status codes when it misbehaves.

    Override what your API does differently: most APIs have error codes of their own in the body.

    Args:
        server: the server; `HttpServer.answer` is the API as it should be.
    """

    def __init__(self, server: HttpServer) -> None:
        self.server = server

    async def refuse_sign_in(self) -> None:
        """Answer 401."""
        self.server.trouble = HttpAnswer(401)

    async def throttle(self, seconds: int) -> None:
        """Answer 429 with Retry-After."""
        self.server.trouble = HttpAnswer(429, headers={"Retry-After": str(seconds)})

    async def fail_for_a_while(self) -> None:
        """Answer 503."""
        self.server.trouble = HttpAnswer(503)

    async def fail_for_good(self) -> None:
        """Answer 400."""
        self.server.trouble = HttpAnswer(400)

    async def refuse_size(self) -> None:
        """Answer 413."""
        self.server.trouble = HttpAnswer(413)

    async def break_after_content(self) -> None:
        """Do the work, and reset the connection in place of the answer."""
        self.server.trouble = Trouble.LOSE

    async def hang(self) -> None:
        """Read each request, and never answer."""
        self.server.trouble = Trouble.HANG

    async def held(self) -> None:
        """Return as soon as a request that hangs has arrived."""
        await self.server.held.wait()
