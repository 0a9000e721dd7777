"""How a server proves who it is: the context for the handshake, and the certificates that are pinned."""

from __future__ import annotations

import hashlib
import re
import ssl
import warnings
from pathlib import Path
from typing import Any

from attrs import frozen

from posthouse.errors import ConfigurationError, TlsError
from posthouse.tls.settings import FINGERPRINT, TlsSettings

__all__ = ["Trust", "fingerprint", "with_colons"]

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


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
    def of(cls, settings: TlsSettings, *, oldest: str = "1.2") -> Trust:
        """Read what the settings name. Blocks (files, the system's authorities), so call it in a worker thread.

        Args:
            settings: a transport's.
            oldest: the lowest TLS version to allow, ``"1.0"`` to ``"1.3"``; below 1.2 also old ciphers are allowed.

        Raises:
            ConfigurationError: a file cannot be used (``tls.ca-file``, ``tls.trusted-certificate``,
                ``tls.client-cert``).
        """
        context = _with_authorities(settings.ca_file)
        _set_minimum(context, oldest)
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
            pins |= {fingerprint(der) for der in anchors}
        return cls(context, pins, verified=bool(pins) or settings.verify == "full")

    def check(self, encrypted: Any) -> None:
        """Refuse a server whose certificate is not one of those that are pinned. Call it before a byte is sent.

        Args:
            encrypted: an `ssl.SSLSocket`, or a transport's ``ssl_object``, after the handshake.

        Raises:
            TlsError: it is another one (``tls.fingerprint``).
        """
        if not self.pins:
            return
        seen = fingerprint(encrypted.getpeercert(binary_form=True) or b"")
        if seen not in self.pins:
            shown = with_colons(seen)
            raise TlsError(
                "the server's certificate is not one of the pinned ones",
                code="tls.fingerprint",
                hint=f"Its fingerprint is {shown}. If the server has a new certificate, and its administrator confirms "
                "this fingerprint, put it into trusted_certificates.",
                details={"fingerprint": shown},
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


def fingerprint(der: bytes) -> str:
    """Return a certificate's SHA-256 fingerprint in hex."""
    return hashlib.sha256(der).hexdigest()


def with_colons(digest: str) -> str:
    """Return a fingerprint as people compare it: upper case, a colon between the bytes."""
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)).upper()
