"""Private keys: read, judged, and used to sign."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
from collections.abc import Callable

from attrs import frozen
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from posthouse.errors import ConfigurationError
from posthouse_dkim.settings import Algorithm, SigningKey

__all__ = ["SMALL", "PrivateKey", "load"]

_LEAST = 1024  # bits: verifiers refuse less (RFC 8301 section 3.2)
SMALL = 2048
"""Bits that an RSA key should have (RFC 8301 section 3.2)."""

_SEED = 32  # bytes
_log = logging.getLogger("posthouse.dkim")


@frozen
class PrivateKey:
    """A key that can sign.

    Attributes:
        algorithm: what it signs with.
        bits: its size.
        public: what the DNS record says of it: ``v=DKIM1; k=rsa; p=…``.
        sign: returns the signature of some bytes.
    """

    algorithm: Algorithm
    bits: int
    public: str
    sign: Callable[[bytes], bytes]

    @property
    def is_small(self) -> bool:
        """True if receivers may soon not take it any more."""
        return self.algorithm is Algorithm.RSA_SHA256 and self.bits < SMALL


def load(entry: SigningKey) -> PrivateKey:
    """Read a key. May block.

    Raises:
        ConfigurationError: it cannot be read, or is no key, too small, or of another algorithm (``dkim.key``).
    """
    key, trouble = _read(entry.key.reveal())
    if key is None:
        raise _unusable(entry, trouble, "It holds one private key in PEM: openssl genrsa 2048, for example.")
    if key.bits < _LEAST and key.algorithm is Algorithm.RSA_SHA256:
        raise _unusable(entry, f"it has {key.bits} bits, and receivers refuse less than {_LEAST}", _NEW)
    if entry.algorithm not in {None, key.algorithm}:
        raise _unusable(entry, f"it is a key for {key.algorithm}, not for {entry.algorithm}", "Change one of them.")
    if key.is_small:
        _log.warning("the DKIM key %s has only %d bits; make one of %d", entry.record, key.bits, SMALL)
    return key


_NEW = "Make a new key, publish it under another selector, and name both here."


def _unusable(entry: SigningKey, why: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        f"The DKIM key {entry.record} ({entry.key.reference}) cannot be used: {why}.", code="dkim.key", hint=hint
    )


def _read(text: str) -> tuple[PrivateKey | None, str]:
    """Return a key or what is wrong with it; raises nothing, so that no traceback has a frame that holds the text."""
    if "-----BEGIN" not in text:
        seed = _seed(text)
        return (_ed25519(Ed25519PrivateKey.from_private_bytes(seed)), "") if seed else (None, "it is no PEM")
    try:  # an environment variable may have "\n" for its line ends
        key = load_pem_private_key(text.replace("\\n", "\n").encode(), password=None)
    except TypeError:
        return None, "it is encrypted with a pass phrase; take that off, and seal it instead: posthouse secrets seal"
    except Exception:  # cryptography raises many sorts, and their texts say little
        return None, "its PEM holds no private key"
    if isinstance(key, RSAPrivateKey):
        return _rsa(key), ""
    if isinstance(key, Ed25519PrivateKey):
        return _ed25519(key), ""
    return None, "it is neither an RSA nor an Ed25519 key"


def _seed(text: str) -> bytes:
    try:
        seed = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return seed if len(seed) == _SEED else b""


def _rsa(key: RSAPrivateKey) -> PrivateKey:
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PrivateKey(
        Algorithm.RSA_SHA256,
        key.key_size,
        f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}",
        lambda data: key.sign(data, PKCS1v15(), SHA256()),
    )


def _ed25519(key: Ed25519PrivateKey) -> PrivateKey:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PrivateKey(
        Algorithm.ED25519_SHA256,
        256,
        f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}",
        lambda data: key.sign(hashlib.sha256(data).digest()),  # the hash is what is signed (RFC 8463 section 3)
    )
