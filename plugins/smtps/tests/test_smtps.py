"""What is special about the transport ``smtps``: when it encrypts, and what its test looks at."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pluggy
import pytest

import posthouse_smtps
from posthouse import hookspecs
from posthouse.accounts import Account, Selection
from posthouse.errors import TlsError
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import RecipientStatus
from posthouse.reports import CheckStatus
from posthouse.secrets import Secret
from posthouse_esmtp.testing import ScriptedServer
from posthouse_smtps import SmtpsSettings

ACCOUNT = Account(name="test", transport=Selection(kind="smtps"))
SUBMISSION = Submission(
    message=Message(sender="ada@example.org", to="bob@example.org", subject="Hi", text=".", message_id="<1@x>"),
    envelope=Envelope(sender="ada@example.org", recipients=("bob@example.org", "bcc@example.org")),
)


@pytest.fixture
def hook() -> Any:
    """The hooks as the engine sees them: registered, and checked for names that no specification has."""
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    manager.register(posthouse_smtps)
    manager.check_pending()
    return manager.hook


async def connect(hook: Any, server: ScriptedServer, credential: Credential | None = None, **options: Any) -> Any:
    settings = SmtpsSettings(host=server.host, port=server.port, **options)
    return await hook.connect(account=ACCOUNT, settings=settings, credential=credential or Credential())


def test_describes_itself(hook: Any) -> None:
    description = hook.describe()
    assert description.settings is SmtpsSettings
    assert description.settings(host="mail.example.org").port == 465
    assert description.accepts == {CredentialKind.NONE, CredentialKind.PASSWORD, CredentialKind.BEARER}
    assert description.resources["azure-oauth2"] == "smtp"
    assert description.capabilities.envelope_recipients
    assert description.label
    assert description.summary


async def test_sends_encrypted_from_the_first_byte(hook: Any, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(
        tls=tls, implicit_tls=True, auth=["SCRAM-SHA-256"], passwords={"ada": "pass-wörd"}
    ) as server:
        credential = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("pass-wörd"))
        connection = await connect(hook, server, credential, ca_file=ca_file)
        assert connection.security == "TLSv1.3"
        assert connection.authentication == "SCRAM-SHA-256"
        delivery = await hook.send(connection=connection, submission=SUBMISSION)
        assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.ACCEPTED] * 2
        assert connection.usable
        await connection.close()
        (message,) = server.messages
        assert message.recipients == [b"<bob@example.org>", b"<bcc@example.org>"]
        assert message.content.endswith(b"\r\n\r\n.\r\n")
        assert b"bcc@" not in message.content
        assert server.sessions[0].verbs[-1] == "QUIT"


async def test_refuses_a_certificate_that_nobody_vouches_for(hook: Any, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls, implicit_tls=True) as server:
        with pytest.raises(TlsError) as caught:
            await connect(hook, server)
        assert caught.value.code == "tls.certificate-untrusted"
        assert caught.value.hint
        assert b"MAIL" not in server.sessions[0].received


async def test_explains_a_server_that_speaks_plain_text(hook: Any) -> None:
    async with ScriptedServer() as server:
        with pytest.raises(TlsError) as caught:
            await connect(hook, server)
        assert caught.value.code == "tls.not-tls"
        assert "starttls" in caught.value.hint


async def test_tries_everything_but_the_content(hook: Any, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=tls, implicit_tls=True) as server:
        settings = SmtpsSettings(host=server.host, port=server.port, ca_file=ca_file)
        checks = [
            check
            async for check in hook.test(
                account=ACCOUNT,
                settings=settings,
                credential=Credential(),
                sender="ada@example.org",
                recipient="bob@example.org",
            )
        ]
        assert [check.stage.value for check in checks] == [
            "resolve",
            "connect",
            "tls",
            "greeting",
            "ehlo",
            "authentication",
            "sender",
            "recipient",
        ]
        assert {check.status for check in checks} == {CheckStatus.OK, CheckStatus.SKIPPED}
        assert server.messages == []
        assert "DATA" not in server.sessions[0].verbs


async def test_tells_why_it_does_not_work(hook: Any, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls, implicit_tls=True) as server:
        settings = SmtpsSettings(host=server.host, port=server.port)
        checks = [
            check
            async for check in hook.test(account=ACCOUNT, settings=settings, credential=None, sender="", recipient="")
        ]
        assert (checks[-1].status, checks[-1].stage.value, checks[-1].details["code"]) == (
            CheckStatus.FAILED,
            "tls",
            "tls.certificate-untrusted",
        )
