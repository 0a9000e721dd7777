"""``posthouse.toml`` in: syntax, shape, references between its parts."""

from __future__ import annotations

from os import PathLike

from posthouse.config.model import Configuration

__all__ = ["load", "parse"]


def load(path: str | PathLike[str] | None = None) -> Configuration:
    """Read the configuration file, found as `find` does.

    Raises:
        ConfigurationError: it cannot be found or read, or has problems, all of which the error lists.
    """
    raise NotImplementedError


def parse(text: str, source: str) -> Configuration:
    """Read a configuration from its text.

    Args:
        text: TOML.
        source: the name of the file, for messages; relative paths in it are relative to its folder.

    Raises:
        ConfigurationError: it has problems, all of which the error lists.
    """
    raise NotImplementedError
