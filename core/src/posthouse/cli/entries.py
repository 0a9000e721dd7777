"""The values of a configuration, each with its origin, for ``config show`` and ``accounts show``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from posthouse._values import below_key
from posthouse.cli.descriptions import settings_class
from posthouse.cli.invocation import Invocation
from posthouse.cli.output import print_json, print_table
from posthouse.cli.versions import Part, parts
from posthouse.config import Configuration, Entry, entries
from posthouse.migrations import VERSION_KEY
from posthouse.structuring import redact

if TYPE_CHECKING:
    from posthouse.accounts import Selection

__all__ = ["as_toml", "entries_below", "print_entries"]


def entries_below(configuration: Configuration, *prefixes: str) -> list[Entry]:
    """Return the values at or below some dotted paths; an empty path means all."""
    from posthouse._discovery import Registry

    registry = Registry(configuration.plugins)
    found = [part for part in parts(configuration, registry) if part.current is not None]
    shown = list(entries(_as_read(configuration, found), partial(settings_class, registry)))
    for part in found:
        first = next(
            (n for n, entry in enumerate(shown) if entry.path.startswith(f"{part.selection.path}.")), len(shown)
        )
        shown[first + 1 : first + 1] = _only_written(part, configuration)
    return [entry for entry in shown if any(not p or f"{entry.path}.".startswith(f"{p}.") for p in prefixes)]


def _as_read(configuration: Configuration, found: list[Part]) -> Configuration:
    """Return the configuration with the settings as the plugins read them, of whichever version they were written."""
    origins = dict(configuration.origins)
    now: dict[str, Selection] = {}
    for part in found:
        assert part.current is not None
        written, path = part.selection.options, part.selection.path
        now[path] = attrs.evolve(part.selection, options=part.current.options)
        for key, value in part.current.options.items():
            if key not in written or written[key] != value:
                origins[f"{path}.{below_key(key)}"] = f"version {part.current.written} of the settings"

    def of(selection: Selection) -> Selection:
        return now.get(selection.path, selection)

    accounts = {
        name: attrs.evolve(account, transport=of(account.transport), auth=of(account.auth))
        for name, account in configuration.accounts.items()
    }
    auth = {name: of(selection) for name, selection in configuration.auth.items()}
    extensions = {name: of(selection) for name, selection in configuration.extensions.items()}
    return attrs.evolve(configuration, accounts=accounts, auth=auth, extensions=extensions, origins=origins)


def _only_written(part: Part, configuration: Configuration) -> list[Entry]:
    """Return the version that the settings were written for, and what the plugin does not know of a newer one."""
    assert part.current is not None
    options, path = part.selection.options, part.selection.path
    values = {VERSION_KEY: options[VERSION_KEY]} if VERSION_KEY in options else {}
    values |= redact(part.current.unknown)
    paths = {f"{path}.{below_key(key)}": value for key, value in values.items()}
    return [Entry(below, value, configuration.origin(below)) for below, value in paths.items()]


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
