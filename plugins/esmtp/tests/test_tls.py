"""Whom a connection trusts, and what is told about the server's certificate."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from posthouse.errors import TlsError
from posthouse.providers import Credential
from posthouse.tls.info import tls_info
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer

NO_CREDENTIAL = Credential()
BAD = ["self_signed", "expired", "wrong_host", "unknown_authority", "wrong_host_expired"]


def with_colons(fingerprint: str) -> str:
    return ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
@pytest.mark.parametrize("kind", BAD)
async def test_a_fingerprint_accepts_exactly_that_certificate(
    kind: str, security: Security, connect: Any, certificates: Any
) -> None:
    async with ScriptedServer(tls=certificates.context(kind), implicit_tls=security is Security.TLS) as server:
        pin = certificates.fingerprint(kind)
        for written in (pin, with_colons(pin), f"sha256:{pin.upper()}", f"SHA256={with_colons(pin)}"):
            assert (await connect(server, security, trusted_certificates=(written,))).usable


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_a_fingerprint_refuses_every_other_certificate_however_valid(
    security: Security, certificates: Any
) -> None:
    async with ScriptedServer(tls=certificates.context(), implicit_tls=security is Security.TLS) as server:
        settings = EsmtpSettings(
            host=server.host,
            port=server.port,
            ca_file=certificates.ca_file,
            trusted_certificates=(certificates.fingerprint("self_signed"),),
        )
        with pytest.raises(TlsError) as caught:
            await Opening(settings, NO_CREDENTIAL, security).open()
        assert caught.value.code == "tls.fingerprint"
        assert caught.value.details["fingerprint"] == with_colons(certificates.fingerprint())
        assert with_colons(certificates.fingerprint()) in caught.value.hint
        (session,) = server.sessions
        await session.closed()
        after_handshake = session.received[session.plain_bytes :]
        assert after_handshake == b""


async def test_a_trusted_pem_file_stands_besides_the_authorities(connect: Any, certificates: Any) -> None:
    trusted = (str(certificates.pem("self_signed")),)
    for kind in ("self_signed", "valid"):
        async with ScriptedServer(tls=certificates.context(kind)) as server:
            options = {"ca_file": certificates.ca_file, "trusted_certificates": trusted}
            assert (await connect(server, Security.STARTTLS, **options)).usable


async def test_a_trusted_pem_file_does_not_excuse_another_name(certificates: Any) -> None:
    async with ScriptedServer(tls=certificates.context("wrong_host")) as server:
        settings = EsmtpSettings(
            host=server.host, port=server.port, trusted_certificates=(str(certificates.pem("wrong_host")),)
        )
        with pytest.raises(TlsError) as caught:
            await Opening(settings, NO_CREDENTIAL, Security.STARTTLS).open()
        assert caught.value.code == "tls.hostname-mismatch"


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("wrong_host", {"verify": "ca-only"}),
        ("wrong_host", {"server_name": "other.example"}),
        ("self_signed", {"verify": "none"}),
        ("expired", {"verify": "none"}),
    ],
)
async def test_settings_allow_what_they_say(kind: str, options: Any, connect: Any, certificates: Any) -> None:
    async with ScriptedServer(tls=certificates.context(kind)) as server:
        assert (await connect(server, Security.STARTTLS, ca_file=certificates.ca_file, **options)).usable


@pytest.mark.parametrize("kind", ["self_signed", "expired", "unknown_authority"])
async def test_any_name_is_not_any_certificate(kind: str, certificates: Any) -> None:
    async with ScriptedServer(tls=certificates.context(kind)) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, verify="ca-only", ca_file=certificates.ca_file)
        with pytest.raises(TlsError):
            await Opening(settings, NO_CREDENTIAL, Security.STARTTLS).open()


async def test_an_old_server_is_refused_unless_it_is_allowed(connect: Any, certificates: Any) -> None:
    context = certificates.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with ScriptedServer(tls=context) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=certificates.ca_file, tls_min="1.3")
        with pytest.raises(TlsError) as caught:
            await Opening(settings, NO_CREDENTIAL, Security.STARTTLS).open()
        assert caught.value.code in ("tls.version", "tls.closed")  # asyncio's server hangs up without an alert
        connection = await connect(server, Security.STARTTLS, ca_file=certificates.ca_file)
        assert connection.security == "TLSv1.2"


async def test_describes_an_encrypted_connection(certificates: Any) -> None:
    async with ScriptedServer(tls=certificates.context("soon")) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=certificates.ca_file)
        opening = Opening(settings, NO_CREDENTIAL, Security.STARTTLS)
        connection = await opening.open()
        assert opening.wire is not None
        info = tls_info(opening.wire.info("ssl_object"))
        assert info.version == connection.security == "TLSv1.3"
        assert info.cipher.startswith("TLS_")
        assert info.days_left == 20
        assert info.fingerprint == with_colons(certificates.fingerprint("soon"))
        assert len(info.chain) >= 2
        await connection.close()
