"""Providers whose servers are known: ``preset = "gmail-smtp"`` fills what an account does not say itself."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from attrs import Factory, frozen

from posthouse.errors import ConfigurationError

__all__ = ["Preset", "get", "names"]


@frozen(kw_only=True)
class Preset:
    """What is known of a provider.

    Attributes:
        name: the word that ``preset`` names.
        label: what a person calls the provider.
        transport: options of the transport, ``kind`` included.
        auth: options of the sign-in; empty where the server asks for none.
        delivery: limits that the provider states.
        note: what to know before the first mail.
        url: the provider's own page about it.
    """

    name: str
    label: str
    transport: Mapping[str, Any]
    auth: Mapping[str, Any] = Factory(dict)
    delivery: Mapping[str, Any] = Factory(dict)
    note: str = ""
    url: str = ""


def names() -> tuple[str, ...]:
    """Return the names of all presets."""
    return tuple(_all())


def get(name: str) -> Preset:
    """Return a preset.

    Raises:
        ConfigurationError: there is none of this name (``configuration.preset``); the message names similar ones.
    """
    if name in _all():
        return _all()[name]
    close = [known for known in names() if name and name in known] or difflib.get_close_matches(name, names())
    guess = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(names())}"
    raise ConfigurationError(f"no preset {name!r}; {guess}", code="configuration.preset")


@cache
def _all() -> dict[str, Preset]:
    data = tomllib.loads(resources.files("posthouse").joinpath("presets.toml").read_text("utf-8"))
    return {name: Preset(name=name, **preset) for name, preset in data.items()}
