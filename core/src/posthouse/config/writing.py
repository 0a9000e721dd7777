"""An account → the table that says so in a file, as close to what stands there as can be."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs

from posthouse import presets
from posthouse.accounts import Account, Selection
from posthouse.structuring import unstructure

__all__ = ["account_table"]

_PARTS = {"name", "transport", "auth", "delivery"}


def account_table(account: Account, stored: Account | None, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``[accounts.NAME]`` has to hold.

    Args:
        account: as it shall be.
        stored: as it is read from the file now, None if it is not there or cannot be read.
        written: the table in the file. What means the same before and after stays as it was written.
    """
    table = _own(account, stored, written, _PARTS)
    given = written.get("delivery")
    limits = _own(account.delivery, stored.delivery if stored else None, given if isinstance(given, Mapping) else {})
    preset = presets.get(account.preset) if account.preset in presets.names() else None
    filled = preset.delivery if preset else {}
    if limits := {key: value for key, value in limits.items() if key not in filled or value != filled[key]}:
        table["delivery"] = limits
    for part in ("transport", "auth"):
        known = getattr(preset, part, {})
        if (value := _selection(getattr(account, part), known, written.get(part))) not in ({}, None):
            table[part] = value
    return table


def _own(settings: Any, stored: Any, written: Mapping[str, Any], others: Collection[str] = ()) -> dict[str, Any]:
    """Return the settings that are not their defaults, and those that stand there and did not change."""
    table: dict[str, Any] = {}
    for field in attrs.fields(type(settings)):
        if field.name in others:
            continue
        value = getattr(settings, field.name)
        if stored is not None and value == getattr(stored, field.name):
            table |= {field.name: written[field.name]} if field.name in written else {}
        elif value != field.default:
            table[field.name] = unstructure(value)
    return table


def _selection(selection: Selection, known: Mapping[str, Any], written: Any) -> Any:
    """Return a transport or a sign-in; None where nothing has to be said."""
    if selection.name:
        return selection.name
    said = written.keys() if isinstance(written, Mapping) else ()
    kind = {} if selection.kind == known.get("kind", "none") and "kind" not in said else {"kind": selection.kind}
    options = selection.options
    given = {key: value for key, value in options.items() if key not in options.preset and value is not None}
    return {**kind, **given}
