"""What the tests share: an authority, a way to connect that cleans up, and messages."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential
from posthouse_esmtp.connection import EsmtpConnection
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer

Connect = Callable[..., Awaitable[EsmtpConnection]]
Submit = Callable[..., Submission]


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open a connection to a scripted server; it is closed when the test ends."""
    opened: list[EsmtpConnection] = []

    async def open_connection(
        server: ScriptedServer,
        security: Security = Security.NEVER,
        credential: Credential | None = None,
        **settings: Any,
    ) -> EsmtpConnection:
        complete = EsmtpSettings(**{"host": server.host, "port": server.port, "command_timeout": 20.0, **settings})
        connection = await Opening(complete, credential or Credential(), security).open()
        opened.append(connection)
        return connection

    yield open_connection
    for connection in opened:
        await connection.close()


@pytest.fixture
def submit() -> Submit:
    """Make a submission."""

    def make(*recipients: str, sender: str = "ada@example.org", text: str = "Hello", **envelope: Any) -> Submission:
        message = Message(
            sender="Ada <ada@example.org>",
            to=recipients or ("bob@example.org",),
            subject="Greetings",
            text=text,
            message_id="<1@example.org>",
        )
        complete = Envelope(sender=sender, recipients=recipients or ("bob@example.org",), **envelope)
        return Submission(message=message, envelope=complete)

    return make
