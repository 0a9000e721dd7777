"""Pieces of a TOML document as tomlkit has them: made from plain values, put in their place, compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthouse._values import NO_CHARACTER, below_key, is_unicode
from posthouse.addresses import Address
from posthouse.errors import ConfigurationError, Problem
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from tomlkit.items import Item

__all__ = ["NAMED", "item_of", "new_table", "put", "refused", "renamed_keys", "same", "writable_key"]

NAMED = {"accounts", "auth"}
"""Sections whose tables are named by the user: ``[accounts.NAME]``."""


def put(table: Any, key: str, item: Item) -> None:
    """Set a key; a new one comes before the empty lines that part the table from the next."""
    from tomlkit.items import Table, Whitespace

    body = table.value.body if isinstance(table, Table) and key not in table else []
    empty = []
    while body and isinstance(body[-1][1], Whitespace):
        empty.append(body.pop()[1])
    table[key] = item
    for line in reversed(empty):
        table.add(line)


def renamed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return old key → new key, for values that did not change; a value that several keys have tells nothing."""
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    pairs = {old: [new for new in come if same(before[old], after[new])] for old in gone}
    named = [new for news in pairs.values() for new in news]
    return {old: news[0] for old, news in pairs.items() if len(news) == 1 and named.count(news[0]) == 1}


def same(one: Any, other: Any) -> bool:
    """Return whether two values are the same in TOML too, where 1 is neither true nor 1.0."""
    return type(one) is type(other) and one == other and repr(one) == repr(other)


def new_table(keys: Sequence[str], depth: int) -> Item:
    """Return the table to make for one of the keys on the way to a value."""
    import tomlkit

    if depth == 0 and keys[0] in NAMED:
        return tomlkit.table(is_super_table=True)
    return tomlkit.table() if depth <= (keys[0] in NAMED) else tomlkit.inline_table()


def item_of(value: Any, keys: Sequence[str] = ()) -> Item:
    """Return a value as tomlkit writes it; tables become inline, so that an account stays in one piece.

    Raises:
        ConfigurationError: it is nothing that TOML can hold (``configuration.edit``); the keys say where it stands.
    """
    import tomlkit

    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, one in value.items():
            table[writable_key(key)] = item_of(one, (*keys, key))
        return table
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        array.extend(item_of(one, (*keys, str(number))) for number, one in enumerate(value))
        return array
    if isinstance(value, Secret):
        value = value.as_written()
    if isinstance(value, str | Path | Address):
        text = str(value)
        if is_unicode(text):
            return tomlkit.string(text)
        del text, value  # they may be a secret, and a traceback shows what its frames hold
        raise refused(keys, NO_CHARACTER)
    if isinstance(value, bool | int | float):
        return tomlkit.item(value)
    raise refused(keys, f"a {type(value).__name__} is nothing that a configuration can hold")


def writable_key(key: str) -> str:
    """Return a key that UTF-8 can hold.

    Raises:
        ConfigurationError: it holds lone surrogates (``configuration.edit``).
    """
    if not is_unicode(key):
        raise refused((key,), NO_CHARACTER)
    return key


def refused(keys: Sequence[str], message: str) -> ConfigurationError:
    """Return the error for an edit that makes no sense."""
    return ConfigurationError(problems=[Problem(".".join(map(below_key, keys)), message)], code="configuration.edit")
