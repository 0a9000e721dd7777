"""A configuration for people: every value, where it came from, and no secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from posthouse.config.model import Configuration

__all__ = ["Entry", "entries"]


@frozen
class Entry:
    """One value of the configuration.

    Attributes:
        path: dotted path: ``accounts.office.transport.port``.
        value: the value as plain data; a secret as its reference, or ``"***"``.
        origin: where it came from: ``"posthouse.toml line 12"``, ``"preset gmail-smtp"``, ``"url"``, ``"default"``.
    """

    path: str
    value: Any
    origin: str


def entries(
    configuration: Configuration, settings_of: Callable[[str, str], type[Any] | None] = lambda role, kind: None
) -> tuple[Entry, ...]:
    """Return every value in the order of the file.

    Args:
        configuration: what to show.
        settings_of: given ``"transport"`` or ``"authenticator"`` and a kind, returns the plugin's settings class, so
            that its defaults are shown too and only its secrets are hidden. For None every text of the plugin's
            options is hidden unless it is a reference: nobody knows which of them is a secret.
    """
    raise NotImplementedError
