"""A web application behind TLS on a free loopback port."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from ssl import SSLContext
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from posthouse_sandbox.certificates import ServerCertificate
from posthouse_sandbox.doors import AccountSettings, Premises, SignIn
from posthouse_sandbox.listening import HANDSHAKE_SECONDS, HOST, Listener

__all__ = ["CONNECTION", "CUT", "TLS_VERSION", "WebDoor"]

KEEP_ALIVE_SECONDS = 60

CUT = "posthouse.cut"
"""The ASGI extension that cuts a connection: a function without arguments."""

CONNECTION = "posthouse.connection"
"""The ASGI extension that keeps what is known of the connection, from one request on it to the next: a dictionary."""

TLS_VERSION = "posthouse.tls"
"""The ASGI extension that says how the connection is encrypted: a text such as ``"TLSv1.3"``, None without."""


class WebDoor(ABC):
    """A web application as a door of the sandbox: HTTPS with a certificate of its authority, or plain HTTP.

    A subclass says what it is in ``kind``, makes the application, and describes the accounts that fit.

    Args:
        name: of the door; it also begins the names of its accounts.
        certificate: which certificate it shows; None for plain HTTP.

    Attributes:
        kind: the kind of transport that fits, or what the service is called where none does.
        host: the address it listens on; its certificate is valid for this and for ``localhost``.
        security: how it is encrypted, in words.
        mechanisms: how users sign in.
    """

    kind = "web"
    host = HOST
    security = "TLS"
    mechanisms: tuple[str, ...] = ()

    def __init__(self, name: str, *, certificate: ServerCertificate | str | None = ServerCertificate.VALID) -> None:
        self.name = name
        self._certificate = certificate
        self._listener = Listener(name, self._converse)
        self._config: Config | None = None
        self._context: SSLContext | None = None
        self._state = ServerState()

    @abstractmethod
    def application(self, premises: Premises) -> ASGIApp:
        """Make the application; called each time the door opens, when ``url`` is known already."""

    def accounts(self) -> Iterator[AccountSettings]:
        """Describe each way to send through it; none unless a subclass says so."""
        return iter(())

    def sign_ins(self) -> Iterator[SignIn]:
        """Describe the ways to sign in that it makes possible; none unless a subclass says so."""
        return iter(())

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: the door is not open.
        """
        return self._listener.port

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end: ``https://localhost:PORT``, or ``http://…`` without encryption.

        Raises:
            RuntimeError: the door is not open.
        """
        return f"http{'s' if self._certificate else ''}://localhost:{self.port}"

    async def open(self, premises: Premises) -> None:
        """Listen on a free port of the loopback interface.

        Raises:
            OSError: there is no free port.
        """
        if self._certificate:
            self._context = premises.authority.server_context(self._certificate)
        self._state = ServerState()
        self._listener.open()
        self._config = Config(
            self.application(premises),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )

    async def close(self) -> None:
        """Stop listening, and end the requests that are under way."""
        await self._listener.close()
        tasks = tuple(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _converse(self, connection: socket.socket) -> None:
        # uvicorn's protocol without its server: that one takes over the signal handlers of the program, and polls.
        assert self._config is not None
        config, state = self._config, self._state
        conversation: _Conversation
        transport, conversation = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: _Conversation(config, state, {}),
            connection,
            ssl=self._context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if self._context else None,
        )
        try:
            await conversation.closed.wait()
        except asyncio.CancelledError:
            transport.abort()
            await conversation.closed.wait()
            raise


class _Conversation(H11Protocol):
    """HTTP/1.1 with one client; tells when the connection is closed."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self.closed = asyncio.Event()
        self._memory: dict[str, Any] = {}
        self._application = self.app
        self.app = self._run

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        tls = self.transport.get_extra_info("ssl_object")
        scope["extensions"] = {
            CUT: self.transport.abort,
            TLS_VERSION: tls.version() if tls else None,
            CONNECTION: self._memory,
        }
        # A request that is under way when the door closes is cancelled, which the server would report as a failure.
        with suppress(asyncio.CancelledError):
            await self._application(scope, receive, send)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.closed.set()
