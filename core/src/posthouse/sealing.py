"""Secrets encrypted for a file: AES-256-GCM (NIST SP 800-38D) under a key that lives elsewhere."""

from __future__ import annotations

import base64
import os
import secrets

from posthouse import keyrings
from posthouse.errors import ConfigurationError

__all__ = ["generate_key", "has_stored_key", "seal", "store_key", "unseal"]

PREFIX = "sealed:v1."
VARIABLE = "POSTHOUSE_KEY"
KEYRING_SERVICE = "posthouse"
KEYRING_USER = "sealing-key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_CONTEXT = b"posthouse sealed v1"  # authenticated along: what was sealed for another purpose does not open here


def generate_key() -> str:
    """Return a new random key of 32 bytes in base64url, as ``POSTHOUSE_KEY`` holds it."""
    return _encode(secrets.token_bytes(_KEY_BYTES))


def store_key(key: str) -> None:
    """Put the key into the keyring of the system, where it is found when ``POSTHOUSE_KEY`` is not set.

    Raises:
        ConfigurationError: it is no key (``secret.key``), or the keyring cannot be used (``secret.keyring``).
    """
    usable = len(_decode(key)) == _KEY_BYTES
    if usable:
        keyrings.write(KEYRING_SERVICE, KEYRING_USER, key)
        return
    del key
    raise _malformed("The given key")


def has_stored_key() -> bool:
    """Return whether the keyring of the system holds a key.

    Raises:
        ConfigurationError: the keyring cannot be used (``secret.keyring``).
    """
    return bool(keyrings.read(KEYRING_SERVICE, KEYRING_USER))


def seal(value: str, key: str | None = None) -> str:
    """Encrypt a secret.

    Args:
        value: the secret.
        key: from `generate_key`; None takes that of ``POSTHOUSE_KEY``, else that of the keyring. May block.

    Returns:
        The reference to write into the configuration: ``sealed:v1.…``; another one each time.

    Raises:
        ConfigurationError: there is no key, or it is malformed (``secret.key``).
    """
    material, trouble = _material(key)
    if trouble:
        del value, key
        raise trouble
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return PREFIX + _encode(nonce + AESGCM(material).encrypt(nonce, value.encode("utf-8", "surrogatepass"), _CONTEXT))


def unseal(reference: str, key: str | None = None) -> str:
    """Return the secret that was sealed.

    Raises:
        ConfigurationError: there is no key (``secret.key``), it is another one, or the text was changed
            (``secret.sealed``).
    """
    material, trouble = _material(key)
    if trouble:
        del key
        raise trouble
    value = _open(reference, material)
    if value is not None:
        return value
    del key, material
    raise ConfigurationError(
        "A sealed secret cannot be opened: it was sealed with another key, or the text was changed or cut.",
        code="secret.sealed",
        hint=f"Set {VARIABLE} to the key it was sealed with, or seal the secret again: posthouse secrets seal",
    )


def _open(reference: str, material: bytes) -> str | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    box = _decode(reference.removeprefix(PREFIX)) if reference.startswith(PREFIX) else b""
    if len(box) <= _NONCE_BYTES:
        return None
    try:
        opened = AESGCM(material).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], _CONTEXT)
    except InvalidTag:
        return None
    return opened.decode("utf-8", "surrogatepass")


def _material(key: str | None) -> tuple[bytes, ConfigurationError | None]:
    """Return the key's bytes, or what is wrong; raises nothing, so that no traceback has a frame that holds a key."""
    origin = "The given key"
    if key is None:
        origin, key = VARIABLE, os.environ.get(VARIABLE)
    if not key:
        try:
            origin, key = "The key in the keyring", keyrings.read(KEYRING_SERVICE, KEYRING_USER)
        except ConfigurationError as error:
            return b"", _missing(error.message)
    if not key:
        return b"", _missing("The keyring has none either.")
    material = _decode(key)
    return (material, None) if len(material) == _KEY_BYTES else (b"", _malformed(origin))


def _missing(keyring_says: str) -> ConfigurationError:
    return ConfigurationError(
        f"There is no key for sealed secrets: {VARIABLE} is not set. {keyring_says}",
        code="secret.key",
        hint=f"Make one with `posthouse secrets new-key`, and set {VARIABLE} for every process that sends.",
    )


def _malformed(origin: str) -> ConfigurationError:
    return ConfigurationError(
        f"{origin} is not a key for sealed secrets: expected {_KEY_BYTES} bytes in base64url.",
        code="secret.key",
        hint="Make one with `posthouse secrets new-key`; a password or passphrase is no key.",
    )


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """Return what base64url text holds; nothing if it is none."""
    text = text.strip().rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b""
