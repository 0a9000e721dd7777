"""``posthouse.toml`` in and out: find it, read it, show it, edit it."""

from __future__ import annotations

from posthouse.config.editing import ConfigurationFile, parse_value
from posthouse.config.locate import candidates, find
from posthouse.config.model import ComposePolicy, Configuration, PluginPolicy, Safety
from posthouse.config.reading import account_from_table, examine, load, parse
from posthouse.config.showing import Entry, entries

__all__ = [
    "ComposePolicy",
    "Configuration",
    "ConfigurationFile",
    "Entry",
    "PluginPolicy",
    "Safety",
    "account_from_table",
    "candidates",
    "entries",
    "examine",
    "find",
    "load",
    "parse",
    "parse_value",
]
