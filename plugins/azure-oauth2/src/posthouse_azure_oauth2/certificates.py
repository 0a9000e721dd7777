"""An application's certificate and its key, from a PEM or a PFX file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from posthouse.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate

__all__ = ["ClientCertificate", "read_certificate"]


@frozen
class ClientCertificate:
    """A certificate with its private key.

    Attributes:
        certificate: what Entra ID knows.
        private_key: what signs.
    """

    certificate: Certificate
    private_key: Any = field(repr=False)

    @property
    def expires_at(self) -> float:
        """When it runs out, in seconds since 1970 (UTC)."""
        return self.certificate.not_valid_after_utc.timestamp()

    def as_msal(self) -> dict[str, Any]:
        """Return it as msal takes a client credential: it signs with PS256 and names the SHA-256 thumbprint."""
        from cryptography.hazmat.primitives.serialization import Encoding

        return {
            "private_key": self.private_key,
            "public_certificate": self.certificate.public_bytes(Encoding.PEM).decode("ascii"),
        }


def read_certificate(path: Path, passphrase: str | None) -> ClientCertificate:
    """Read a file with a certificate and its key.

    Raises:
        ConfigurationError: it cannot be read, lacks a part, or the passphrase does not open it (``certificate``).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__, "Check the path and who may read it.") from error
    secret = passphrase.encode() if passphrase else None
    del passphrase
    found, trouble = _parse(data, secret)
    del data, secret  # so that no traceback shows them
    if found is None:
        raise _unusable(path, trouble, "Set password to the key's passphrase, or export certificate and key again.")
    _check_pair(path, found)
    return found


def _parse(data: bytes, passphrase: bytes | None) -> tuple[ClientCertificate | None, str]:
    """Return what a file holds, or what is wrong; raises nothing, so that no traceback has a frame with the key."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
    from cryptography.x509 import load_pem_x509_certificate

    try:
        if b"-----BEGIN" in data:
            return ClientCertificate(
                load_pem_x509_certificate(data), load_pem_private_key(_key_block(data), passphrase)
            ), ""
        key, certificate, _ = pkcs12.load_key_and_certificates(data, passphrase)
    except TypeError:
        return None, "its key has a passphrase and none is set, or the other way round"
    except ValueError:
        return None, "it is damaged, the passphrase is wrong, or it lacks the certificate or the key"
    if key is None or certificate is None:
        return None, "it lacks the certificate or the key"
    return ClientCertificate(certificate, key), ""


def _key_block(data: bytes) -> bytes:
    """Return the part of a PEM file that begins with the private key, wherever it stands."""
    lines = data.splitlines(keepends=True)
    start = next((n for n, line in enumerate(lines) if line.startswith(b"-----BEGIN") and b"PRIVATE KEY" in line), 0)
    return b"".join(lines[start:])


def _check_pair(path: Path, found: ClientCertificate) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if not isinstance(found.private_key, RSAPrivateKey):
        raise _unusable(path, "its key is not an RSA key", "Entra ID takes certificates with RSA keys only.")
    if found.private_key.public_key() != found.certificate.public_key():
        raise _unusable(path, "the key does not belong to the certificate", "Put the certificate's own key beside it.")


def _unusable(path: Path, trouble: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"The certificate {path} cannot be used: {trouble}.", code="certificate", hint=hint)
