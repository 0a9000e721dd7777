"""``posthouse.toml`` in: syntax, shape, references between its parts. Every problem is found, not just the first."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import attrs
from attrs import frozen

from posthouse import presets
from posthouse._readers import unknown_key
from posthouse._values import below_key, shown
from posthouse.accounts import Account, Options, Selection, User
from posthouse.config.files import TOO_DEEP, file_warnings, parse_toml, read_text_file
from posthouse.config.lines import key_lines
from posthouse.config.locate import find
from posthouse.config.model import ComposePolicy, Configuration, PluginPolicy, Safety
from posthouse.errors import ConfigurationError, Problem
from posthouse.migrations import VERSION_KEY
from posthouse.schema import setting
from posthouse.structuring import structure

__all__ = ["account_from_table", "examine", "load", "parse"]

T = TypeVar("T")

_NOWHERE = Selection(kind="none")
_EXAMPLES = {
    "transport": 'a transport such as "smtp", "smtps" or "starttls"',
    "auth": 'a sign-in such as "none" or "password"',
}
_ACCOUNT_KEYS = tuple(field.name for field in attrs.fields(Account) if field.name != "name")
_MEANT_FOR_NOBODY = (("safety", "allow_recipients"), ("safety", "redirect_to"), ("plugins", "allow"))


@frozen(kw_only=True)
class _Root:
    """The top of the file."""

    default: str | None = setting(None, label="Default account")
    users: Mapping[str, Any] = setting({}, label="Users")
    purposes: Mapping[str, str] = setting({}, label="Purposes")
    safety: Safety = setting(Safety(), label="Safety")
    compose: ComposePolicy = setting(ComposePolicy(), label="Compose")
    plugins: PluginPolicy = setting(PluginPolicy(), label="Plugins")
    extensions: Mapping[str, Mapping[str, Any]] = setting({}, label="Extensions")
    auth: Mapping[str, Mapping[str, Any]] = setting({}, label="Shared sign-ins")
    accounts: Mapping[str, Mapping[str, Any]] = setting({}, label="Accounts")


_UNUSABLE = _Root()


def load(path: str | PathLike[str] | None = None) -> Configuration:
    """Read the configuration file, found as `find` does.

    Raises:
        ConfigurationError: it cannot be found (``configuration.not-found``) or read (``configuration.unreadable``), is
            no TOML (``configuration.syntax``), or has problems, all of which the error lists
            (``configuration.invalid``).
    """
    return _sound(*examine(path))


def examine(path: str | PathLike[str] | None = None) -> tuple[Configuration, tuple[Problem, ...]]:
    """Read the configuration file as far as it goes, for a check that goes on to look at the plugins' settings.

    Returns:
        What can be used for that, and everything that is wrong. An account with problems of its own has its transport
        and its sign-in only; where nobody can tell which plugins may run, there are no accounts.

    Raises:
        ConfigurationError: the file cannot be found or read, or is no TOML.
    """
    found = find(path)
    text, trouble = read_text_file(found)
    if trouble:
        raise ConfigurationError(f"{found} cannot be read: {trouble}.", code="configuration.unreadable")
    result = _read(text, str(found), file_warnings(found))
    del text  # it may hold secrets, and a traceback shows what its frames hold
    if isinstance(result, ConfigurationError):
        raise result
    return result


def parse(text: str, source: str) -> Configuration:
    """Read a configuration from its text.

    Args:
        text: TOML.
        source: the name of the file, for messages; relative paths in it are relative to its folder.

    Raises:
        ConfigurationError: it is no TOML, or has problems, all of which the error lists.
    """
    result = _read(text, source, ())
    del text
    if isinstance(result, ConfigurationError):
        raise result
    return _sound(*result)


def account_from_table(
    name: str, table: Mapping[str, Any], configuration: Configuration
) -> tuple[Account | None, tuple[Problem, ...]]:
    """Read one table ``[accounts.NAME]`` as if it stood in the configuration, presets and shared sign-ins included.

    Returns:
        The account and its problems. With problems of its own it has its transport and its sign-in only; without a
        transport there is none.
    """
    reading = _Reading(configuration.source or "posthouse.toml", {})
    reading.account(name, table, configuration.auth)
    return reading.usable.get(name), tuple(reading.problems)


def _sound(configuration: Configuration, problems: tuple[Problem, ...]) -> Configuration:
    if problems:
        raise ConfigurationError(problems=problems, source=configuration.source, code="configuration.invalid")
    return configuration


def _read(
    text: str, source: str, warnings: tuple[Problem, ...]
) -> tuple[Configuration, tuple[Problem, ...]] | ConfigurationError:
    data, problem = parse_toml(text)
    lines: dict[str, int] = {}
    try:
        lines = key_lines(text) if not problem else {}
    except RecursionError:
        problem = TOO_DEEP
    if problem:
        return ConfigurationError(problems=[problem], source=source, code="configuration.syntax")
    reading = _Reading(source, lines)
    configuration = reading.configuration(data, warnings)
    return configuration, tuple(map(reading.with_line, reading.problems))


class _Reading:
    """One pass over the data, collecting what is wrong and where each value came from."""

    def __init__(self, source: str, lines: Mapping[str, int]) -> None:
        self.problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._lines = lines
        self._folder = Path(source).absolute().parent
        self._source = source
        self.usable: dict[str, Account] = {}
        self._origins = {path: f"{source} line {line}" for path, line in lines.items()}

    def configuration(self, data: Mapping[str, Any], warnings: tuple[Problem, ...]) -> Configuration:
        root = self._structured(_Root, data, "") or self._policies_of(data)
        self._refuse_empty_lists(data)
        self._refuse_itself_as_lock(root.plugins.lock)
        auth = {
            name: self._selection(table, "auth", below_key("auth", below_key(name)), name)
            for name, table in _tables(data, "auth").items()
        }
        accounts = {name: self.account(name, table, auth) for name, table in _tables(data, "accounts").items()}
        users = self._users(data)
        self._check_references(data, accounts)
        self._look_at_choices(users, root)
        self._look_at_senders(accounts)
        self._look_at_extensions(_tables(data, "extensions"), root)
        return Configuration(
            source=self._source,
            default=root.default,
            users=MappingProxyType(users),
            purposes=MappingProxyType(dict(root.purposes)),
            safety=root.safety,
            compose=root.compose,
            plugins=root.plugins,
            extensions=MappingProxyType(self._extensions(data)),
            auth=MappingProxyType(auth),
            accounts=MappingProxyType(self.usable if root is not _UNUSABLE else {}),
            warnings=(*warnings, *map(self.with_line, self._warnings)),
            origins=MappingProxyType(self._origins),
        )

    def _policies_of(self, data: Mapping[str, Any]) -> _Root:
        """Return the rules for plugins from a file that has problems elsewhere; `_UNUSABLE` if they have some, too."""
        try:
            table = data.get("plugins", {})
            options = Options(table, folder=self._folder) if isinstance(table, Mapping) else table
            return _Root(plugins=structure(PluginPolicy, options, path="plugins"))
        except ConfigurationError:
            return _UNUSABLE

    def with_line(self, problem: Problem) -> Problem:
        """Add the line of the value, or of the nearest table around it."""
        path = problem.path
        while path and path not in self._lines:
            path = path.rpartition(".")[0]
        line = self._lines.get(path)
        return Problem(problem.path, f"{problem.message} (line {line})") if line else problem

    def account(self, name: str, table: Mapping[str, Any], auth: Mapping[str, Selection]) -> Account | None:
        """Read one table; None if it has problems."""
        path = f"accounts.{below_key(name)}"
        for key in table.keys() - set(_ACCOUNT_KEYS):
            where = "the account's name stands in [accounts.NAME]"
            text = f"unknown key; {where}" if key == "name" else unknown_key(key, _ACCOUNT_KEYS)
            self._problem(f"{path}.{below_key(key)}", text)
        table = self._with_preset({key: table[key] for key in _ACCOUNT_KEYS if key in table}, path)
        transport = self._selection(table.get("transport"), "transport", f"{path}.transport")
        sign_in = self._sign_in(table["auth"], f"{path}.auth", auth) if "auth" in table else _NOWHERE
        account = self._structured(Account, {**table, "name": name, "transport": transport, "auth": sign_in}, path)
        if transport.path:
            self.usable[name] = account or Account(name=f"#{len(self.usable)}", transport=transport, auth=sign_in)
        return account

    def _with_preset(self, table: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Fill what is not given from the preset. Another transport than the preset's takes only the host from it."""
        filled = dict(table)
        name = table.get("preset")
        if not isinstance(name, str) or not name:
            return filled
        try:
            preset = presets.get(name)
        except ConfigurationError as error:
            self._problem(f"{path}.preset", error.message)
            return filled
        for part, known in (("transport", preset.transport), ("auth", preset.auth), ("delivery", preset.delivery)):
            given = table.get(part, {})
            if not known or not isinstance(given, Mapping):
                continue
            taken = {"kind", *given} - {VERSION_KEY}
            own = {key: value for key, value in known.items() if key not in taken}
            if given.get("kind", known.get("kind")) != known.get("kind"):
                known, own = ({"host": known["host"]} if "host" in known else {}), {}
            known = {key: value for key, value in known.items() if key != VERSION_KEY}
            filled[part] = Options({**known, **given}, preset=own)
            for key in known.keys() - given.keys():
                self._origins[f"{path}.{part}.{key}"] = f"preset {name}"
        return filled

    def _sign_in(self, value: Any, path: str, auth: Mapping[str, Selection]) -> Selection:
        if not isinstance(value, str):
            return self._selection(value, "auth", path)
        if value not in auth:
            self._problem(path, f"found {shown(value)}, expected {_name_of('auth', value, auth)}")
        return auth.get(value, _NOWHERE)

    def _selection(self, table: Any, role: str, path: str, name: str = "") -> Selection:
        expected = _EXAMPLES[role]
        if table is None:
            self._problem(path, f'missing; expected {expected}: {role} = {{ kind = "…", … }}')
        elif not isinstance(table, Mapping):
            self._problem(path, f'found {shown(table)}, expected a table: {role} = {{ kind = "…", … }}')
        elif "kind" not in table:
            self._problem(f"{path}.kind", f"missing; expected {expected}")
        elif not isinstance(table["kind"], str) or not table["kind"]:
            self._problem(f"{path}.kind", f"found {shown(table['kind'])}, expected {expected}")
        else:
            preset = table.preset if isinstance(table, Options) else {}
            values = {key: value for key, value in table.items() if key != "kind"}
            options = Options(values, folder=self._folder, preset=preset)
            return Selection(kind=table["kind"], options=options, path=path, name=name)
        return _NOWHERE

    def _extensions(self, data: Mapping[str, Any]) -> dict[str, Selection]:
        return {
            name: Selection(
                kind=name, options=Options(table, folder=self._folder), path=below_key("extensions", below_key(name))
            )
            for name, table in _tables(data, "extensions").items()
        }

    def _look_at_extensions(self, tables: Mapping[str, Any], root: _Root) -> None:
        for name in tables.keys() - set(root.plugins.extensions) if root is not _UNUSABLE else ():
            path = below_key("extensions", below_key(name))
            self._warnings.append(Problem(path, "it does not run, since [plugins] extensions does not name it"))

    def _users(self, data: Mapping[str, Any]) -> dict[str, User]:
        """Return the users: each the name of an account, or a table with that and the user's own choices."""
        users: dict[str, User] = {}
        given = data.get("users")
        for name, value in given.items() if isinstance(given, Mapping) else ():
            path = f"users.{below_key(name)}"
            if isinstance(value, str):
                users[name] = User(account=value)
            elif isinstance(value, Mapping):
                users[name] = self._structured(User, value, path) or User()
            else:
                self._problem(path, f"found {shown(value)}, expected the name of an account, or a table with account")
        return users

    def _look_at_choices(self, users: Mapping[str, User], root: _Root) -> None:
        for name, user in users.items() if not root.compose.allow_user_choice else ():
            if user.compose is not None:
                path = f"users.{below_key(name)}.compose"
                self._warnings.append(Problem(path, "ignored, since [compose] allow_user_choice is not true"))

    def _check_references(self, data: Mapping[str, Any], accounts: Mapping[str, Account | None]) -> None:
        references = {"default": data.get("default")}
        for section in ("users", "purposes"):
            table = data.get(section)
            for key, value in table.items() if isinstance(table, Mapping) else ():
                path = f"{section}.{below_key(key)}"
                references |= {f"{path}.account": value.get("account")} if isinstance(value, Mapping) else {path: value}
        for path, name in references.items():
            if not isinstance(name, str):
                continue
            if name not in accounts:
                self._problem(path, f"found {shown(name)}, expected {_name_of('accounts', name, accounts)}")
            elif (account := accounts[name]) and not account.enabled:
                self._warnings.append(Problem(path, f"the account {name!r} is disabled"))

    def _look_at_senders(self, accounts: Mapping[str, Account | None]) -> None:
        taken: dict[str, str] = {}
        for name, account in accounts.items():
            for sender in account.senders if account else ():
                first = taken.setdefault(sender.lower(), name)
                if first != name:
                    path = f"accounts.{below_key(name)}.senders"
                    self._warnings.append(Problem(path, f"{sender} goes through {first!r}, which stands first"))

    def _refuse_empty_lists(self, data: Mapping[str, Any]) -> None:
        """An empty list could mean nobody or everybody: the reader must not have to guess which."""
        for section, key in _MEANT_FOR_NOBODY:
            table = data.get(section)
            if isinstance(table, Mapping) and table.get(key) == []:
                self._problem(f"{section}.{key}", "found an empty list; leave the key out if it shall restrict nothing")

    def _refuse_itself_as_lock(self, lock: Path | None) -> None:
        """Writing the lock would be the end of the configuration."""
        with contextlib.suppress(ValueError):  # a null byte in it
            if lock is None or os.path.realpath(lock) != os.path.realpath(self._source):
                return
            self._problem("plugins.lock", f"found {shown(lock.name)}, which is this file; name one of its own")

    def _structured(self, cls: type[T], table: Mapping[str, Any], path: str) -> T | None:
        try:
            return structure(cls, Options(table, folder=self._folder), path=path)
        except ConfigurationError as error:
            self.problems += error.problems
            return None

    def _problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))


def _tables(data: Mapping[str, Any], section: str) -> dict[str, Mapping[str, Any]]:
    """Return the tables in a section; what is none of them is a problem that the root reports."""
    tables = data.get(section)
    members = tables.items() if isinstance(tables, Mapping) else ()
    return {name: table for name, table in members if isinstance(table, Mapping)}


def _name_of(section: str, given: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(given, known, n=1)
    guess = f"; did you mean {close[0]!r}?" if close else f"; there is {', '.join(map(repr, known)) or 'none'}"
    return f"the name of a table [{section}.NAME]{guess}"
