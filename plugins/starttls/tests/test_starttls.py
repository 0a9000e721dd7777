"""What is special about the transport ``starttls``: when it encrypts, and what its test looks at."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from posthouse.errors import TlsError
from posthouse.providers import CredentialKind
from posthouse.reports import CheckStatus
from posthouse_esmtp.testing import ScriptedServer
from posthouse_esmtp.testing.transport import Transport
from posthouse_starttls import StarttlsSettings


@pytest.fixture
def transport() -> Transport:
    """The transport as it is installed."""
    return Transport("starttls")


def test_describes_itself(transport: Transport) -> None:
    description = transport.hook.describe()
    assert description.settings is StarttlsSettings
    assert description.settings(host="mail.example.org").port == 587
    assert description.accepts == {CredentialKind.NONE, CredentialKind.PASSWORD, CredentialKind.BEARER}
    assert description.resources["azure-oauth2"] == "smtp"
    assert description.capabilities.envelope_recipients
    assert description.label
    assert description.summary


async def test_sends_encrypted_after_the_upgrade(transport: Transport, tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=tls, auth=["SCRAM-SHA-256"], passwords={"ada": "pass-wörd"}) as server:
        await transport.check_sending(server, ca_file)


async def test_refuses_a_certificate_that_nobody_vouches_for(transport: Transport, tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=tls) as server:
        await transport.check_refusing_strangers(server)


async def test_refuses_a_server_that_does_not_offer_encryption(transport: Transport) -> None:
    async with ScriptedServer() as server:
        with pytest.raises(TlsError) as caught:
            await transport.connect(server)
        assert caught.value.code == "tls.starttls-not-offered"
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
        assert (checks[-1].status, checks[-1].stage.value, checks[-1].details["code"]) == (
            CheckStatus.FAILED,
            "tls",
            "tls.certificate-untrusted",
        )
