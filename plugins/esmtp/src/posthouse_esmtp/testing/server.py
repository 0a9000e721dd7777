"""The scripted server: listens on a free loopback port and holds one `Session` per client."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from posthouse_esmtp.testing.actions import Script
from posthouse_esmtp.testing.session import Session, Transaction

__all__ = ["DEFAULT_OFFERS", "ScriptedServer"]

DEFAULT_OFFERS = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "CHUNKING")
"""What EHLO offers, unless told otherwise; STARTTLS and AUTH are added where they work."""


class ScriptedServer:
    """An SMTP server that is correct but for what its script says. An async context manager.

    Args:
        on: what to do when (see `posthouse_esmtp.testing.actions`); a list holds the script of the first, second, …
            connection, and the last one counts for all that follow.
        offers: EHLO lines.
        tls: the server's TLS context; offers STARTTLS, or with ``implicit_tls`` speaks TLS from the first byte.
        implicit_tls: speak TLS from the first byte.
        auth: SASL mechanisms to offer.
        passwords: user name to password or token.

    Attributes:
        host: where it listens.
        port: where it listens.
        sessions: one per connection, in the order they came.
    """

    def __init__(
        self,
        *,
        on: Script | Sequence[Script] = (),
        offers: Sequence[str] = DEFAULT_OFFERS,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        auth: Sequence[str] = (),
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.auth = tuple(auth)
        self.passwords = dict(passwords or {})
        self.sessions: list[Session] = []
        self._scripts: Sequence[Script] = [on] if isinstance(on, Mapping) else list(on) or [{}]
        self._offers = tuple(offers)
        self._listener = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY on these only
        self._tasks: set[asyncio.Task[None]] = set()
        self._arrival = asyncio.Condition()

    @property
    def messages(self) -> list[Transaction]:
        """Every message whose content arrived completely, on whichever connection."""
        return [message for session in self.sessions for message in session.messages]

    def offers_to(self, session: Session) -> list[bytes]:
        """Return the EHLO lines for a session as it stands."""
        lines = list(self._offers)
        if self.tls is not None and not session.encrypted:
            lines.append("STARTTLS")
        if self.auth:
            lines.append(f"AUTH {' '.join(self.auth)}")
        return [line.encode() for line in lines]

    async def session(self, number: int = 0) -> Session:
        """Return the session with this number, as soon as that client has connected."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: len(self.sessions) > number)
        return self.sessions[number]

    async def __aenter__(self) -> Self:
        self._listener.setblocking(False)
        self._listener.bind((self.host, 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        self._tasks.add(asyncio.create_task(self._accept()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(session.abort() for session in self.sessions))
        self._listener.close()
        failures = [result for result in results if isinstance(result, Exception)]
        if failures and error is None:
            raise failures[0]

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            number = len(self.sessions)
            session = Session(self, number, self._scripts[min(number, len(self._scripts) - 1)])
            await session.open(connection)
            async with self._arrival:
                self.sessions.append(session)
                self._arrival.notify_all()
            self._tasks.add(asyncio.create_task(session.run()))
