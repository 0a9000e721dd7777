"""Where the configuration is looked for."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path

from posthouse.errors import ConfigurationError

__all__ = ["candidates", "find"]

FILE_NAME = "posthouse.toml"
VARIABLE = "POSTHOUSE_CONFIG"


def candidates(path: str | PathLike[str] | None = None) -> tuple[Path, ...]:
    """Return the places to look at, in order.

    That is the given path alone, else the one that ``POSTHOUSE_CONFIG`` names alone, else ``./posthouse.toml`` and the
    user's configuration folder.
    """
    if path is None:
        path = os.environ.get(VARIABLE) or None
    if path is not None:
        return (Path(path),)
    from platformdirs import user_config_path

    return (Path(FILE_NAME), user_config_path("posthouse", appauthor=False) / FILE_NAME)


def find(path: str | PathLike[str] | None = None) -> Path:
    """Return the configuration file to use.

    Args:
        path: what the caller asked for, such as ``--config FILE``; None to look in the usual places.

    Raises:
        ConfigurationError: there is none (``configuration.not-found``); the message lists the places looked at.
    """
    places = candidates(path)
    for place in places:
        if place.exists():
            return place
    looked_at = ", ".join(str(place.absolute()) for place in places)
    raise ConfigurationError(
        f"No configuration found. Looked at: {looked_at}",
        code="configuration.not-found",
        hint=f"Write one of these files, name another with --config FILE or {VARIABLE}, or use a URL.",
    )
