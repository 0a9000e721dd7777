"""Secrets encrypted for a file: AES-256-GCM (NIST SP 800-38D) under a key that lives elsewhere."""

from __future__ import annotations

__all__ = ["generate_key", "seal", "store_key", "unseal"]


def generate_key() -> str:
    """Return a new random key of 32 bytes in base64url, as ``POSTHOUSE_KEY`` holds it."""
    raise NotImplementedError


def store_key(key: str) -> None:
    """Put the key into the keyring of the system, where it is found when ``POSTHOUSE_KEY`` is not set."""
    raise NotImplementedError


def seal(value: str, key: str | None = None) -> str:
    """Encrypt a secret.

    Args:
        value: the secret.
        key: from `generate_key`; None takes that of ``POSTHOUSE_KEY``, else that of the keyring.

    Returns:
        The reference to write into the configuration: ``sealed:…``.

    Raises:
        ConfigurationError: there is no key (``secret.key``).
    """
    raise NotImplementedError


def unseal(reference: str, key: str | None = None) -> str:
    """Return the secret that was sealed.

    Raises:
        ConfigurationError: there is no key (``secret.key``), it is another one, or the text was changed
            (``secret.sealed``).
    """
    raise NotImplementedError
