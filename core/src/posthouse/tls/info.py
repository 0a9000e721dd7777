"""What a person wants to know about an encrypted connection, for the test report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from posthouse.tls.trust import fingerprint, with_colons

__all__ = ["TlsInfo", "tls_info"]


@frozen(kw_only=True)
class TlsInfo:
    """What a person wants to know about an encrypted connection.

    Attributes:
        version: such as ``"TLSv1.3"``.
        cipher: as OpenSSL calls it.
        subject: whom the server's certificate is for.
        issuer: who vouches for it.
        chain: the subjects of the certificates that the server sent, its own first, and who issued the last one. Before
            Python 3.13 only the server's own can be seen.
        days_left: whole days until the server's certificate expires; negative if it has.
        expires: when that is.
        fingerprint: SHA-256 of the server's certificate, with colons.
    """

    version: str
    cipher: str
    subject: str
    issuer: str
    chain: tuple[str, ...]
    days_left: int
    expires: datetime
    fingerprint: str


def tls_info(encrypted: Any) -> TlsInfo:
    """Describe an encrypted connection.

    Args:
        encrypted: an `ssl.SSLSocket`, or a transport's ``ssl_object``, after the handshake.
    """
    from cryptography.x509 import load_der_x509_certificate

    der = encrypted.getpeercert(binary_form=True)
    certificate = load_der_x509_certificate(der)
    sent = [certificate]
    if hasattr(encrypted, "get_unverified_chain"):
        sent = [load_der_x509_certificate(one) for one in encrypted.get_unverified_chain()]
    chain = [one.subject.rfc4514_string() for one in sent] + [sent[-1].issuer.rfc4514_string()]
    expires = certificate.not_valid_after_utc
    return TlsInfo(
        version=encrypted.version() or "",
        cipher=encrypted.cipher()[0],
        subject=certificate.subject.rfc4514_string() or "(no subject)",
        issuer=certificate.issuer.rfc4514_string(),
        chain=tuple(dict.fromkeys(chain)),
        days_left=(expires - datetime.now(UTC)).days,
        expires=expires,
        fingerprint=with_colons(fingerprint(der)),
    )
