"""What the mail program can carry by the best method, as data. What a method cannot is among its objections."""

from __future__ import annotations

from posthouse.providers import Capabilities, CredentialKind

__all__ = ["ACCEPTS", "CAPABILITIES"]

CAPABILITIES = Capabilities(
    raw_mime=True,
    envelope_sender=False,
    envelope_recipients=True,
    custom_headers="any",
    dsn=True,
    require_tls=False,
    read_receipt=True,
    html=True,
    inline_images=True,
    unicode_addresses=False,
    any_sender=True,
    message_id=True,
    compose=True,
)

ACCEPTS = frozenset({CredentialKind.NONE})
"""Nobody signs in here: the mail program has its profile."""
