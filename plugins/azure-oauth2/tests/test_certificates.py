"""Certificates that cannot be used: each with its reason, and no key in any traceback."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure_oauth2_setup import Entra, request
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret
from posthouse_azure_oauth2 import expiries
from posthouse_azure_oauth2.certificates import read_certificate

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Posthouse test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=20))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: str = "") -> bytes:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    ("content", "passphrase", "reason"),
    [
        (certificate(RSA), None, "lacks the certificate or the key"),
        (pem(RSA), None, "lacks the certificate or the key"),
        (certificate(RSA) + pem(RSA, "geheim"), None, "passphrase"),
        (certificate(RSA) + pem(RSA), "geheim", "passphrase"),
        (certificate(RSA) + pem(RSA, "geheim"), "falsch", "passphrase is wrong"),
        (certificate(RSA) + pem(OTHER_RSA), None, "does not belong"),
        (certificate(EC) + pem(EC), None, "not an RSA key"),
        (b"\x00\x01 no certificate", None, "damaged"),
        (b"", None, "damaged"),
        (pkcs12.serialize_key_and_certificates(b"x", RSA, None, None, NoEncryption()), None, "lacks"),
    ],
)
def test_each_reason_is_named(tmp_path: Path, content: bytes, passphrase: str | None, reason: str) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=reason) as refused:
        read_certificate(path, passphrase)
    assert refused.value.code == "certificate"
    assert refused.value.hint


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        read_certificate(tmp_path / "nowhere.pem", None)


def test_the_key_does_not_show(tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(pem(RSA) + certificate(RSA))
    assert "private_key" not in repr(read_certificate(path, None))


async def test_what_runs_out_is_known(entra: Entra, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(pem(RSA, "geheim") + certificate(RSA))
    settings = entra.settings(certificate=path, password=Secret.literal("geheim"))
    (found,) = await expiries(settings, request())
    assert found.what == "client certificate"
    assert found.at == pytest.approx(time.time() + 20 * 86400, abs=60)
    assert found.distance in ("in 19 days", "in 20 days")
    dated = entra.settings(client_secret=Secret.literal("x"), client_secret_expires="2027-01-31")
    assert [(one.what, one.date) for one in await expiries(dated, request())] == [("client secret", "2027-01-31")]
    assert await expiries(entra.settings(), request()) == []
