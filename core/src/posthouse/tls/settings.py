"""The settings that say whom a TLS connection trusts. Light to import: a transport's settings class needs it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

import attrs

__all__ = ["FINGERPRINT", "TlsSettings", "check_client_key", "check_trusted_certificates"]

FINGERPRINT = re.compile(r"(?:sha-?256[:=])?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)
"""A certificate's SHA-256 fingerprint, with or without colons, as openssl and browsers print it."""


class TlsSettings(Protocol):
    """What a transport's settings class has for `posthouse.tls.trust.Trust`."""

    @property
    def verify(self) -> str:
        """``"full"``, ``"ca-only"`` (a certificate for any name) or ``"none"``."""

    @property
    def ca_file(self) -> Path | None:
        """PEM file with the only authorities to trust, None for the system's."""

    @property
    def trusted_certificates(self) -> tuple[str, ...]:
        """PEM files that are trusted besides, and SHA-256 fingerprints of the only certificates to accept."""

    @property
    def client_cert(self) -> Path | None:
        """PEM file with a certificate that proves who connects, None without."""

    @property
    def client_key(self) -> Path | None:
        """PEM file with its private key, None if that is in the same file."""


def check_trusted_certificates(_: Any, __: attrs.Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    """Validate the setting ``trusted_certificates``.

    Raises:
        ValueError: an entry is a fingerprint of another kind than SHA-256.
    """
    for entry in value:
        if not FINGERPRINT.fullmatch(entry) and re.fullmatch(r"(?:[0-9A-Fa-f]{2}:){8,}[0-9A-Fa-f]{2}", entry):
            raise ValueError(f"found a fingerprint of {entry.count(':') + 1} bytes, expected SHA-256, which has 32")


def check_client_key(settings: TlsSettings, _: attrs.Attribute[Path | None], value: Path | None) -> None:
    """Validate the setting ``client_key``.

    Raises:
        ValueError: it stands without ``client_cert``.
    """
    if value is not None and settings.client_cert is None:
        raise ValueError("client_key is of no use without client_cert")
