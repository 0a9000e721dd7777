"""Whom a connection trusts, as settings say it, and what is told about the server's certificate.

What comes of a whole connection is tested with the transports.
"""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from posthouse.errors import ConfigurationError, TlsError
from posthouse.schema import setting
from posthouse.tls.info import TlsInfo, tls_info
from posthouse.tls.settings import check_client_key, check_trusted_certificates
from posthouse.tls.trust import Trust


@frozen(kw_only=True)
class Settings:
    verify: str = "full"
    ca_file: Path | None = None
    trusted_certificates: tuple[str, ...] = setting((), label="Trusted", validator=check_trusted_certificates)
    client_cert: Path | None = None
    client_key: Path | None = setting(None, label="Key", validator=check_client_key)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for server.example, valid for ten days and a half, with its key, as a PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=server.example")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=10, hours=12))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("server.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("server") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    return path


def pin_of(server: Path) -> str:
    pem = server.read_text().partition("-----BEGIN PRIVATE")[0]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def shake_hands(trust: Trust, server: Path, name: str = "server.example") -> ssl.SSLObject:
    """Connect a client to a server through two buffers, and return the client's end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trust.context.wrap_bio(here, there, server_hostname=name)
    peer = context.wrap_bio(there, here, server_side=True)
    for end in (client, peer, client, peer):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return client


def test_a_trusted_file_stands_for_its_server_and_its_name(server: Path) -> None:
    trust = Trust.of(Settings(trusted_certificates=(str(server),)))
    trust.check(shake_hands(trust, server))
    assert trust.verified
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(trust, server, "other.example")


@pytest.mark.parametrize("verify", ["full", "ca-only"])
def test_nobody_vouches_for_a_self_signed_certificate(verify: str, server: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(Trust.of(Settings(verify=verify)), server)


def test_ca_only_takes_any_name(server: Path) -> None:
    trust = Trust.of(Settings(verify="ca-only", ca_file=server))
    trust.check(shake_hands(trust, server, "other.example"))
    assert not trust.verified


def test_none_takes_anything(server: Path) -> None:
    trust = Trust.of(Settings(verify="none"))
    trust.check(shake_hands(trust, server, "other.example"))
    assert not trust.verified


@pytest.mark.parametrize("form", ["{}", "sha256:{}", "SHA-256={}"])
def test_a_pin_accepts_exactly_its_certificate(form: str, server: Path) -> None:
    pin = pin_of(server)
    for written in (pin, ":".join(pin[i : i + 2] for i in range(0, 64, 2)).upper()):
        trust = Trust.of(Settings(trusted_certificates=(form.format(written),)))
        trust.check(shake_hands(trust, server, "other.example"))
        assert trust.verified


def test_a_pin_refuses_every_other_certificate_and_shows_it(server: Path) -> None:
    trust = Trust.of(Settings(trusted_certificates=("ab" * 32,), verify="none"))
    with pytest.raises(TlsError) as caught:
        trust.check(shake_hands(trust, server))
    shown = caught.value.details["fingerprint"]
    assert caught.value.code == "tls.fingerprint"
    assert shown.replace(":", "").lower() == pin_of(server)
    assert shown in caught.value.hint


def test_files_beside_a_pin_are_pinned_too(server: Path) -> None:
    trust = Trust.of(Settings(trusted_certificates=("ab" * 32, str(server))))
    trust.check(shake_hands(trust, server))
    assert trust.pins == {"ab" * 32, pin_of(server)}


@pytest.mark.parametrize(
    ("oldest", "lowest"),
    [
        ("1.0", ssl.TLSVersion.TLSv1),
        ("1.1", ssl.TLSVersion.TLSv1_1),
        ("1.2", ssl.TLSVersion.TLSv1_2),
        ("1.3", ssl.TLSVersion.TLSv1_3),
    ],
)
def test_the_oldest_version_is_the_one_that_was_set(oldest: str, lowest: ssl.TLSVersion) -> None:
    assert Trust.of(Settings(), oldest=oldest).context.minimum_version == lowest


def test_without_a_word_nothing_older_than_tls_1_2() -> None:
    assert Trust.of(Settings()).context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ca_file", "tls.ca-file"),
        ("trusted_certificates", "tls.trusted-certificate"),
        ("client_cert", "tls.client-cert"),
    ],
)
@pytest.mark.parametrize("content", [None, "", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_that_cannot_be_used_is_named(name: str, code: str, content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "some.pem"
    if content is not None:
        path.write_text(content)
    value: Any = (str(path),) if name == "trusted_certificates" else path
    with pytest.raises(ConfigurationError) as caught:
        Trust.of(Settings(**{name: value}))
    assert caught.value.code == code
    assert str(path) in caught.value.message


def test_a_fingerprint_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="20 bytes, expected SHA-256"):
        Settings(trusted_certificates=(":".join(["ab"] * 20),))


def test_a_key_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="client_cert"):
        Settings(client_key=Path("key.pem"))


def test_describes_an_encrypted_connection(server: Path) -> None:
    info: TlsInfo = tls_info(shake_hands(Trust.of(Settings(ca_file=server)), server))
    assert info.version == "TLSv1.3"
    assert info.cipher.startswith("TLS_")
    assert info.subject == info.issuer == "CN=server.example"
    assert info.chain == ("CN=server.example",)
    assert info.days_left == 10
    assert info.fingerprint.replace(":", "").lower() == pin_of(server)


def test_the_settings_load_no_tls_library() -> None:
    code = "import sys, posthouse.tls.settings; print(*{'ssl', 'cryptography'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
