"""What makes a server trustworthy: the account's own TLS settings, whatever the environment says."""

from __future__ import annotations

import hashlib
import re
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from posthouse.errors import ConfigurationError, TlsError
from posthouse_ews.settings import FINGERPRINT, EwsSettings

__all__ = ["TlsInfo", "Trust", "tls_info"]

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@frozen
class Trust:
    """How a server proves who it is.

    Attributes:
        context: for the handshake.
        pins: SHA-256 fingerprints in hex of the only certificates that are accepted; empty if any valid one is.
        verified: True if a server that passes is certainly the one that was meant.
    """

    context: ssl.SSLContext
    pins: frozenset[str]
    verified: bool

    @classmethod
    def of(cls, settings: EwsSettings) -> Trust:
        """Read what the settings name. Blocks (files, the system's authorities), so call it in a worker thread.

        Raises:
            ConfigurationError: a file cannot be used (``tls.ca-file``, ``tls.trusted-certificate``,
                ``tls.client-cert``).
        """
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
        except (OSError, ValueError) as error:
            raise _unusable("ca_file", settings.ca_file, "tls.ca-file", error) from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        entries = [(entry, FINGERPRINT.fullmatch(entry)) for entry in settings.trusted_certificates]
        pins = {match[1].replace(":", "").lower() for _, match in entries if match}
        anchors = [der for entry, match in entries if not match for der in _certificates(Path(entry).expanduser())]
        for der in anchors:
            context.load_verify_locations(cadata=der)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate can be an anchor
        if settings.client_cert:
            _load_client_cert(context, settings.client_cert, settings.client_key)
        if pins or settings.verify != "full":
            context.check_hostname = False
        if pins or settings.verify == "none":
            context.verify_mode = ssl.CERT_NONE
        if pins:
            pins |= {_fingerprint(der) for der in anchors}
        return cls(context, frozenset(pins), verified=bool(pins) or settings.verify == "full")

    def check(self, sock: Any) -> None:
        """Refuse a server whose certificate is not one of those that are pinned. Call it before a byte is sent.

        Raises:
            TlsError: it is another one (``tls.fingerprint``).
        """
        if not self.pins:
            return
        seen = _fingerprint(sock.getpeercert(binary_form=True) or b"")
        if seen not in self.pins:
            shown = _with_colons(seen)
            raise TlsError(
                "the server's certificate is not one of the pinned ones",
                code="tls.fingerprint",
                hint=f"Its fingerprint is {shown}. If the server has a new certificate, and its administrator confirms "
                "this fingerprint, put it into trusted_certificates.",
                details={"fingerprint": shown},
            )


@frozen(kw_only=True)
class TlsInfo:
    """What a person wants to know about an encrypted connection.

    Attributes:
        version: such as ``"TLSv1.3"``.
        cipher: as OpenSSL calls it.
        subject: whom the server's certificate is for.
        issuer: who vouches for it.
        days_left: whole days until it expires; negative if it has.
        expires: when that is.
        fingerprint: its SHA-256, with colons.
    """

    version: str
    cipher: str
    subject: str
    issuer: str
    days_left: int
    expires: datetime
    fingerprint: str


def tls_info(sock: Any) -> TlsInfo:
    """Describe a connected TLS socket."""
    from cryptography.x509 import load_der_x509_certificate

    der = sock.getpeercert(binary_form=True)
    certificate = load_der_x509_certificate(der)
    expires = certificate.not_valid_after_utc
    return TlsInfo(
        version=sock.version() or "",
        cipher=sock.cipher()[0],
        subject=certificate.subject.rfc4514_string() or "(no subject)",
        issuer=certificate.issuer.rfc4514_string(),
        days_left=(expires - datetime.now(UTC)).days,
        expires=expires,
        fingerprint=_with_colons(_fingerprint(der)),
    )


def _certificates(path: Path) -> list[bytes]:
    try:
        found = [ssl.PEM_cert_to_DER_cert(pem) for pem in _PEM.findall(path.read_text("ascii", "replace"))]
    except (OSError, ValueError) as error:
        raise _unusable("trusted_certificates", path, "tls.trusted-certificate", error) from error
    if not found:
        raise _unusable("trusted_certificates", path, "tls.trusted-certificate", ValueError("no certificate in it"))
    return found


def _load_client_cert(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    def refuse_passphrase() -> str:
        raise ValueError("its key has a passphrase; store it without, readable by this user only")

    try:
        context.load_cert_chain(certificate, key, password=refuse_passphrase)
    except (OSError, ValueError) as error:
        raise _unusable("client_cert", certificate, "tls.client-cert", error) from error


def _unusable(name: str, path: Path | None, code: str, error: Exception) -> ConfigurationError:
    reason = (isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror) or str(error)
    return ConfigurationError(
        f"{name}: {path} cannot be used: {reason}",
        code=code,
        hint="It must be a readable PEM file (-----BEGIN CERTIFICATE-----).",
    )


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest()


def _with_colons(fingerprint: str) -> str:
    return ":".join(fingerprint[i : i + 2] for i in range(0, len(fingerprint), 2)).upper()
