"""An installed SMTP transport at work against a scripted server; needs posthouse[testing] and pytest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from posthouse.accounts import Account, Selection
from posthouse.errors import TlsError
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential, CredentialKind, TransportDescription
from posthouse.receipts import RecipientStatus
from posthouse.reports import Check, CheckStatus
from posthouse.secrets import Secret
from posthouse.testing.plugins import find
from posthouse_esmtp.connection import EsmtpConnection
from posthouse_esmtp.testing.server import ScriptedServer

__all__ = ["SUBMISSION", "Transport"]

SUBMISSION = Submission(
    message=Message(sender="ada@example.org", to="bob@example.org", subject="Hi", text=".", message_id="<1@x>"),
    envelope=Envelope(sender="ada@example.org", recipients=("bob@example.org", "bcc@example.org")),
)
"""A message with a dot alone on its line, and with somebody who is not named."""


class Transport:
    """A transport as the engine calls it, held to the contract.

    Args:
        kind: the entry point's name.
    """

    def __init__(self, kind: str) -> None:
        plugin = find("transport", kind)
        self.hook = plugin.hook
        self.description: TransportDescription = plugin.description
        self._account = Account(name="test", transport=Selection(kind=kind))

    def settings(self, server: ScriptedServer, **options: Any) -> Any:
        """Return the settings for a server."""
        return self.description.settings(host=server.host, port=server.port, **options)

    async def connect(
        self, server: ScriptedServer, credential: Credential | None = None, **options: Any
    ) -> EsmtpConnection:
        """Connect to a server."""
        connection: EsmtpConnection = await self.hook.connect(
            account=self._account, settings=self.settings(server, **options), credential=credential or Credential()
        )
        return connection

    async def test(
        self, server: ScriptedServer, credential: Credential | None, *, names: bool, **options: Any
    ) -> list[Check]:
        """Test an account.

        Args:
            server: which takes its mail.
            credential: None if the sign-in failed.
            names: try a sender and a recipient, too.
            options: further settings.
        """
        sender, recipient = ("ada@example.org", "bob@example.org") if names else ("", "")
        checks = self.hook.test(
            account=self._account,
            settings=self.settings(server, **options),
            credential=credential,
            sender=sender,
            recipient=recipient,
        )
        return [check async for check in checks]

    async def check_sending(self, server: ScriptedServer, ca_file: Path) -> None:
        """Sign in, send, and say goodbye: encrypted, to the envelope's recipients, who stay unnamed where they were.

        Args:
            server: offers TLS 1.3 and SCRAM-SHA-256 to ``ada`` with the password ``pass-wörd``.
            ca_file: what to trust.
        """
        credential = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("pass-wörd"))
        connection = await self.connect(server, credential, ca_file=ca_file)
        assert connection.security == "TLSv1.3"
        assert connection.authentication == "SCRAM-SHA-256"
        delivery = await self.hook.send(connection=connection, submission=SUBMISSION)
        assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.ACCEPTED] * 2
        assert connection.usable
        await connection.close()
        (message,) = server.messages
        assert message.recipients == [b"<bob@example.org>", b"<bcc@example.org>"]
        assert message.content.endswith(b"\r\n\r\n.\r\n")
        assert b"bcc@" not in message.content
        assert server.sessions[0].verbs[-1] == "QUIT"

    async def check_refusing_strangers(self, server: ScriptedServer) -> None:
        """Meet a server whose certificate nobody vouches for, and send it nothing.

        Args:
            server: offers TLS, with a certificate of an authority that is not trusted here.
        """
        with pytest.raises(TlsError) as caught:
            await self.connect(server)
        assert caught.value.code == "tls.certificate-untrusted"
        assert caught.value.hint
        assert b"MAIL" not in server.sessions[0].received

    async def check_test(self, server: ScriptedServer, ca_file: Path) -> list[str]:
        """Try everything but the content at a server with which all is well.

        Args:
            server: offers TLS and asks for no sign-in.
            ca_file: what to trust.

        Returns:
            The stages that were looked at.
        """
        checks = await self.test(server, Credential(), names=True, ca_file=ca_file)
        assert {check.status for check in checks} == {CheckStatus.OK, CheckStatus.SKIPPED}
        assert server.messages == []
        assert "DATA" not in server.sessions[0].verbs
        return [check.stage.value for check in checks]
