"""Each SMTP extension on the wire: used when it is offered and wanted, and never otherwise."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import AuthenticationError, PosthouseError
from posthouse.messages import DsnRequest
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer

ALL = ("PIPELINING", "SIZE 10485760", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "CHUNKING", "REQUIRETLS")


def without(extension: str) -> tuple[str, ...]:
    return tuple(offer for offer in ALL if offer.split()[0] != extension)


async def said(connect: Any, submission: Any, offers: tuple[str, ...], tls: Any, ca_file: Path, **settings: Any) -> Any:
    """Send over TLS and return the delivery and what the server heard."""
    async with ScriptedServer(offers=offers, tls=tls) as server:
        connection = await connect(server, Security.STARTTLS, ca_file=ca_file, **settings)
        delivery = await connection.send(submission)
        await connection.close()
    return delivery, server.sessions[0]


WANTS: dict[str, tuple[dict[str, Any], bytes]] = {
    "SIZE": ({"text": "x"}, b"SIZE="),
    "8BITMIME": ({"text": "Grüße"}, b"BODY=8BITMIME"),
    "SMTPUTF8": ({"sender": "zoë@example.org"}, b"SMTPUTF8"),
    "DSN": ({"dsn": DsnRequest(envelope_id="e1")}, b"ENVID=e1"),
    "REQUIRETLS": ({"require_tls": True}, b"REQUIRETLS"),
}


@pytest.mark.parametrize("extension", WANTS)
async def test_a_parameter_of_mail_is_given_when_offered_and_wanted(
    extension: str, connect: Any, submit: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    wish, word = WANTS[extension]
    delivery, session = await said(connect, submit(**wish), ALL, server_tls, ca_file)
    assert delivery.error is None
    mail = next(command for command in session.commands if command.startswith(b"MAIL"))
    assert word in mail
    if extension != "SIZE":
        _, plain = await said(connect, submit(), ALL, server_tls, ca_file)
        assert word not in next(command for command in plain.commands if command.startswith(b"MAIL"))


@pytest.mark.parametrize("extension", WANTS)
async def test_it_is_not_given_when_it_is_not_offered(
    extension: str, connect: Any, submit: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    wish, word = WANTS[extension]
    delivery, session = await said(connect, submit(**wish), without(extension), server_tls, ca_file)
    if extension in ("SIZE", "8BITMIME"):
        assert delivery.error is None
        assert session.messages[0].content.isascii()
    else:  # what cannot be promised is refused, never dropped
        assert delivery.error is not None
        assert "MAIL" not in session.verbs
    assert word not in session.received


async def test_requiretls_is_not_used_on_a_connection_in_plain_text(connect: Any, submit: Any) -> None:
    async with ScriptedServer(offers=ALL) as server:
        delivery = await (await connect(server)).send(submit(require_tls=True))
    assert delivery.error is not None
    assert b"REQUIRETLS" not in server.sessions[0].received


@pytest.mark.parametrize("offered", [True, False])
async def test_bdat_and_groups_of_commands(
    offered: bool, connect: Any, submit: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    offers = ALL if offered else ("SIZE",)
    delivery, session = await said(connect, submit(), offers, server_tls, ca_file, chunking=True)
    assert delivery.error is None
    assert ("BDAT" in session.verbs, "DATA" in session.verbs) == (offered, not offered)


@pytest.mark.parametrize(("limits", "transactions"), [(("LIMITS RCPTMAX=2",), 3), ((), 1)])
async def test_limits(
    limits: tuple[str, ...], transactions: int, connect: Any, submit: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    submission = submit(*(f"r{number}@example.org" for number in range(5)))
    delivery, session = await said(connect, submission, ALL + limits, server_tls, ca_file)
    assert (delivery.error, len(delivery.recipients)) == (None, 5)
    assert session.verbs.count("MAIL") == transactions


@pytest.mark.parametrize("offered", [True, False])
async def test_auth_and_starttls(offered: bool, server_tls: ssl.SSLContext, ca_file: Path) -> None:
    credential = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("geheim"))
    tls, auth = (server_tls, ["PLAIN"]) if offered else (None, [])
    async with ScriptedServer(tls=tls, auth=auth, passwords={"ada": "geheim"}) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file)
        if offered:
            await (await Opening(settings, credential, Security.IF_OFFERED).open()).close()
        else:
            with pytest.raises(AuthenticationError):
                await Opening(settings, credential, Security.IF_OFFERED).open()
            with pytest.raises(PosthouseError, match="STARTTLS"):
                await Opening(settings, Credential(), Security.STARTTLS).open()
        verbs = [verb for session in server.sessions for verb in session.verbs]
    assert ("STARTTLS" in verbs, "AUTH" in verbs) == (offered, offered)
