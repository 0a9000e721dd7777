"""What makes a connection trustworthy: contexts, pinned certificates, and what a person wants to know about both."""

from __future__ import annotations

import hashlib
import re
import ssl
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import frozen

from posthouse.errors import ConfigurationError, TlsError
from posthouse_esmtp.settings import FINGERPRINT, EsmtpSettings

__all__ = ["TlsInfo", "Trust", "tls_info"]

_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@frozen
class Trust:
    """How a server proves who it is.

    Attributes:
        context: for the handshake.
        server_name: what is asked for, and must stand in the certificate.
        pins: SHA-256 fingerprints in hex of the only certificates that are accepted; empty if any valid one is.
        verified: True if a server that passes is certainly the one that was meant.
    """

    context: ssl.SSLContext
    server_name: str
    pins: frozenset[str]
    verified: bool

    @classmethod
    def of(cls, settings: EsmtpSettings) -> Trust:
        """Read what the settings name. Blocks (files, the system's authorities), so call it in a worker thread.

        Raises:
            ConfigurationError: a file cannot be used (``tls.ca-file``, ``tls.trusted-certificate``,
                ``tls.client-cert``).
        """
        context = _with_authorities(settings.ca_file)
        _set_minimum(context, settings.tls_min)
        pins, anchors = _trusted(settings.trusted_certificates)
        for der in anchors:
            context.load_verify_locations(cadata=der)
        if anchors:
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate can be an anchor
        if settings.client_cert:
            _load_client_cert(context, settings.client_cert, settings.client_key)
        if pins or settings.verify != "full":
            context.check_hostname = False
        if pins or settings.verify == "none":
            context.verify_mode = ssl.CERT_NONE
        if pins:
            pins |= {_fingerprint(der) for der in anchors}
        return cls(
            context,
            settings.server_name or settings.host,
            pins,
            verified=bool(pins) or settings.verify == "full",
        )

    def check(self, ssl_object: Any) -> None:
        """Refuse a server whose certificate is not one of those that are pinned. Call it before a byte is sent.

        Raises:
            TlsError: it is another one (``tls.fingerprint``).
        """
        if not self.pins:
            return
        seen = _fingerprint(ssl_object.getpeercert(binary_form=True) or b"")
        if seen not in self.pins:
            raise TlsError(
                "the server's certificate is not one of the pinned ones",
                code="tls.fingerprint",
                hint=f"Its fingerprint is {_with_colons(seen)}. If the server has a new certificate, and its "
                "administrator confirms this fingerprint, put it into trusted_certificates.",
                details={"fingerprint": _with_colons(seen)},
            )


def _set_minimum(context: ssl.SSLContext, version: str) -> None:
    if version in ("1.0", "1.1"):
        with warnings.catch_warnings():  # Python warns of what the setting already asks for with open eyes
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = _VERSIONS[version]
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # OpenSSL 3 allows these versions at no higher level
    else:
        context.minimum_version = _VERSIONS[version]


def _with_authorities(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise _unusable("ca_file", ca_file, "tls.ca-file", error) from error


def _trusted(entries: tuple[str, ...]) -> tuple[frozenset[str], list[bytes]]:
    """Return fingerprints, and the certificates of the PEM files."""
    pins = set()
    anchors: list[bytes] = []
    for entry in entries:
        if match := FINGERPRINT.fullmatch(entry):
            pins.add(match[1].replace(":", "").lower())
        else:
            anchors += _certificates(Path(entry).expanduser())
    return frozenset(pins), anchors


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


# --- for the test report ----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class TlsInfo:
    """What a person wants to know about an encrypted connection.

    Attributes:
        version: such as ``"TLSv1.3"``.
        cipher: as OpenSSL calls it.
        chain: the subjects of the certificates that the server sent, its own first, and who issued the last one. Before
            Python 3.13 only the server's own can be seen.
        days_left: whole days until the server's certificate expires; negative if it has.
        expires: when that is.
        fingerprint: SHA-256 of the server's certificate, with colons.
    """

    version: str
    cipher: str
    chain: tuple[str, ...]
    days_left: int
    expires: datetime
    fingerprint: str


def tls_info(ssl_object: Any) -> TlsInfo:
    """Describe an encrypted connection.

    Args:
        ssl_object: the transport's ``ssl_object``, after the handshake.
    """
    from cryptography.x509 import load_der_x509_certificate

    der = ssl_object.getpeercert(binary_form=True)
    certificate = load_der_x509_certificate(der)
    sent = [certificate]
    if hasattr(ssl_object, "get_unverified_chain"):
        sent = [load_der_x509_certificate(one) for one in ssl_object.get_unverified_chain()]
    chain = [one.subject.rfc4514_string() for one in sent] + [sent[-1].issuer.rfc4514_string()]
    expires = certificate.not_valid_after_utc
    return TlsInfo(
        version=ssl_object.version() or "",
        cipher=ssl_object.cipher()[0],
        chain=tuple(dict.fromkeys(chain)),
        days_left=(expires - datetime.now(UTC)).days,
        expires=expires,
        fingerprint=_with_colons(_fingerprint(der)),
    )
