"""Certificates of a test CA for the servers, and the ones that a careful client refuses."""

from __future__ import annotations

import datetime
import hashlib
import shutil
import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .accounts import HOSTNAME

NAMES = ["localhost", "127.0.0.1", HOSTNAME]


class Certificates:
    """Writes `ca.pem` and one PEM file (key and chain) per certificate into *home*.

    `server` is good; `expired`, `wrong-name` and `self-signed` are what they say; `client` is a client's own.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        authority = trustme.CA()
        authority.cert_pem.write_to_path(home / "ca.pem")
        (home / "ca.pem").chmod(0o644)
        trustme.CA().cert_pem.write_to_path(home / "other-ca.pem")
        now = datetime.datetime.now(datetime.UTC)
        past = now - datetime.timedelta(days=2)
        self._write("server", authority.issue_cert(*NAMES))
        self._write(
            "expired", authority.issue_cert(*NAMES, not_before=past - datetime.timedelta(days=30), not_after=past)
        )
        self._write("wrong-name", authority.issue_cert("elsewhere.posthouse.test"))
        self._write("client", authority.issue_cert("client@posthouse.test"))
        (home / "self-signed.pem").write_bytes(_self_signed(now))
        (home / "self-signed.pem").chmod(0o600)

    @property
    def ca_file(self) -> Path:
        """The test CA's certificate."""
        return self.home / "ca.pem"

    @property
    def other_ca_file(self) -> Path:
        """A CA that signed nothing here."""
        return self.home / "other-ca.pem"

    def pem(self, name: str) -> Path:
        """Key and chain of one certificate, in one file."""
        return self.home / f"{name}.pem"

    def certificate_file(self, name: str) -> Path:
        """The certificate alone, without its key, in a file of its own."""
        text = self.pem(name).read_text("ascii")
        start = text.index("-----BEGIN CERTIFICATE-----")
        end = "-----END CERTIFICATE-----\n"
        path = self.home / f"{name}-certificate.pem"
        path.write_text(text[start : text.index(end) + len(end)], "ascii")
        return path

    def fingerprint(self, name: str) -> str:
        """The SHA-256 fingerprint of a certificate, as `openssl x509 -fingerprint` shows it."""
        digest = (
            hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.certificate_file(name).read_text("ascii"))).hexdigest().upper()
        )
        return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))

    def copy_for(self, user: str, name: str, target: Path) -> Path:
        """A copy that only *user* can read, for a server that does not start as root."""
        shutil.copy(self.pem(name), target)
        shutil.chown(target, user, user)
        target.chmod(0o600)
        return target

    def _write(self, name: str, leaf: trustme.LeafCert) -> None:
        leaf.private_key_and_cert_chain_pem.write_to_path(self.pem(name))
        self.pem(name).chmod(0o600)


def _self_signed(now: datetime.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOSTNAME)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(HOSTNAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
