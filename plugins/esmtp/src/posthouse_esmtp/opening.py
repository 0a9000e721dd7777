"""From nothing to a connection that is ready to send, step by step.

aiosmtplib connects, does the handshake of implicit TLS and reads the greeting; from then on the connection is a `Wire`,
which notices what must not be overlooked: a server that speaks out of turn, and bytes injected before STARTTLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

import aiosmtplib
import attrs

from posthouse.errors import ConnectError, PosthouseError, ProtocolError, Reply, Stage, TlsError
from posthouse.providers import Credential, CredentialKind
from posthouse.tls.trust import Trust
from posthouse_esmtp import network, sasl
from posthouse_esmtp.answers import error_for
from posthouse_esmtp.connection import EsmtpConnection
from posthouse_esmtp.ehlo import ehlo_name
from posthouse_esmtp.envelope import Terms
from posthouse_esmtp.protocol import Wire
from posthouse_esmtp.replies import ServerOffers, parse_ehlo, split_enhanced
from posthouse_esmtp.sasl.exchange import Exchange
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.translate import translated

if TYPE_CHECKING:
    import socket

__all__ = ["Opening"]


class Opening:
    """Opens one connection.

    Args:
        settings: where to, and how.
        credential: how to sign in.
        security: how to encrypt.

    Attributes:
        addresses: what the server's name stands for; empty with a proxy.
        peer: the address that answered: the server's, or the proxy's.
        greeting: the server's first words.
        wire: the connection, once the server has greeted.
        offers: what the server offers on the connection as it is now.
        trust: how the server proves who it is; None before encryption begins.
        authentication: the SASL mechanism that was used, or ``"none"``.
        fallback: why the connection is in plain text although encryption was offered.
        notes: what the sender should know.
    """

    def __init__(self, settings: EsmtpSettings, credential: Credential, security: Security) -> None:
        self._settings = settings
        self._credential = credential
        self._security = security
        self._server = f"{settings.host}:{settings.port}"
        self._deadline = 0.0
        self._socket: socket.socket | None = None
        self.authentication = "none"
        self.peer = ""
        self.addresses: list[network.AddressInfo] = []
        self.greeting = Reply(0)
        self.wire: Wire | None = None
        self.offers = ServerOffers()
        self.trust: Trust | None = None
        self.fallback: TlsError | None = None
        self.notes: tuple[str, ...] = ()

    async def open(self) -> EsmtpConnection:
        """Take all steps.

        Raises:
            ConnectError, TlsError, AuthenticationError, ProtocolError, RefusedError, ThrottledError: it did not work;
                the connection is closed.
            ConfigurationError: a file or URL that the settings name cannot be used.
        """
        async for _ in self.steps():
            pass
        return self.connection()

    async def steps(self) -> AsyncGenerator[Stage, None]:
        """Take the steps one by one; yield each one's stage when it is done."""
        try:
            async for stage in self._begin():
                yield stage
            if self._security is not Security.TLS:
                async for stage in self._upgrade():
                    yield stage
            if self._credential.kind is not CredentialKind.NONE:
                await self._sign_in()
                yield Stage.AUTHENTICATION
        except BaseException as error:
            if self._socket is not None:
                self._socket.close()
            if self.wire is not None:
                self.wire.fail(error if isinstance(error, PosthouseError) else _given_up())
            raise

    def connection(self) -> EsmtpConnection:
        """Return the open connection."""
        wire = self._open_wire
        verified = self.trust is not None and self.trust.verified
        return EsmtpConnection(
            wire,
            Terms.of(self.offers, self._settings, verified=verified),
            timeout=self._settings.command_timeout,
            server=self._server,
            authentication=self.authentication,
            notes=self.notes,
        )

    @property
    def _open_wire(self) -> Wire:
        assert self.wire is not None, "the server has not greeted yet"
        return self.wire

    # --- connect and greeting -----------------------------------------------------------------------------------------

    async def _begin(self) -> AsyncIterator[Stage]:
        """Look up, connect, read the greeting, say hello."""
        settings = self._settings
        self._deadline = asyncio.get_running_loop().time() + settings.timeout
        if self._security is Security.TLS:
            self.trust = await asyncio.to_thread(Trust.of, settings, oldest=settings.tls_min)
        if settings.proxy is None:
            with translated(Stage.RESOLVE, host=settings.host, port=settings.port):
                async with asyncio.timeout_at(self._deadline):
                    self.addresses = await network.lookup(settings)
            yield Stage.RESOLVE
        with translated(Stage.CONNECT, host=settings.host, port=settings.port):
            async with asyncio.timeout_at(self._deadline):
                self._socket = await network.connect(settings, self.addresses)
        self.peer = self._socket.getpeername()[0]
        yield Stage.CONNECT
        await self._greet()
        if self._security is Security.TLS:
            yield Stage.TLS
        yield Stage.GREETING
        await self._hello()
        yield Stage.EHLO

    async def _greet(self) -> None:
        """Let aiosmtplib shake hands, where TLS comes first, and read the greeting; then take the connection over."""
        trust = self.trust
        client = aiosmtplib.SMTP(
            hostname=self._certified_name if trust else self._settings.host,
            sock=self._socket,
            use_tls=trust is not None,
            tls_context=trust.context if trust else None,
            start_tls=False,
            local_hostname="localhost",  # never said: EHLO is ours; it only spares a look-up
            timeout=None,  # the time is kept here: asyncio.wait_for can lose a cancellation (Python 3.11)
        )
        greeting = await self._first_words(client)
        self.greeting = Reply(greeting.code, *split_enhanced(greeting.code, greeting.message))
        self.wire = Wire.take_over(cast(asyncio.Transport, client.transport), self._server)
        self._socket = None
        self._log(f"connected to {self.peer}, {self.greeting}")
        if trust is not None:
            self._check_trust(trust)

    async def _first_words(self, client: aiosmtplib.SMTP) -> aiosmtplib.SMTPResponse:
        connecting = asyncio.ensure_future(client.connect())
        stage = Stage.GREETING
        try:
            await asyncio.wait({connecting}, timeout=self._deadline - asyncio.get_running_loop().time())
            if self.trust is not None and (
                _in_handshake(connecting) if connecting.done() else client.transport is None
            ):
                stage = Stage.TLS
        finally:
            if not connecting.done():
                connecting.cancel()
                await asyncio.wait({connecting})
        with translated(stage, host=self._settings.host, port=self._settings.port):
            if connecting.cancelled():
                raise TimeoutError
            return connecting.result()

    async def _hello(self) -> None:
        """Say EHLO, or HELO to a server that does not know it (RFC 5321 section 3.2)."""
        wire = self._open_wire
        wire.stage = Stage.EHLO
        name, note = await ehlo_name(self._settings, wire.info("sockname")[0])
        if note and note not in self.notes:
            self.notes += (note,)
        reply = await self._ask(b"EHLO " + name.encode("ascii"))
        if reply.code >= 500:
            reply = await self._ask(b"HELO " + name.encode("ascii"))
        if reply.code != 250:
            raise error_for(reply, Stage.EHLO, server=self._server)
        self.offers = parse_ehlo(reply)

    def _ask(self, command: bytes) -> Awaitable[Reply]:  # no coroutine: its frame would hold what signs in
        return self._open_wire.ask(command + b"\r\n", self._settings.command_timeout)

    # --- STARTTLS -----------------------------------------------------------------------------------------------------

    async def _upgrade(self) -> AsyncIterator[Stage]:
        if self._security is Security.NEVER or not self.offers.offers("STARTTLS"):
            if self._security is Security.STARTTLS:
                raise _not_offered(self._server)
            yield Stage.TLS
            return
        try:
            await self._starttls()
        except TlsError as error:
            if not self._may_fall_back(error):
                raise
            self.fallback = error
            self.trust = None
            self.notes += (f"sent in plain text, since encryption failed: {error.message}",)
            yield Stage.TLS
            async for stage in self._begin():
                yield stage
        else:
            yield Stage.TLS
            await self._hello()
            yield Stage.EHLO

    async def _starttls(self) -> None:
        """Encrypt the connection (RFC 3207); what the server said before is forgotten."""
        wire, settings = self._open_wire, self._settings
        trust = await asyncio.to_thread(Trust.of, settings, oldest=settings.tls_min)
        wire.stage = Stage.TLS
        reply = await self._ask(b"STARTTLS")
        if reply.code != 220:
            raise error_for(reply, Stage.TLS, server=self._server)
        if not wire.in_step or wire.premature or isinstance(wire.failure, ProtocolError):
            raise _injected(self._server)
        self.offers = ServerOffers()
        with translated(Stage.TLS, host=settings.host, port=settings.port):
            await wire.upgrade(trust.context, self._certified_name, settings.timeout)
        self.trust = trust
        self._check_trust(trust)

    @property
    def _certified_name(self) -> str:
        return self._settings.server_name or self._settings.host

    def _check_trust(self, trust: Trust) -> None:
        ssl_object = self._open_wire.info("ssl_object")
        trust.check(ssl_object)
        self._log(f"encrypted with {ssl_object.version()}, {ssl_object.cipher()[0]}")

    def _log(self, text: str) -> None:
        if self._open_wire.dialogue is not None:
            self._open_wire.dialogue.note(text)

    def _may_fall_back(self, error: TlsError) -> bool:
        """Return True if plain text is good enough. Never for a sign-in, nor where somebody tampers with the line."""
        self._open_wire.fail(error)
        if self._security is not Security.IF_OFFERED or error.code in ("tls.starttls-injection", "tls.fingerprint"):
            return False
        if self._credential.kind is not CredentialKind.NONE:
            error.hint = f"{error.hint} A sign-in never goes over the plain-text fallback.".lstrip()
            return False
        return True

    # --- AUTH ---------------------------------------------------------------------------------------------------------

    async def _sign_in(self) -> None:
        """Authenticate (RFC 4954). The mechanism works in a thread: it may read a keyring, and SCRAM computes."""
        wire = self._open_wire
        wire.stage = Stage.AUTHENTICATION
        mechanism = sasl.choose(
            self.offers.auth,
            self._credential,
            encrypted=self.trust is not None,
            loopback=not self._settings.proxy and ip_address(self.peer.partition("%")[0]).is_loopback,
            allowed=self._settings.auth_mechanisms,
            allow_plaintext=self._settings.allow_plaintext_auth,
        )
        exchange = Exchange(mechanism, self._credential.secret)
        reply = await self._ask(await asyncio.to_thread(exchange.begin))
        while reply.code == 334:
            reply = await self._ask(await asyncio.to_thread(exchange.respond, reply))
        if reply.code != 235:
            words = await asyncio.to_thread(exchange.without_what_was_said, reply.text)
            detail = await asyncio.to_thread(exchange.without_what_was_said, mechanism.server_error)
            reply = attrs.evolve(reply, text=words)
            raise error_for(reply, Stage.AUTHENTICATION, server=self._server, detail=detail)
        mechanism.finish()
        self.authentication = mechanism.name


def _in_handshake(connecting: asyncio.Future[aiosmtplib.SMTPResponse]) -> bool:
    """Return True if connecting failed before the greeting was waited for."""
    cause = (error := connecting.exception()) and error.__cause__
    return isinstance(cause, OSError) and not isinstance(cause, aiosmtplib.SMTPException)


def _not_offered(server: str) -> TlsError:
    return TlsError(
        f"{server} does not offer STARTTLS",
        code="tls.starttls-not-offered",
        hint="Use the port for encryption from the first byte (kind smtps, port 465), or ask the administrator. If it "
        "was offered yesterday, somebody between here and the server may be taking it out.",
    )


def _injected(server: str) -> TlsError:
    return TlsError(
        f"{server} sent more than its answer to STARTTLS before encryption began",
        code="tls.starttls-injection",
        hint="Somebody between here and the server may be injecting commands. Use kind smtps (port 465) if the server "
        "has it, and tell its administrator.",
    )


def _given_up() -> ConnectError:
    return ConnectError("connecting was given up", code="connect.cancelled", temporary=True)
