"""The values of a configuration, each with its origin, for ``config show`` and ``accounts show``."""

from __future__ import annotations

from functools import partial
from typing import Any

from posthouse.cli.descriptions import settings_class
from posthouse.cli.invocation import Invocation
from posthouse.cli.output import print_json, print_table
from posthouse.config import Configuration, Entry, entries

__all__ = ["as_toml", "entries_below", "print_entries"]


def entries_below(configuration: Configuration, *prefixes: str) -> list[Entry]:
    """Return the values at or below some dotted paths; an empty path means all."""
    from posthouse._discovery import Registry

    shown = entries(configuration, partial(settings_class, Registry(configuration.plugins)))
    return [entry for entry in shown if any(not p or f"{entry.path}.".startswith(f"{p}.") for p in prefixes)]


def print_entries(invocation: Invocation, found: list[Entry]) -> None:
    """Print values with their origins."""
    if invocation.json:
        print_json([{"path": entry.path, "value": entry.value, "origin": entry.origin} for entry in found])
    else:
        print_table(("Setting", "Value", "From"), [(e.path, as_toml(e.value), e.origin) for e in found])


def as_toml(value: Any) -> str:
    """Return a value as a person writes it in TOML, texts without their quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key} = {as_toml(one)}" for key, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(as_toml, value))
    return "" if value is None else str(value)
