"""The keyring of the operating system, with its errors translated."""

from __future__ import annotations

from posthouse.errors import ConfigurationError

__all__ = ["read", "write"]


def read(service: str, user: str) -> str | None:
    """Return an entry's value, None if there is none. May block, and may ask the person to unlock the keyring.

    Raises:
        ConfigurationError: the keyring cannot be used (``secret.keyring``).
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(service, user)
    except (KeyringError, OSError, RuntimeError) as error:
        reason = _reason(error)
    raise _unusable(reason)


def write(service: str, user: str, value: str) -> None:
    """Set an entry's value.

    Raises:
        ConfigurationError: the keyring cannot be used (``secret.keyring``).
    """
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.set_password(service, user, value)
    except (KeyringError, OSError, RuntimeError) as error:
        reason = _reason(error)
    else:
        return
    del value  # so that no traceback shows it
    raise _unusable(reason)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _unusable(reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"The keyring cannot be used: {reason}.",
        code="secret.keyring",
        hint="A machine without a desktop has often none; use env:, file: or sealed: there.",
    )
