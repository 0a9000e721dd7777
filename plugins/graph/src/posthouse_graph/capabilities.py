"""What Graph can carry, as data. What depends on the message or the settings is in `routes`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from posthouse.providers import Capabilities, CredentialKind

__all__ = ["ACCEPTS", "CAPABILITIES", "RESOURCES"]

CAPABILITIES = Capabilities(
    raw_mime=True,
    envelope_sender=False,
    envelope_recipients=True,
    custom_headers="any",
    dsn=False,
    require_tls=False,
    read_receipt=True,
    html=True,
    inline_images=True,
    unicode_addresses=False,
    any_sender=True,
    message_id=True,
    compose=True,
    max_recipients=1000,
)
"""What the protocol can do. Exchange takes at most 1000 recipients, and fewer where the administrator says so."""

ACCEPTS = frozenset({CredentialKind.BEARER})

RESOURCES: Mapping[str, str] = MappingProxyType({"azure-oauth2": "graph", "oauth2": "graph"})
"""What to ask an authenticator's token for."""
