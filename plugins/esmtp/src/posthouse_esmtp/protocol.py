"""Bytes out, replies in: one SMTP connection as the event loop sees it, never out of step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from posthouse.errors import ConnectError, PosthouseError, ProtocolError, Reply, Stage
from posthouse_esmtp.answers import error_for
from posthouse_esmtp.dialogue import Dialogue
from posthouse_esmtp.replies import CLOSING, ReplyParser

__all__ = ["Wire"]

_ROOM = 16384  # octets that are read at once


class Wire(asyncio.BufferedProtocol):
    """Counts what the server owes and hands replies out in order. Used by one coroutine at a time.

    No task, future or timer belongs to a single reply: `take` waits once for a whole group, and one timer watches over
    the connection as long as somebody waits. What arrives is read into one buffer: without it the event loop asks the
    system for 256 KiB of memory each time, which takes ten times as long as reading a reply.

    Attributes:
        failure: why the connection is of no use any more; None while it is.
        premature: the reply that came when none was owed, if that was the failure.
        closing: the server's 421, if it sent one.
        stage: what is being done, for the errors that are made here.
        closed: set when the transport is gone.
        dialogue: the log of what is said; None where nobody reads it.
    """

    def __init__(self, transport: asyncio.Transport, server: str) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._room = memoryview(bytearray(_ROOM))
        self._parser = ReplyParser()
        self._arrived: list[Reply] = []
        self._owed = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = 0
        self._step: Callable[[], int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._progress = 0.0
        self._limit = 0.0
        self.failure: PosthouseError | None = None
        self.premature: Reply | None = None
        self.closing: Reply | None = None
        self.stage = Stage.EHLO
        self.closed = asyncio.Event()
        self.dialogue = Dialogue.begin(server)

    @classmethod
    def take_over(cls, transport: asyncio.Transport, server: str) -> Wire:
        """Become the protocol of an open transport whose greeting was read.

        Args:
            transport: as aiosmtplib made it.
            server: the server, for the text of errors.
        """
        wire = cls(transport, server)
        transport.set_protocol(wire)
        if transport.is_closing():  # lost before anybody could tell
            wire.connection_lost(None)
        return wire

    @property
    def in_step(self) -> bool:
        """True if every reply was received and handed out."""
        return not (self._owed or self._arrived or self._parser.pending)

    @property
    def has_reply(self) -> bool:
        """True if a reply can be taken without waiting."""
        return bool(self._arrived)

    @property
    def paused(self) -> bool:
        """True if the network takes no more for now."""
        return self._paused

    def info(self, name: str) -> Any:
        """Return a fact about the transport, such as ``"ssl_object"`` or ``"sockname"``."""
        return self._transport.get_extra_info(name)

    # --- what the driver calls ----------------------------------------------------------------------------------------

    def write(self, data: bytes, replies: int) -> None:
        """Send ``data``, which makes the server owe that many replies more. Does nothing after a failure."""
        if self.failure is None:
            self._owed += replies
            if self.dialogue is not None:
                self.dialogue.sent(data)
            self._transport.write(data)

    async def take(self, count: int, timeout: float) -> list[Reply]:
        """Return the next replies in order.

        Args:
            count: how many; all of them must have been asked for.
            timeout: seconds to wait for each single one.

        Returns:
            The replies; fewer if the connection failed before they came. A 421 is the last one that ever comes.
        """
        arrived = self._arrived
        if len(arrived) < count and self.failure is None:
            self._wanted = count
            await self._wait(timeout)
        return self.pull(count)

    def pull(self, count: int) -> list[Reply]:
        """Return up to so many replies that have arrived."""
        taken = self._arrived[:count]
        del self._arrived[:count]
        return taken

    async def follow(self, count: int, step: Callable[[], int], timeout: float, most: float) -> None:
        """Call ``step`` as soon as ``count`` replies have arrived; nobody has to wake up for that.

        Args:
            count: how many replies the first step wants.
            step: takes them by `pull`, and returns how many the next one wants; 0 for the end.
            timeout: seconds to wait for each single reply.
            most: seconds after which the caller goes on in any case.
        """
        self._wanted, self._step = count, step
        timer = self._loop.call_later(most, self._wake)
        try:
            if self._may_step():
                await self._wait(timeout)
        finally:
            timer.cancel()
            self._step = None

    async def drain(self, timeout: float) -> None:
        """Wait until the network takes more. Replies keep being read, so that neither side can block the other."""
        if self._paused and self.failure is None:
            self._wanted = 0
            await self._wait(timeout)

    async def ask(self, command: bytes, timeout: float) -> Reply:
        """Send one command line and return its reply.

        Raises:
            PosthouseError: the connection failed before the reply came.
        """
        self.write(command, 1)
        del command  # it may sign in, and a traceback shows what its frames hold
        replies = await self.take(1, timeout)
        if not replies:
            assert self.failure is not None
            raise self.failure
        return replies[0]

    def fail(self, error: PosthouseError) -> None:
        """Give the connection up at once. The first reason stays."""
        if self.failure is None:
            self.failure = error
            if self.dialogue is not None:
                self.dialogue.note(f"given up: {error.code}")
        self._transport.abort()
        self._wake()

    def hang_up(self) -> None:
        """Close the connection after a goodbye."""
        if self.failure is None:
            self.failure = ConnectError("the connection was closed", code="connect.closed", temporary=True)
        self._transport.close()

    def abort(self) -> None:
        """Let go of the transport without waiting for the server."""
        self._transport.abort()

    async def upgrade(self, context: Any, server_name: str, timeout: float) -> None:
        """Encrypt the connection (after STARTTLS was answered with 220).

        Raises:
            OSError, TimeoutError: the handshake failed, certificate errors included.
        """
        if self._transport.is_closing():  # start_tls would wait for ever
            raise ConnectionResetError("the connection was lost before the TLS handshake")
        transport = await self._loop.start_tls(
            self._transport, self, context, server_hostname=server_name, ssl_handshake_timeout=timeout
        )
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the connection was lost during the TLS handshake")
        self._transport = transport

    # --- what the event loop calls ------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where to put what arrives."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """Sort what arrived into replies that are owed; anything else is the end."""
        if self.failure is not None:
            return
        parser = self._parser
        try:
            replies = parser.feed(bytes(self._room[:nbytes]))
        except ProtocolError as error:
            self.fail(error)
            return
        if replies:
            self._progress = self._loop.time()
        if self.dialogue is None and not parser.closing and len(replies) <= self._owed:
            self._owed -= len(replies)
            self._arrived += replies
        else:
            for reply in replies:
                if self.dialogue is not None:
                    self.dialogue.received(reply)
                if not self._owed or reply.code == CLOSING:
                    self._last(reply)
                    return
                self._owed -= 1
                self._arrived.append(reply)
        if parser.error is not None:
            self.fail(parser.error)
        elif 0 < self._wanted <= len(self._arrived) and not self._may_step():
            self._wake()

    def eof_received(self) -> bool:
        """Let the transport close when the server has said its last word."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake up whoever waits for a reply that will not come."""
        if self.failure is None:
            why = f": {exc}" if exc else ""
            self.failure = ConnectError(
                f"{self._server} closed the connection{why}",
                code="connect.lost",
                stage=self.stage,
                temporary=True,
                hint="Try again; if it happens each time, the server's log says why it hung up.",
            )
            self.failure.__cause__ = exc
        if self.dialogue is not None:
            self.dialogue.note("closed")
        self._wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.closed.set()

    def pause_writing(self) -> None:
        """Note that the write buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self._paused = False
        self._progress = self._loop.time()
        if not self._wanted:
            self._wake()

    # --- waiting ------------------------------------------------------------------------------------------------------

    def _last(self, reply: Reply) -> None:
        """Take the reply after which nothing more is read: a 421, or one that nobody asked for."""
        if reply.code == CLOSING:
            self.closing = reply
            error: PosthouseError = error_for(reply, self.stage, server=self._server)
        else:
            error = ProtocolError(
                f"{self._server} spoke out of turn: {reply}",
                code="protocol.out-of-turn",
                stage=self.stage,
                reply=reply,
                hint="The server or a firewall in between breaks the protocol; `pipelining = false` may help.",
            )
        if self._owed:
            self._owed -= 1
            self._arrived.append(reply)
        else:
            self.premature = reply
        self.fail(error)

    def _may_step(self) -> bool:
        """Take as many steps as there are replies for; return True if one more may follow."""
        if self._step is None:
            return False
        while 0 < self._wanted <= len(self._arrived):
            self._wanted = self._step()
        return self._wanted > 0 and self.failure is None

    async def _wait(self, timeout: float) -> None:
        self._waiter = self._loop.create_future()
        self._progress = self._loop.time()
        self._limit = timeout
        self._watch(self._progress + timeout)
        try:
            await self._waiter
        except BaseException:
            self.fail(ConnectError("sending was cancelled", code="connect.cancelled", temporary=True))
            raise
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self, deadline: float) -> None:
        """Make sure that the one timer goes off no later than ``deadline`` (loop time)."""
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiter is None:
            return  # idle; the next wait sets it again
        deadline = self._progress + self._limit
        if self._loop.time() < deadline:
            self._watch(deadline)
            return
        self.fail(
            ConnectError(
                f"{self._server} did not answer within {self._limit:g} seconds",
                code="connect.timeout",
                stage=self.stage,
                temporary=True,
                hint="The server is slow or the connection is broken. Try again, or raise `command_timeout`.",
            )
        )
