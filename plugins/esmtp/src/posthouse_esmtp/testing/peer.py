"""The scripted server as a peer of the conformance kit; needs posthouse[testing]."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse.testing import Arrived, Peer
from posthouse_esmtp.testing.actions import Default, Reset, Signal, Stall, Step
from posthouse_esmtp.testing.server import ScriptedServer
from posthouse_esmtp.testing.session import Session, Transaction

__all__ = ["SmtpPeer"]

_USER, _PASSWORD = "ada", "Pass-wörd-47/11"


class SmtpPeer(Peer):
    """An SMTP server with one user, made to misbehave by a script.

    Args:
        server: made with the script.
        script: what the server does, changed while it runs.
        ca_file: what a client has to trust; None for a server without TLS.
    """

    hasty = {"command_timeout": 0.3}  # noqa: RUF012 - says ClassVar in the base class

    def __init__(self, server: ScriptedServer, script: dict[str, Any], ca_file: Path | None) -> None:
        self.server = server
        self._script = script
        self._ca_file = ca_file
        self._held = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        ca_file: Path | None = None,
        auth: Sequence[str] = ("SCRAM-SHA-256",),
    ) -> AsyncIterator[SmtpPeer]:
        """Run a server.

        Args:
            tls: the server's certificate.
            implicit_tls: speak TLS from the first byte.
            ca_file: what a client has to trust.
            auth: the SASL mechanisms to offer.
        """
        script: dict[str, Any] = {}
        passwords = {_USER: _PASSWORD}
        async with ScriptedServer(
            on=script, tls=tls, implicit_tls=implicit_tls, auth=auth, passwords=passwords
        ) as server:
            yield cls(server, script, ca_file)

    @property
    def options(self) -> dict[str, Any]:
        """Host, port and authorities."""
        return {"host": self.server.host, "port": self.server.port, "ca_file": str(self._ca_file)}

    @property
    def credential(self) -> Credential:
        """The one user's."""
        return Credential(kind=CredentialKind.PASSWORD, user=_USER, secret=Secret.literal(_PASSWORD))

    async def arrived(self) -> list[Arrived]:
        """Return the messages whose content was not refused."""
        return [_arrived(message) for message in self.server.messages if message.code in (None, 250)]

    async def refuse_sign_in(self) -> None:
        """Answer AUTH with 535 5.7.8."""
        self._script["AUTH"] = b"535 5.7.8 authentication credentials invalid"

    async def throttle(self, seconds: int) -> None:
        """Answer MAIL with 432 4.3.2, and the time in words: SMTP has no other way."""
        self._script["MAIL"] = f"432 4.3.2 too many messages, try again in {seconds} seconds".encode()

    async def fail_for_a_while(self) -> None:
        """Answer the content with 451."""
        self._at_content(b"451 4.3.0 temporary trouble")

    async def fail_for_good(self) -> None:
        """Answer the content with 554."""
        self._at_content(b"554 5.6.0 not this message")

    async def refuse_size(self) -> None:
        """Answer the content with 552."""
        self._at_content(b"552 5.3.4 message too large")

    async def refuse_recipients(self, *addresses: str) -> None:
        """Answer RCPT for these with 550."""

        def answer(session: Session) -> Step:
            refused = any(f"<{address}>".encode() in session.commands[-1] for address in addresses)
            return b"550 5.1.1 no such user" if refused else Default()

        self._script["RCPT"] = answer

    async def break_after_content(self) -> None:
        """Reset the connection when the content is complete."""
        self._at_content(Reset())

    async def hang(self) -> None:
        """Say nothing any more when the content is complete."""
        self._at_content((Signal(self._held), Stall()))

    async def held(self) -> None:
        """Return when a content is complete."""
        await self._held.wait()

    def _at_content(self, step: Step) -> None:
        self._script["DOT"] = self._script["BDAT LAST"] = step


def _arrived(message: Transaction) -> Arrived:
    recipients = [path.partition(b">")[0].removeprefix(b"<").decode() for path in message.recipients]
    sender = message.sender.partition(b">")[0].removeprefix(b"<").decode()
    return Arrived.from_mime(message.content, recipients=recipients, sender=sender)
