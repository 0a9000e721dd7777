"""What the tests share: an authority, a way to connect that cleans up, and messages."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential
from posthouse_esmtp.connection import EsmtpConnection
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer

Connect = Callable[..., Awaitable[EsmtpConnection]]
Submit = Callable[..., Submission]


class Certificates:
    """Good and bad certificates for a server at 127.0.0.1, made when they are first asked for."""

    def __init__(self, authority: trustme.CA, folder: Path) -> None:
        self._authority = authority
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)

    def context(self, kind: str = "valid") -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.pem(kind), self._folder / f"{kind}.key")
        return context

    def pem(self, kind: str = "valid") -> Path:
        """Return the file with the server's own certificate."""
        path = self._folder / f"{kind}.pem"
        if not path.exists():
            certificate, key = self._make(kind)
            path.write_bytes(certificate)
            (self._folder / f"{kind}.key").write_bytes(key)
        return path

    def fingerprint(self, kind: str = "valid") -> str:
        der = ssl.PEM_cert_to_DER_cert(self.pem(kind).read_text())
        return hashlib.sha256(der).hexdigest()

    def _make(self, kind: str) -> tuple[bytes, bytes]:
        now = datetime.now(UTC)
        if kind == "self_signed":
            return _self_signed(now)
        authority = trustme.CA() if kind == "unknown_authority" else self._authority
        names = ["other.example"] if kind.startswith("wrong_host") else ["127.0.0.1", "localhost"]
        days_left = {"expired": -1, "soon": 20}.get(kind.removeprefix("wrong_host_"), 90)
        leaf = authority.issue_cert(
            *names, not_before=now - timedelta(days=100), not_after=now + timedelta(days=days_left, minutes=5)
        )
        return leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes()


def _self_signed(now: datetime) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificates(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(authority, tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def ca_file(certificates: Certificates) -> Path:
    return certificates.ca_file


@pytest.fixture(scope="session")
def server_tls(certificates: Certificates) -> ssl.SSLContext:
    return certificates.context()


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
