"""What Exchange Web Services can carry, as data."""

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
)
"""What the protocol can do; the limits on sizes and recipients are the administrator's, and not told beforehand."""

ACCEPTS = frozenset({CredentialKind.PASSWORD, CredentialKind.NTLM, CredentialKind.KERBEROS, CredentialKind.BEARER})

RESOURCES: Mapping[str, str] = MappingProxyType({"azure-oauth2": "ews", "oauth2": "ews"})
"""What to ask an authenticator's token for."""
