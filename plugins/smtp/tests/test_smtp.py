"""What is special about the transport ``smtp``: when it encrypts, and what its test looks at."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from posthouse.errors import AuthenticationError
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import RecipientStatus
from posthouse.reports import CheckStatus
from posthouse.secrets import Secret
from posthouse_esmtp.testing import ScriptedServer
from posthouse_esmtp.testing.transport import SUBMISSION, Transport
from posthouse_smtp import SmtpSettings


@pytest.fixture
def transport() -> Transport:
    """The transport as it is installed."""
    return Transport("smtp")


def test_describes_itself(transport: Transport) -> None:
    description = transport.hook.describe()
    assert description.settings is SmtpSettings
    assert description.settings(host="mail.example.org").port == 25
    assert description.accepts == {CredentialKind.NONE, CredentialKind.PASSWORD, CredentialKind.BEARER}
    assert description.resources["azure-oauth2"] == "smtp"
    assert description.capabilities.envelope_recipients
    assert description.label
    assert description.summary


async def test_sends_encrypted_when_the_server_can(transport: Transport, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=tls, auth=["SCRAM-SHA-256"], passwords={"ada": "pass-wörd"}) as server:
        await transport.check_sending(server, ca_file)


async def test_sends_in_plain_text_when_the_server_cannot_encrypt(transport: Transport) -> None:
    async with ScriptedServer() as server:
        connection = await transport.connect(server)
        assert (connection.security, connection.authentication, connection.notes) == ("none", "none", ())
        delivery = await transport.hook.send(connection=connection, submission=SUBMISSION)
        assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.ACCEPTED] * 2
        await connection.close()


async def test_never_encrypts_when_told_so(transport: Transport, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        connection = await transport.connect(server, starttls="never")
        assert connection.security == "none"
        await connection.close()
        assert server.sessions[0].verbs == ["EHLO", "QUIT"]


async def test_falls_back_to_plain_text_and_says_so(transport: Transport, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        connection = await transport.connect(server)
        assert connection.security == "none"
        assert "plain text" in connection.notes[0]
        assert "certificate" in connection.notes[0]
        await connection.close()
        assert len(server.sessions) == 2


async def test_sends_no_password_over_an_unencrypted_link(transport: Transport) -> None:
    credential = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("s3cret"))
    async with ScriptedServer(auth=["PLAIN", "LOGIN"], passwords={"ada": "s3cret"}) as server:
        with pytest.raises(AuthenticationError) as caught:
            await transport.connect(server, credential)
        assert caught.value.code == "authentication.plaintext"
        connection = await transport.connect(server, credential, allow_plaintext_auth=True)
        assert connection.authentication == "PLAIN"
        await connection.close()
        assert server.sessions[0].verbs == ["EHLO"]


async def test_tries_everything_but_the_content(transport: Transport, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=tls) as server:
        assert await transport.check_test(server, ca_file) == [
            "resolve",
            "connect",
            "greeting",
            "ehlo",
            "tls",
            "ehlo",
            "authentication",
            "sender",
            "recipient",
        ]


async def test_tells_why_it_does_not_work(transport: Transport, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        checks = await transport.test(server, None, names=False)
        assert "plain text" in next(check.evidence for check in checks if check.status is CheckStatus.WARNING)
