"""``posthouse.toml`` out: edits that keep comments and order."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from posthouse._values import below_key, path_keys
from posthouse.accounts import Account, Options
from posthouse.config.files import parse_toml, read_text_file, write_text_file
from posthouse.config.items import NAMED, item_of, new_table, put, refused, renamed_keys, same, writable_key
from posthouse.config.model import Configuration
from posthouse.config.reading import parse
from posthouse.config.writing import account_table
from posthouse.errors import ConfigurationError

__all__ = ["ConfigurationFile", "parse_value"]

_OWNER_ONLY = 0o600


def parse_value(text: str) -> Any:
    """Return what a person typed as a TOML value: ``25``, ``true``, ``["a"]``, ``{…}``; anything else is text."""
    try:
        data = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    value = data["value"]
    usable = isinstance(value, bool | int | str | list | dict) or (isinstance(value, float) and math.isfinite(value))
    return value if usable and len(data) == 1 else text


class ConfigurationFile:
    """A configuration file that is being edited. Nothing is written before `save`.

    Args:
        path: the file; it need not exist yet.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        import tomlkit

        self.path = Path(path)
        text, trouble = read_text_file(self.path) if self.path.exists() else ("", "")
        data, problem = parse_toml(text)
        if not (trouble or problem):
            self._document = tomlkit.parse(text)
            self._expected = data
            self._read = text
            return
        del text, data
        if trouble:
            raise ConfigurationError(f"{self.path} cannot be read: {trouble}.", code="configuration.unreadable")
        problems = [problem] if problem else []
        raise ConfigurationError(problems=problems, source=str(self.path), code="configuration.syntax")

    @property
    def text(self) -> str:
        """What `save` would write. May hold secrets."""
        return self._document.as_string()

    def account_names(self) -> tuple[str, ...]:
        """Return the names of the accounts in the order of the file."""
        return tuple(self._expected.get("accounts", {}))

    def account(self, name: str) -> Mapping[str, Any]:
        """Return an account's table as written; its repr shows keys only.

        Raises:
            ConfigurationError: there is none of this name (``configuration.no-account``).
        """
        self._must_exist(name)
        return Options(self._expected["accounts"][name])

    def add_account(self, name: str, options: Mapping[str, Any]) -> None:
        """Add an account.

        Raises:
            ConfigurationError: there is one of this name (``configuration.account-exists``).
        """
        import tomlkit

        if name in self.account_names():
            raise ConfigurationError(
                f"There is an account {name!r} in {self.path} already.",
                code="configuration.account-exists",
                hint="Change it with: posthouse accounts edit",
            )
        for key, value in options.items():
            self._set(("accounts", name, key), value)
        if options:
            self._document["accounts"][name].add(tomlkit.nl())

    def edit_account(self, name: str, changes: Mapping[str, Any]) -> None:
        """Change an account: dotted keys below it (``transport.port``) → new values; None removes the key.

        Raises:
            ConfigurationError: there is none of this name (``configuration.no-account``).
        """
        self._must_exist(name)
        for path, value in changes.items():
            keys = ("accounts", name, *path_keys(path))
            if value is None:
                self._unset(keys)
            else:
                self._set(keys, value)

    def put_account(self, account: Account) -> None:
        """Write an account as it is, new or in the place of the one of its name.

        What means the same as before stays as it was written, and comments stay.

        Raises:
            ConfigurationError: a secret cannot be written as it is (``secret.reference``).
        """
        for part, selection in (("transport", account.transport), ("auth", account.auth)):
            for key, value in selection.options.items():
                if value is not None:  # refused here, no frame of a traceback holds what stands in the file
                    item_of(value, ("accounts", account.name, part, key))
        try:
            stored = parse(self.text, str(self.path)).accounts.get(account.name)
        except ConfigurationError:  # what is wrong may be what the new account puts right; `save` looks again
            stored = None
        written = self._expected.get("accounts", {}).get(account.name)
        table = account_table(account, stored, written or {})
        if written is None:
            self.add_account(account.name, table)
        else:
            self.rewrite(f"accounts.{below_key(account.name)}", table)

    def rewrite(self, path: str, table: Mapping[str, Any]) -> None:
        """Make the table at a dotted path hold exactly these values.

        Comments stay, those on keys included whose value did not change but their name did.

        Raises:
            ConfigurationError: a value is nothing that TOML can hold (``configuration.edit``).
        """
        before = self.get(path)
        before = dict(before) if isinstance(before, Mapping) else {}
        new = {key: item_of(value).unwrap() for key, value in table.items() if value is not None}
        renamed = renamed_keys(before, new)
        keys = path_keys(path)
        for old, key in renamed.items():
            self._rename((*keys, old), key)
        for key in before.keys() - new.keys() - renamed.keys():
            self._unset((*keys, key))
        for key, value in new.items():
            old_value = before.get(key)
            if isinstance(value, dict) and isinstance(old_value, dict):
                self.rewrite(f"{path}.{below_key(key)}", value)
            elif key not in renamed.values() and not same(old_value, value):
                self._set((*keys, key), value)

    def remove_account(self, name: str) -> None:
        """Remove an account; what refers to it must be changed too, or `save` refuses.

        Raises:
            ConfigurationError: there is none of this name (``configuration.no-account``).
        """
        self._must_exist(name)
        self._unset(("accounts", name))

    def set_default(self, name: str) -> None:
        """Make an account the default.

        Raises:
            ConfigurationError: there is none of this name (``configuration.no-account``).
        """
        self._must_exist(name)
        self.set("default", name)

    def get(self, path: str) -> Any:
        """Return the value at a dotted path as plain data; None if there is none."""
        value: Any = self._expected
        for key in path_keys(path):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def set(self, path: str, value: Any) -> None:
        """Set the value at a dotted path, making the tables on the way.

        Raises:
            ConfigurationError: the path leads through something that is no table, or the value is nothing that TOML
                can hold (``configuration.edit``).
        """
        self._set(path_keys(path), value)

    def unset(self, path: str) -> None:
        """Remove what stands at a dotted path; nothing happens if nothing does."""
        self._unset(path_keys(path))

    def save(self) -> Configuration:
        """Check the result and write it, all of it or nothing, readable by its owner only.

        Returns:
            What was written, as `load` would read it.

        Raises:
            ConfigurationError: the result has problems, the file was changed meanwhile (``configuration.changed``), or
                it cannot be written (``configuration.unwritable``); nothing was written.
        """
        text = self.text
        broken = tomllib.loads(text) != self._expected
        configuration = None if broken else parse(text, str(self.path))
        unchanged = self._read == (read_text_file(self.path)[0] if self.path.exists() else "")
        trouble = write_text_file(self.path.resolve(), text, _OWNER_ONLY) if configuration and unchanged else ""
        if configuration and unchanged and not trouble:
            self._read, self._expected = text, tomllib.loads(text)
            return configuration
        del text
        if broken:
            raise ConfigurationError(
                f"{self.path} is laid out in a way that cannot be edited automatically.",
                code="configuration.edit",
                hint="Edit the file by hand; nothing was written.",
            )
        if not unchanged:
            raise ConfigurationError(
                f"{self.path} was changed by someone else meanwhile.",
                code="configuration.changed",
                hint="Repeat the change; nothing was written.",
            )
        raise ConfigurationError(f"{self.path} cannot be written: {trouble}.", code="configuration.unwritable")

    def _must_exist(self, name: str) -> None:
        names = self.account_names()
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            known = ", ".join(map(repr, names)) or "none yet"
            raise ConfigurationError(
                f"There is no account {name!r} in {self.path}.",
                code="configuration.no-account",
                hint=f"Did you mean {close[0]!r}?" if close else f"There is {known}.",
            )

    def _set(self, keys: Sequence[str], value: Any) -> None:
        *tables, key = map(writable_key, keys)
        item = item_of(value, keys)
        written: Any = self._document
        plain: Any = self._expected
        for depth, name in enumerate(tables):
            if name not in plain:
                written[name] = new_table(keys, depth)
                plain[name] = {}
            written, plain = written[name], plain[name]
            if not isinstance(plain, dict):
                raise refused(keys[: depth + 1], "holds a value, not a table")
        put(written, key, item)
        plain[key] = item.unwrap()

    def _rename(self, keys: Sequence[str], new: str) -> None:
        *tables, old = keys
        written: Any = self._document
        plain: Any = self._expected
        for name in tables:
            written, plain = written[name], plain[name]
        item = written[old]  # with the comment behind it
        del written[old]
        put(written, new, item)
        plain[new] = plain.pop(old)

    def _unset(self, keys: Sequence[str]) -> None:
        *tables, key = keys
        written: Any = self._document
        plain: Any = self._expected
        for name in tables:
            if not isinstance(plain, dict) or name not in plain:
                return
            written, plain = written[name], plain[name]
        if isinstance(plain, dict) and key in plain:
            del written[key]
            del plain[key]
            if not plain and len(tables) == 1 and tables[0] in NAMED:  # a section without tables cannot be written
                del self._document[tables[0]]
                del self._expected[tables[0]]
