"""``posthouse.toml`` out: edits that keep comments and order."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from posthouse.config.model import Configuration

__all__ = ["ConfigurationFile", "parse_value"]


def parse_value(text: str) -> Any:
    """Return what a person typed as a TOML value: ``25``, ``true``, ``["a"]``, ``{…}``; anything else is text."""
    raise NotImplementedError


class ConfigurationFile:
    """A configuration file that is being edited. Nothing is written before `save`.

    Args:
        path: the file; it need not exist yet.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        raise NotImplementedError

    @property
    def text(self) -> str:
        """What `save` would write. May hold secrets."""
        raise NotImplementedError

    def account_names(self) -> tuple[str, ...]:
        """Return the names of the accounts in the order of the file."""
        raise NotImplementedError

    def account(self, name: str) -> Mapping[str, Any]:
        """Return an account's table as written; its repr shows keys only."""
        raise NotImplementedError

    def add_account(self, name: str, options: Mapping[str, Any]) -> None:
        """Add an account."""
        raise NotImplementedError

    def edit_account(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change an account: dotted keys below it (``transport.port``) → new values; None removes the key."""
        raise NotImplementedError

    def remove_account(self, name: str) -> None:
        """Remove an account; what refers to it must be changed too, or `save` refuses."""
        raise NotImplementedError

    def set_default(self, name: str) -> None:
        """Make an account the default."""
        raise NotImplementedError

    def get(self, path: str) -> Any:
        """Return the value at a dotted path as plain data; None if there is none."""
        raise NotImplementedError

    def set(self, path: str, value: Any) -> None:
        """Set the value at a dotted path, making the tables on the way."""
        raise NotImplementedError

    def unset(self, path: str) -> None:
        """Remove what stands at a dotted path."""
        raise NotImplementedError

    def save(self) -> Configuration:
        """Check the result and write it, all of it or nothing, readable by its owner only.

        Returns:
            What was written, as `load` would read it.

        Raises:
            ConfigurationError: the result has problems, or the file was changed meanwhile; nothing was written.
        """
        raise NotImplementedError
