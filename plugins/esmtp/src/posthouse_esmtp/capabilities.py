"""What every SMTP transport can carry, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from posthouse.providers import Capabilities, CredentialKind

__all__ = ["ACCEPTS", "CAPABILITIES", "RESOURCES"]

CAPABILITIES = Capabilities(
    raw_mime=True,
    exact_bytes=True,
    envelope_sender=True,
    envelope_recipients=True,
    custom_headers="any",
    dsn=True,
    require_tls=True,
    read_receipt=True,
    html=True,
    inline_images=True,
    unicode_addresses=True,
    any_sender=True,
    message_id=True,
)
"""What the protocol can do. What a particular server does not offer is an error when a message asks for it."""

ACCEPTS = frozenset({CredentialKind.NONE, CredentialKind.PASSWORD, CredentialKind.BEARER})
"""The credentials that SASL can put on the wire."""

RESOURCES: Mapping[str, str] = MappingProxyType({"azure-oauth2": "smtp", "oauth2": "smtp"})
"""What to ask an authenticator's token for."""
