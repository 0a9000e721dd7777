"""The contract of the transport ``smtp``, kept through the hooks that the engine calls."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pluggy
import pytest
import trustme

import posthouse_smtp
from posthouse import hookspecs
from posthouse.accounts import Account, Selection
from posthouse.errors import AuthenticationError
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import RecipientStatus
from posthouse.reports import CheckStatus
from posthouse.secrets import Secret
from posthouse_esmtp.testing import ScriptedServer
from posthouse_smtp import SmtpSettings

ACCOUNT = Account(name="test", transport=Selection(kind="smtp"))
SUBMISSION = Submission(
    message=Message(sender="ada@example.org", to="bob@example.org", subject="Hi", text=".", message_id="<1@x>"),
    envelope=Envelope(sender="ada@example.org", recipients=("bob@example.org", "bcc@example.org")),
)


@pytest.fixture
def hook() -> Any:
    """The hooks as the engine sees them: registered, and checked for names that no specification has."""
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    manager.register(posthouse_smtp)
    manager.check_pending()
    return manager.hook


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def connect(hook: Any, server: ScriptedServer, credential: Credential | None = None, **options: Any) -> Any:
    settings = SmtpSettings(host=server.host, port=server.port, **options)
    return await hook.connect(account=ACCOUNT, settings=settings, credential=credential or Credential())


# --- what it is -------------------------------------------------------------------------------------------------------


def test_the_entry_point_names_the_kind(hook: Any) -> None:
    (entry_point,) = entry_points(group=hookspecs.GROUPS["transport"], name="smtp")
    assert entry_point.load() is posthouse_smtp
    assert hook.describe().kind == "smtp"


def test_describes_itself(hook: Any) -> None:
    description = hook.describe()
    assert description.settings is SmtpSettings
    assert description.settings(host="mail.example.org").port == 25
    assert description.accepts == {CredentialKind.NONE, CredentialKind.PASSWORD, CredentialKind.BEARER}
    assert description.resources["azure-oauth2"] == "smtp"
    assert description.capabilities.envelope_recipients
    assert description.label
    assert description.summary


def test_importing_it_loads_nothing_heavy() -> None:
    script = "import sys, posthouse_smtp; sys.exit(bool({'aiosmtplib', 'asyncio', 'ssl'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


# --- sending ----------------------------------------------------------------------------------------------------------


async def test_sends_encrypted_when_the_server_can(hook: Any, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=tls, auth=["SCRAM-SHA-256"], passwords={"ada": "pass-wörd"}) as server:
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


async def test_sends_a_batch_in_order(hook: Any, tls: ssl.SSLContext, ca_file: Path) -> None:
    async def three() -> AsyncIterator[Submission]:
        for _ in range(3):
            yield SUBMISSION

    async with ScriptedServer(tls=tls, on={"DOT": [b"250 2.0.0 queued as A", b"452 4.2.2 full"]}) as server:
        connection = await connect(hook, server, ca_file=ca_file)
        deliveries = [one async for one in hook.send_batch(connection=connection, submissions=three())]
        assert [delivery.request_id for delivery in deliveries] == ["A", "", "0.3"]
        assert [delivery.recipients[0].status for delivery in deliveries] == ["accepted", "refused", "accepted"]
        await connection.close()


async def test_sends_in_plain_text_when_the_server_cannot_encrypt(hook: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(hook, server)
        assert (connection.security, connection.authentication, connection.notes) == ("none", "none", ())
        delivery = await hook.send(connection=connection, submission=SUBMISSION)
        assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.ACCEPTED] * 2
        await connection.close()


async def test_never_encrypts_when_told_so(hook: Any, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        connection = await connect(hook, server, starttls="never")
        assert connection.security == "none"
        await connection.close()
        assert server.sessions[0].verbs == ["EHLO", "QUIT"]


async def test_falls_back_to_plain_text_and_says_so(hook: Any, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        connection = await connect(hook, server)
        assert connection.security == "none"
        assert "plain text" in connection.notes[0]
        assert "certificate" in connection.notes[0]
        await connection.close()
        assert len(server.sessions) == 2


async def test_sends_no_password_over_an_unencrypted_link(hook: Any) -> None:
    credential = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("s3cret"))
    async with ScriptedServer(auth=["PLAIN", "LOGIN"], passwords={"ada": "s3cret"}) as server:
        with pytest.raises(AuthenticationError) as caught:
            await connect(hook, server, credential)
        assert caught.value.code == "authentication.plaintext"
        connection = await connect(hook, server, credential, allow_plaintext_auth=True)
        assert connection.authentication == "PLAIN"
        await connection.close()
        assert server.sessions[0].verbs == ["EHLO"]


# --- the test -------------------------------------------------------------------------------------------------------


async def test_tries_everything_but_the_content(hook: Any, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=tls) as server:
        settings = SmtpSettings(host=server.host, port=server.port, ca_file=ca_file)
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
            "greeting",
            "ehlo",
            "tls",
            "ehlo",
            "authentication",
            "sender",
            "recipient",
        ]
        assert {check.status for check in checks} == {CheckStatus.OK, CheckStatus.SKIPPED}
        assert server.messages == []
        assert "DATA" not in server.sessions[0].verbs


async def test_tells_why_it_does_not_work(hook: Any, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        settings = SmtpSettings(host=server.host, port=server.port)
        checks = [
            check
            async for check in hook.test(account=ACCOUNT, settings=settings, credential=None, sender="", recipient="")
        ]
        assert "plain text" in next(check.evidence for check in checks if check.status is CheckStatus.WARNING)
