"""One account in one line: ``starttls://user:pass@mail.example.org:587?sender=office@example.org``."""

from __future__ import annotations

from posthouse.config.model import Configuration

__all__ = ["from_url"]


def from_url(url: str) -> Configuration:
    """Return a configuration with one account, named ``default``.

    Args:
        url: ``KIND://[USER[:PASSWORD]@]HOST[:PORT][?OPTION=VALUE&…]``. Reserved characters are percent-encoded.

    Raises:
        ConfigurationError: it cannot be understood. The message never shows the password.
    """
    raise NotImplementedError
