"""A certificate authority for tests, with the good and the bad certificates that a mail client meets.

The authority's own key stays in memory; certificates and the keys that servers and clients need are files with mode
0600, because `ssl.SSLContext.load_cert_chain` and most mail programs want paths.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

import trustme
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from posthouse_sandbox.files import make_private_folder, write_private

__all__ = ["Authority", "Certificate", "ServerCertificate"]

HOST = "localhost"
ADDRESSES = ("127.0.0.1", "::1")
HOSTS = (HOST, *ADDRESSES)
"""The names that a valid server certificate is issued for."""

OTHER_HOST = "other.sandbox.example"


class ServerCertificate(StrEnum):
    """What is right or wrong with a server's certificate."""

    VALID = "valid"
    WRONG_HOST = "wrong-host"
    EXPIRED = "expired"
    SELF_SIGNED = "self-signed"


@frozen
class Certificate:
    """A certificate and its key, as PEM files.

    Attributes:
        certificate_file: the certificate, followed by intermediate ones where there are any.
        key_file: its private key, without a passphrase.
    """

    certificate_file: Path
    key_file: Path


class Authority:
    """A certificate authority that exists for one sandbox or one test run.

    Args:
        folder: where its files go; created where it does not exist.

    Attributes:
        ca_file: the authority's certificate (PEM), which a client has to trust.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = make_private_folder(folder)
        self._ca = trustme.CA(organization_name="Posthouse sandbox")
        self._issued: dict[str, Certificate] = {}
        self.ca_file = write_private(self._folder / "ca.pem", self._ca.cert_pem.bytes())

    def server(self, kind: ServerCertificate | str = ServerCertificate.VALID) -> Certificate:
        """Return the server certificate of this kind, issued when it is first asked for.

        Raises:
            ValueError: there is no such kind.
        """
        kind = ServerCertificate(kind)
        name = f"server-{kind.value}"
        if name not in self._issued:
            self._issued[name] = self._issue_server(kind, name)
        return self._issued[name]

    def client(self, user: str = "client@sandbox.example") -> Certificate:
        """Return a client certificate for ``user``, to sign in with (RFC 4422, appendix A) or to be let in by TLS."""
        name = f"client-{quote(user, safe='@')}"
        if name not in self._issued:
            self._issued[name] = self._write(name, self._ca.issue_cert(user, common_name=user))
        return self._issued[name]

    def server_context(
        self, kind: ServerCertificate | str = ServerCertificate.VALID, *, client_certificates: bool = False
    ) -> ssl.SSLContext:
        """Return a server's TLS settings with the certificate of this kind.

        Args:
            kind: which certificate it shows.
            client_certificates: True lets in only clients with a certificate of this authority.
        """
        certificate = self.server(kind)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        if client_certificates:
            context.load_verify_locations(self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return a client's TLS settings that trust this authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def _issue_server(self, kind: ServerCertificate, name: str) -> Certificate:
        if kind is ServerCertificate.SELF_SIGNED:
            return self._write_self_signed(name)
        if kind is ServerCertificate.EXPIRED:
            yesterday = datetime.now(UTC) - timedelta(days=1)
            leaf = self._ca.issue_cert(*HOSTS, not_before=yesterday - timedelta(days=30), not_after=yesterday)
        else:
            leaf = self._ca.issue_cert(*((OTHER_HOST,) if kind is ServerCertificate.WRONG_HOST else HOSTS))
        return self._write(name, leaf)

    def _write(self, name: str, leaf: trustme.LeafCert) -> Certificate:
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return self._write_pair(name, chain, leaf.private_key_pem.bytes())

    def _write_self_signed(self, name: str) -> Certificate:
        """Make a certificate that vouches for itself, which trustme does not do."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(HOST), *(x509.IPAddress(ip_address(address)) for address in ADDRESSES)]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(key, hashes.SHA256())
        )
        key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._write_pair(name, certificate.public_bytes(Encoding.PEM), key_pem)

    def _write_pair(self, name: str, chain: bytes, key: bytes) -> Certificate:
        return Certificate(
            write_private(self._folder / f"{name}.pem", chain), write_private(self._folder / f"{name}.key", key)
        )
