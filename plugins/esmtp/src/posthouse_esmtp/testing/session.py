"""One conversation with a client: what a correct server does, bent by the script where it says so, all recorded."""

from __future__ import annotations

import asyncio
import base64
import binascii
import socket
from typing import TYPE_CHECKING

from attrs import Factory, define

from posthouse_esmtp.testing.actions import Script
from posthouse_esmtp.testing.player import Player, nothing, terminated
from posthouse_esmtp.testing.sasl_server import EXCHANGES, Exchange
from posthouse_esmtp.testing.wire import Ended, Wire

if TYPE_CHECKING:
    from posthouse_esmtp.testing.server import ScriptedServer

__all__ = ["Session", "Transaction"]


@define
class Transaction:
    """One message as it came over the wire.

    Attributes:
        sender: the MAIL command's arguments, after ``FROM:``.
        recipients: the arguments of each RCPT that was not refused, after ``TO:``.
        wire: everything between the 354 and the final ``CRLF . CRLF``, dots still stuffed; with BDAT, all chunks.
        content: the same as the recipient would get it.
        chunks: what each BDAT carried.
        code: how the content was answered; None if it was not.
    """

    sender: bytes
    recipients: list[bytes] = Factory(list)
    wire: bytes = b""
    content: bytes = b""
    chunks: list[bytes] = Factory(list)
    code: int | None = None


