"""An account for a form, and back: what a settings page of a host application shows, and what it was answered.

The form itself is drawn from `posthouse.schemas`. Secrets go one way only: where the account has one, the form gets
``has_NAME: true`` in its place; an answer without it keeps the one there is, and an explicit null removes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from posthouse import presets
from posthouse._discovery import Registry
from posthouse._scope import Loaded, Scope, load
from posthouse._values import below_key, shown, sort_of
from posthouse.accounts import Account, Options, Selection
from posthouse.config import Configuration, account_from_table
from posthouse.errors import ConfigurationError, PluginError, Problem
from posthouse.migrations import VERSION_KEY, Current, SettingsVersion, bring_up_to_date, read_settings
from posthouse.schema import default_of, is_secret, settings_of
from posthouse.secrets import Secret
from posthouse.structuring import unstructure

__all__ = ["account_for_form", "account_from_form"]

_ROLES = {"transport": "transport", "auth": "authenticator"}


def account_for_form(configuration: Configuration, name: str) -> dict[str, Any]:
    """Return an account as plain data that fits its schemas, without any secret.

    What is not given is left out of ``transport`` and ``auth``: the schema knows the defaults. Where the sign-in is
    shared, ``auth`` is its name.

    Raises:
        KeyError: there is no account of this name.
        PluginError: its transport or its sign-in is not installed or cannot be used.
        ConfigurationError: the settings are of a version that the plugin does not read.
    """
    account = configuration.accounts[name]
    registry = Registry(configuration.plugins)
    parts = {"name", *_ROLES}
    data = {
        field.name: unstructure(getattr(account, field.name))
        for field in attrs.fields(Account)
        if field.name not in parts
    }
    data["transport"] = _part_for_form(load(registry, "transport", account.transport.kind), account.transport)
    if account.auth.name:
        return {**data, "auth": account.auth.name}
    return {**data, "auth": _part_for_form(load(registry, "authenticator", account.auth.kind), account.auth)}


def account_from_form(
    configuration: Configuration,
    name: str,
    answer: Mapping[str, Any],
    *,
    references: bool = False,
    keep_secret: Callable[[str, str], str] | None = None,
) -> Account:
    """Return the account that a form's answer describes; `posthouse.config.ConfigurationFile.put_account` writes it.

    Args:
        configuration: the account as it was, the sign-ins that accounts share, and which plugins may be used.
        name: of the account; a new one if the configuration has none of this name.
        answer: the whole account as `account_for_form` has it: what is left out counts as not given, but for secrets.
        references: take ``env:NAME``, ``file:PATH`` and the like in place of a secret for what they refer to. Only for
            people who may read every file and variable that this process may: whoever can point an account to a server
            of theirs learns the secret. Otherwise what is typed is the secret itself.
        keep_secret: given the path (``"auth.password"``) and the value of each secret that was typed, keeps it safe,
            and returns the reference to write in its place: ``lambda path, value: sealing.seal(value)``. Called when
            everything else is right. One that returns no text is an error: the secret would be lost.

    Raises:
        ConfigurationError: what is wrong with the answer; the ``pointer`` of each problem names the field. Also what
            ``keep_secret`` raises.
    """
    form = _Form(configuration, name, references)
    table = form.table(answer)
    del answer  # a traceback shows what its frames hold, and a mapping's values may be secrets
    account, found = account_from_table(name, table, configuration)
    del table
    above = f"accounts.{below_key(name)}."
    problems = [*form.problems, *(Problem(p.path.removeprefix(above), p.message) for p in found)]
    if account is not None:
        problems += [one for one in form.objections(account) if one not in problems]
    if problems or account is None:
        raise ConfigurationError(problems=_one_per_field(problems), code="configuration.invalid")
    return attrs.evolve(
        account,
        transport=_with_kept("transport", account.transport, keep_secret),
        auth=_with_kept("auth", account.auth, keep_secret),
    )


def _part_for_form(loaded: Loaded, selection: Selection) -> dict[str, Any]:
    current = bring_up_to_date(loaded.description, selection.options, path=selection.path, package=loaded.package)
    shown: dict[str, Any] = {"kind": selection.kind}
    for field in settings_of(loaded.description.settings):
        if is_secret(field):
            shown[f"has_{field.name}"] = bool(current.options.get(field.name))
        elif field.name in current.options:
            shown[field.name] = unstructure(current.options[field.name])
    return shown


class _Form:
    """One answer on its way to an account."""

    def __init__(self, configuration: Configuration, name: str, references: bool) -> None:
        self.problems: list[Problem] = []
        self._registry = Registry(configuration.plugins)
        self._stored = configuration.accounts.get(name)
        self._references = references
        self._loaded: dict[str, Loaded] = {}

    def table(self, answer: Any) -> Options:
        """Return the answer as a table of the configuration, secrets that were kept included."""
        if not isinstance(answer, Mapping):
            raise ConfigurationError(f"An account is a table, not {sort_of(answer)}.", code="configuration.invalid")
        if odd := list(_odd_keys(answer)):
            raise ConfigurationError(problems=odd, code="configuration.invalid")
        table = dict(answer)
        preset = table.get("preset")
        known = presets.get(preset) if isinstance(preset, str) and preset in presets.names() else None
        for part in _ROLES:
            filled = dict(getattr(known, part, {}))
            given = table.get(part, {"kind": filled["kind"]} if "kind" in filled else None)
            if isinstance(given, Mapping) and isinstance(given.get("kind", filled.get("kind")), str):
                table[part] = self._part(part, {"kind": filled.get("kind"), **given}, filled)
        return Options(table)

    def objections(self, account: Account) -> list[Problem]:
        """Return what the plugins have against the account."""
        found: list[Problem] = []
        for part, loaded in self._loaded.items():
            options = getattr(account, part).options
            try:
                read_settings(loaded.description, options, path=part, package=loaded.package)
            except ConfigurationError as error:
                found += error.problems
            except PluginError as error:
                found.append(Problem(part, error.message))
        try:
            if not found:
                Scope(self._registry, account.transport.kind, account.auth.kind)
        except PluginError as error:
            found.append(Problem("auth", str(error)))
        return found

    def _part(self, part: str, given: Mapping[str, Any], filled: Mapping[str, Any]) -> dict[str, Any]:
        """Return a part of the answer as it is written: secrets in their place; presets and defaults left out."""
        kind = given["kind"]
        values = {key: value for key, value in given.items() if key not in ("kind", VERSION_KEY)}
        try:
            loaded = load(self._registry, _ROLES[part], kind)
            stored = self._current(loaded, part, kind)
            implied = self._filled(loaded, part, filled) if filled.get("kind") == kind else {}
        except (PluginError, ConfigurationError) as error:
            self.problems += getattr(error, "problems", ()) or [Problem(f"{part}.kind", str(error))]
            return dict(given)
        self._loaded[part] = loaded
        for field in settings_of(loaded.description.settings):
            if is_secret(field):
                self._put_secret(field.name, values, stored.options)
            elif field.name in values and field.name in stored.options:
                written = stored.options[field.name]  # of which a form may show less: a URL without its password
                values[field.name] = written if values[field.name] == unstructure(written) else values[field.name]
        for field in settings_of(loaded.description.settings):
            default = default_of(field)
            if field.name not in stored.options and default is not attrs.NOTHING and not is_secret(field):
                implied.setdefault(field.name, unstructure(default))
        values = {k: v for k, v in values.items() if k not in implied or not _same(v, implied[k])}
        said = {**values, **stored.unknown}
        return {"kind": kind, **(self._mark(part, stored, values) if said else {}), **said}

    def _filled(self, loaded: Loaded, part: str, filled: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the preset fills, as the plugin reads it."""
        options = {key: value for key, value in filled.items() if key != "kind"}
        return dict(bring_up_to_date(loaded.description, options, path=part, package=loaded.package).options)

    def _current(self, loaded: Loaded, part: str, kind: str) -> Current:
        selection: Selection | None = getattr(self._stored, part) if self._stored else None
        if selection is not None and selection.kind == kind and not selection.name:
            return bring_up_to_date(loaded.description, selection.options, path=part, package=loaded.package)
        version = SettingsVersion.parse(loaded.description.settings_version)
        return Current(Options(), Options(), version, version)

    def _mark(self, part: str, stored: Current, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the version that the answer is written for: the same as before, unless it says something new."""
        if stored.rewritten or values.keys() - stored.options.keys():
            return stored.version.mark()
        written = getattr(self._stored, part).options if self._stored else {}
        return {VERSION_KEY: written[VERSION_KEY]} if VERSION_KEY in written else {}

    def _put_secret(self, name: str, values: dict[str, Any], stored: Mapping[str, Any]) -> None:
        values.pop(f"has_{name}", None)
        given = values.pop(name, "")
        if given is None:
            return
        if given in ("", []):
            values |= {name: stored[name]} if stored.get(name) else {}
        elif self._references:
            values[name] = given
        elif isinstance(given, list):
            values[name] = [Secret.literal(one) if isinstance(one, str) else one for one in given]
        else:
            values[name] = Secret.literal(given) if isinstance(given, str) else given


def _odd_keys(value: Any, path: str = "") -> Iterator[Problem]:
    """Yield a problem for each key that is no text, as no JSON has one."""
    for key, one in value.items() if isinstance(value, Mapping) else ():
        below = f"{path}.{below_key(key)}".lstrip(".")
        if isinstance(key, str):
            yield from _odd_keys(one, below)
        else:
            yield Problem(below, f"found {shown(key)} as a key, expected text")


def _same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are the same; 1 is 1.0 there, and not true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _one_per_field(problems: list[Problem]) -> list[Problem]:
    """Return the first problem of each field: one objection beside it is enough."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.path, problem)
    return list(found.values())


def _with_kept(part: str, selection: Selection, keep_secret: Callable[[str, str], str] | None) -> Selection:
    """Let each secret that was typed be kept, and put the reference in its place."""
    if keep_secret is None or selection.name:
        return selection
    options = selection.options

    def kept_one(path: str, value: Any) -> Any:
        if isinstance(value, list):
            return [kept_one(f"{path}.{number}", one) for number, one in enumerate(value)]
        if not (isinstance(value, Secret) and value.is_literal):
            return value
        reference: object = keep_secret(path, value.reveal())
        if isinstance(reference, str) and reference:
            return reference
        said = "an empty text" if reference == "" else sort_of(reference)
        del reference  # a traceback shows what its frames hold, and this could be the secret as bytes
        problem = Problem(path, f"keep_secret returned {said}, expected the reference to write, such as sealed:…")
        raise ConfigurationError(problems=[problem], code="configuration.invalid")

    kept = {key: kept_one(f"{part}.{key}", value) for key, value in options.items()}
    return attrs.evolve(selection, options=Options(kept, folder=options.folder, preset=options.preset))
