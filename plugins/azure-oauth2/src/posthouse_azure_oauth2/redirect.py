"""The page on this machine to which the browser comes back after a sign-in."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from posthouse.errors import AuthenticationError, ConfigurationError

__all__ = ["RedirectReceiver"]

_MOST_BYTES = 65536
_PATIENCE_SECONDS = 10.0
"""For a browser that opens a connection and says nothing."""

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
    "Connection": "close",
}


class RedirectReceiver:
    """Listens at a redirect URI of this machine until the browser comes back; use it with ``async with``.

    Args:
        redirect_uri: as registered, ``http://localhost:5000/``; only its own path is answered.

    Raises:
        ConfigurationError: the redirect URI is not on this machine (``login.redirect-uri``).
    """

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        if parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ConfigurationError(
                f"The redirect URI {redirect_uri} does not lead to this machine, so no browser can come back here.",
                code="login.redirect-uri",
                hint="Sign in from the program that it belongs to, use --device, or register http://localhost:5000/.",
            )
        self._host = parts.hostname
        self._port = parts.port or 80
        self._path = parts.path or "/"
        self._servers: list[_Server] = []
        self._answer: asyncio.Future[dict[str, str]]

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        try:
            self._open("127.0.0.1" if self._host == "localhost" else self._host)
            if self._host == "localhost" and socket.has_ipv6:
                self._open_second("::1")  # some browsers try this one first
        except OSError as error:
            await self.__aexit__()
            raise AuthenticationError(
                f"Port {self._port} of this machine cannot be used for the sign-in: {error.strerror or error}.",
                code="authentication.redirect-port",
                hint="Stop the program that uses it, use --device, or register a redirect URI with another port.",
            ) from error
        return self

    async def __aexit__(self, *exception: object) -> None:
        for server in self._servers:
            await asyncio.to_thread(server.stop)
        self._servers.clear()

    def expect(self, state: str) -> None:
        """Take what the browser brings back for this ``state``; whatever else comes is turned away."""
        for server in self._servers:
            server.state = state

    async def wait(self, seconds: float) -> dict[str, str]:
        """Return what the browser brought back.

        Raises:
            AuthenticationError: nobody came in time (``authentication.login-expired``).
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except TimeoutError as error:
            raise AuthenticationError(
                "Nobody finished the sign-in in the browser in time.",
                code="authentication.login-expired",
                hint="Begin it again.",
            ) from error

    def _open(self, address: str) -> None:
        loop = asyncio.get_running_loop()

        def deliver(parameters: dict[str, str]) -> None:
            loop.call_soon_threadsafe(self._take, parameters)

        self._servers.append(_Server(address, self._port, self._path, deliver))

    def _take(self, parameters: dict[str, str]) -> None:
        if not self._answer.done():
            self._answer.set_result(parameters)

    def _open_second(self, address: str) -> None:
        try:
            self._open(address)
        except OSError:
            return  # no IPv6 on this machine


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let another program take the port over

    def __init__(self, address: str, port: int, path: str, deliver: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.path, self.deliver, self.state = path, deliver, ""
        super().__init__((address, port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="posthouse-redirect", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_SECONDS

    def do_GET(self) -> None:
        self._receive(urlsplit(self.path).query)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else 0
        if size > _MOST_BYTES:
            self._reply(413, "Too much", "That is no answer to a sign-in.")
            return
        self._receive(self.rfile.read(size).decode("utf-8", "replace"))

    def _receive(self, text: str) -> None:
        if urlsplit(self.path).path != self.server.path:
            self._reply(404, "Not found", "There is nothing here.")
            return
        parameters = dict(parse_qsl(text, keep_blank_values=True))
        if not self.server.state or parameters.get("state") != self.server.state:
            self._reply(400, "Not this one", "This page belongs to another sign-in, or to none.")
            return
        self._reply(200, "Thank you", "Posthouse goes on in the window where you began. You can close this page.")
        self.server.deliver(parameters)

    def _reply(self, status: int, title: str, text: str) -> None:
        page = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
            f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p></body></html>"
        ).encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's word
        """Log nothing: the address holds the code."""