class Session:
    """What one client did, byte for byte.

    Attributes:
        number: position among the server's connections, from 0.
        commands: the command lines without CRLF, responses to 334 included, in order.
        messages: transactions whose content arrived completely.
        encrypted: True once TLS is on.
        plain_bytes: how many of the received bytes came unencrypted.
        injected: what the client sent after STARTTLS without waiting for the answer; never treated as encrypted.
        tls_error: why the handshake failed, if it did.
        user: who signed in with a right password; empty if nobody did.
    """

    def __init__(self, server: ScriptedServer, number: int, script: Script) -> None:
        self.number = number
        self.commands: list[bytes] = []
        self.messages: list[Transaction] = []
        self.encrypted = False
        self.plain_bytes = 0
        self.injected = b""
        self.tls_error: OSError | None = None
        self.user = ""
        self._server = server
        self._wire = Wire()
        self._player = Player(script, self, self._wire)
        self._transaction: Transaction | None = None

    @property
    def received(self) -> bytes:
        """Everything that arrived, after decryption."""
        return bytes(self._wire.received)

    @property
    def verbs(self) -> list[str]:
        """The first word of each command, in upper case."""
        return [_verb(command) for command in self.commands]

    def say(self, data: bytes) -> None:
        """Send a reply now, whatever the conversation is at: out of turn, a 421 at any moment."""
        self._player.send(terminated(data))

    def reset(self) -> None:
        """Close with a TCP reset now."""
        self._wire.reset()

    async def closed(self) -> None:
        """Return when the connection is closed."""
        await self._wire.closed.wait()

    async def open(self, connection: socket.socket) -> None:
        """Take over an accepted connection."""
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._wire, connection)

    async def abort(self) -> None:
        """Close at once, and return when everything is freed."""
        self._wire.transport.abort()
        await self._wire.closed.wait()

    # --- the conversation ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Hold the conversation to its end."""
        try:
            if self._server.implicit_tls:
                await self._start_tls()
            self._wire.transport.resume_reading()
            await self._player.answer("CONNECT", b"220 scripted.example ESMTP ready")
            while True:
                command = await self._wire.line()
                self.commands.append(command)
                await self._command(command)
        except Ended:
            self._wire.transport.close()
        except Exception:  # a mistake in the test, which is told when the server is left
            self._wire.transport.abort()
            raise
        finally:
            if not self.encrypted:
                self.plain_bytes = len(self._wire.received)

    async def _command(self, command: bytes) -> None:
        verb, _, argument = command.partition(b" ")
        handler = {
            "EHLO": self._ehlo,
            "HELO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "BDAT": self._bdat,
            "RSET": self._rset,
            "QUIT": self._quit,
        }.get(_verb(verb))
        if handler is not None:
            await handler(argument)
        else:
            known = _verb(verb) in ("NOOP", "VRFY", "HELP")
            await self._player.answer(_verb(verb), b"250 2.0.0 ok" if known else b"502 5.5.1 command not known")

    async def _ehlo(self, argument: bytes) -> None:
        if self.commands[-1][:4].upper() == b"HELO":
            await self._player.answer("HELO", b"250 scripted.example")
            return
        lines = [b"scripted.example", *self._server.offers_to(self)]
        await self._player.answer("EHLO", b"\n".join([b"250-" + line for line in lines[:-1]] + [b"250 " + lines[-1]]))

    async def _starttls(self, argument: bytes) -> None:
        offered = self._server.tls is not None and not self.encrypted
        if await self._player.answer("STARTTLS", b"220 2.0.0 go ahead" if offered else b"502 5.5.1 not offered") == 220:
            self.injected = self._wire.rest()
            await self._start_tls()

    async def _start_tls(self) -> None:
        await self._player.perform("TLS", self._handshake)

    async def _handshake(self) -> None:
        context = self._server.tls
        assert context is not None, "the server was given no TLS context"
        self.plain_bytes = len(self._wire.received)
        try:
            await self._wire.start_tls(context)
        except OSError as error:
            self.tls_error = error
            raise Ended from error
        self.encrypted = True

    async def _auth(self, argument: bytes) -> None:
        mechanism, _, initial = argument.partition(b" ")
        exchange = None
        reply = b"504 5.5.4 mechanism not offered"
        if mechanism.decode("ascii", "replace").upper() in self._server.auth:
            exchange = EXCHANGES[mechanism.decode().upper()](self._server.passwords)
            reply = _challenge(next(exchange))
            if initial:
                reply = self._continue(exchange, b"" if initial == b"=" else initial)
        code = await self._player.answer("AUTH", reply)
        while code == 334:
            response = await self._wire.line()
            self.commands.append(response)
            reply = self._continue(exchange, response) if exchange else b"235 2.7.0 accepted"
            code = await self._player.answer("RESPONSE", reply)

    def _continue(self, exchange: Exchange, response: bytes) -> bytes:
        if response == b"*":
            return b"501 5.7.0 cancelled"
        try:
            return _challenge(exchange.send(base64.b64decode(response, validate=True)))
        except binascii.Error:
            return b"501 5.5.2 malformed base64"
        except StopIteration as end:
            self.user = end.value
            return b"235 2.7.0 accepted" if self.user else b"535 5.7.8 authentication credentials invalid"

    async def _mail(self, argument: bytes) -> None:
        busy = self._transaction is not None
        if (
            await self._player.answer("MAIL", b"503 5.5.1 sender already given" if busy else b"250 2.1.0 sender ok")
            == 250
        ):
            self._transaction = Transaction(argument.partition(b":")[2])

    async def _rcpt(self, argument: bytes) -> None:
        code = await self._player.answer(
            "RCPT", b"250 2.1.5 recipient ok" if self._transaction else b"503 5.5.1 MAIL first"
        )
        if code // 10 == 25 and self._transaction:
            self._transaction.recipients.append(argument.partition(b":")[2])

    async def _data(self, argument: bytes) -> None:
        ready = self._transaction is not None and self._transaction.recipients
        if await self._player.answer("DATA", b"354 go ahead" if ready else b"554 5.5.1 no valid recipients") != 354:
            return
        await self._wire.anything()
        await self._player.perform("BODY", nothing)
        transaction = self._transaction or Transaction(b"")
        transaction.wire = await self._content()
        transaction.content = _unstuffed(transaction.wire)
        await self._finish("DOT", transaction)

    async def _content(self) -> bytes:
        """Return what stands before the final dot; at the very beginning, the 354's own line end counts."""
        if await self._wire.exactly(3) == b".\r\n":
            return b""
        self._wire.position -= 3
        return (await self._wire.until(b"\r\n.\r\n"))[:-3]

    async def _bdat(self, argument: bytes) -> None:
        size, _, last = argument.partition(b" ")
        chunk = await self._wire.exactly(int(size))
        transaction = self._transaction
        if transaction is None or not transaction.recipients:
            await self._player.answer("BDAT", b"503 5.5.1 no valid recipients")
            return
        transaction.chunks.append(chunk)
        if last.upper() == b"LAST":
            transaction.wire = transaction.content = b"".join(transaction.chunks)
            await self._finish("BDAT LAST", transaction)
        else:
            await self._player.answer("BDAT", b"250 2.0.0 %d bytes taken" % len(chunk))

    async def _finish(self, moment: str, transaction: Transaction) -> None:
        self.messages.append(transaction)
        self._transaction = None
        transaction.code = await self._player.answer(
            moment, b"250 2.0.0 queued as %d.%d" % (self.number, len(self.messages))
        )

    async def _rset(self, argument: bytes) -> None:
        self._transaction = None
        await self._player.answer("RSET", b"250 2.0.0 ok")

    async def _quit(self, argument: bytes) -> None:
        if await self._player.answer("QUIT", b"221 2.0.0 bye") == 221:
            raise Ended


def _verb(command: bytes) -> str:
    return command.split(b" ", 1)[0].decode("ascii", "backslashreplace").upper()


def _challenge(data: bytes) -> bytes:
    return b"334 " + base64.b64encode(data)


def _unstuffed(wire: bytes) -> bytes:
    """Take off the dots that the client added (RFC 5321 section 4.5.2)."""
    return (b"\r\n" + wire).replace(b"\r\n..", b"\r\n.")[2:]
