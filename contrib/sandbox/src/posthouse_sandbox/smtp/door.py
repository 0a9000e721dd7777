"""An SMTP server on a free loopback port."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum

from posthouse_sandbox.answers import Answers
from posthouse_sandbox.certificates import ServerCertificate
from posthouse_sandbox.credentials import Credentials
from posthouse_sandbox.doors import ENTRA, AccountSettings, Premises, SignIn
from posthouse_sandbox.faults import Faults
from posthouse_sandbox.inbox import Inbox
from posthouse_sandbox.listening import HANDSHAKE_SECONDS, HOST, Listener
from posthouse_sandbox.smtp.sasl import MECHANISMS, PASSWORD_MECHANISMS, TOKEN_MECHANISMS
from posthouse_sandbox.smtp.session import SmtpSession
from posthouse_sandbox.tokens import Tokens

__all__ = ["Security", "SmtpDoor"]

SIZE_LIMIT = 35 * 1024 * 1024
"""Bytes; what Exchange Online takes by default, encoding included."""


class Security(StrEnum):
    """How a door is encrypted."""

    NONE = "none"
    OFFERED = "STARTTLS offered"
    REQUIRED = "STARTTLS required"
    IMPLICIT = "TLS"


_KINDS = {
    Security.NONE: "smtp",
    Security.OFFERED: "smtp",
    Security.REQUIRED: "starttls",
    Security.IMPLICIT: "smtps",
}


class SmtpDoor:
    """An SMTP server with one way in.

    Args:
        name: of the door; it also begins the names of its accounts.
        security: how it is encrypted.
        mechanisms: SASL mechanisms in the order of offering, out of `posthouse_sandbox.smtp.MECHANISMS`. With any, the
            door takes mail only from users who signed in. They are offered on an encrypted connection, or where
            ``security`` is none.
        answers: scripted replies.
        size_limit: of a message in bytes (RFC 1870).
        certificate: which certificate it shows.
        client_certificates: True lets in only clients with a certificate of the sandbox's authority.
        exchange_like: True answers a refused token as Exchange Online does, and refuses a sender other than the mailbox
            that signed in.

    Attributes:
        kind: the kind of transport that fits (``smtp``, ``starttls``, ``smtps``).
        host: the address it listens on.
        port: its port, known once it is open.

    Raises:
        ValueError: there is no such mechanism.
    """

    host = HOST
    host_name = "localhost"

    def __init__(
        self,
        name: str,
        security: Security | str = Security.NONE,
        *,
        mechanisms: tuple[str, ...] = (),
        answers: Answers | None = None,
        size_limit: int = SIZE_LIMIT,
        certificate: ServerCertificate | str = ServerCertificate.VALID,
        client_certificates: bool = False,
        exchange_like: bool = False,
    ) -> None:
        if unknown := [mechanism for mechanism in mechanisms if mechanism not in MECHANISMS]:
            raise ValueError(f"no such SASL mechanism: {', '.join(unknown)}; there are {', '.join(MECHANISMS)}")
        self.name = name
        self.security = Security(security)
        self.kind = _KINDS[self.security]
        self.mechanisms = mechanisms
        self.answers = answers or Answers()
        self.size_limit = size_limit
        self.exchange_like = exchange_like
        self._certificate = certificate
        self._client_certificates = client_certificates
        self._premises: Premises | None = None
        self._listener = Listener(name, self._converse)
        self._context: ssl.SSLContext | None = None

    # What a session asks

    @property
    def starttls_context(self) -> ssl.SSLContext | None:
        """TLS settings for an upgrade; None where there is none."""
        return self._context if self.security in (Security.OFFERED, Security.REQUIRED) else None

    @property
    def requires_starttls(self) -> bool:
        """Whether nothing but the upgrade is possible before it."""
        return self.security is Security.REQUIRED

    @property
    def offers_plain_text_authentication(self) -> bool:
        """Whether users sign in without encryption."""
        return self.security is Security.NONE

    @property
    def inbox(self) -> Inbox:
        """Where messages go."""
        return self._open_premises.inbox

    @property
    def credentials(self) -> Credentials:
        """Who may sign in."""
        return self._open_premises.credentials

    @property
    def tokens(self) -> Tokens:
        """Checks access tokens."""
        return self._open_premises.tokens

    @property
    def faults(self) -> Faults:
        """What was scripted: for EHLO, STARTTLS, AUTH, MAIL, RCPT, and DATA, which means its content."""
        return self._open_premises.faults

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            RuntimeError: the door is not open.
        """
        return self._listener.port

    @property
    def _open_premises(self) -> Premises:
        if self._premises is None:
            raise RuntimeError(f"door {self.name} is not open: use it within the sandbox's with block")
        return self._premises

    def accounts(self) -> Iterator[AccountSettings]:
        """Describe an account that takes what is offered, and one for each way of signing in."""
        settings = self._transport_settings()
        if not self.mechanisms:
            yield AccountSettings(self.name, settings)
            return
        user = next(iter(self.credentials.passwords), None)
        mechanisms = [mechanism for mechanism in self.mechanisms if mechanism in PASSWORD_MECHANISMS]
        if user and mechanisms:
            yield AccountSettings(self.name, settings, user)
        for mechanism in self.mechanisms if user else ():
            sign_in = ENTRA if mechanism in TOKEN_MECHANISMS else None
            limited = settings | {"auth_mechanisms": [mechanism]}
            yield AccountSettings(f"{self.name}-{mechanism.lower()}", limited, user, sign_in)

    def sign_ins(self) -> Iterator[SignIn]:
        """Describe the ways to sign in that it makes possible: none."""
        return iter(())

    def _transport_settings(self) -> dict[str, object]:
        settings: dict[str, object] = {"kind": self.kind, "host": self.host, "port": self.port}
        if self.security is Security.NONE:
            settings["starttls"] = "never"
            if self.mechanisms:
                settings["allow_plaintext_auth"] = True
        else:
            settings["ca_file"] = str(self._open_premises.authority.ca_file)
        return settings

    # Opening and closing

    async def open(self, premises: Premises) -> None:
        """Listen on a free port of the loopback interface.

        Raises:
            OSError: there is no free port.
        """
        self._premises = premises
        if self.security is not Security.NONE:
            self._context = premises.authority.server_context(
                self._certificate, client_certificates=self._client_certificates
            )
        self._listener.open()

    async def close(self) -> None:
        """Stop listening and cut the connections that are still open."""
        await self._listener.close()
        self._premises = None

    async def _converse(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        implicit = self._context if self.security is Security.IMPLICIT else None
        session = SmtpSession(self)
        transport, _ = await loop.connect_accepted_socket(
            lambda: session,
            connection,
            ssl=implicit,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if implicit else None,
        )
        try:
            await session.closed.wait()
        except asyncio.CancelledError:
            transport.abort()
            await session.closed.wait()
            raise
