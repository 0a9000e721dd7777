"""The keyring of the operating system, with its errors translated."""

from __future__ import annotations

__all__ = ["read", "write"]


def read(service: str, user: str) -> str | None:
    """Return an entry's value, None if there is none.

    Raises:
        ConfigurationError: the keyring cannot be used (``secret.keyring``).
    """
    raise NotImplementedError


def write(service: str, user: str, value: str) -> None:
    """Set an entry's value.

    Raises:
        ConfigurationError: the keyring cannot be used (``secret.keyring``).
    """
    raise NotImplementedError
