"""Settings that another version of a plugin wrote: rewritten if they are older, taken as they are if they are newer.

A table of settings says its version under `VERSION_KEY`; without one it has version 1. A plugin's description says in
``settings_version`` what its class reads, and in ``migrations`` how settings of each older major version become those
of the next one:

- an older major is rewritten, step by step, before anything is read;
- a newer minor is read; the settings that only it knows are left alone, and stay in the file;
- a newer major is refused: nobody can tell what it means.
"""

from __future__ import annotations

import copy
import re
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import attrs
from attrs import frozen

from posthouse._values import below_key, shown
from posthouse.accounts import Options
from posthouse.errors import ConfigurationError, PluginError, PosthouseError, Problem
from posthouse.schema import is_secret, settings_of
from posthouse.structuring import structure

if TYPE_CHECKING:
    from posthouse.providers import AuthenticatorDescription, ExtensionDescription, TransportDescription

    Description: TypeAlias = TransportDescription | AuthenticatorDescription | ExtensionDescription

__all__ = ["VERSION_KEY", "Current", "SettingsVersion", "breach", "bring_up_to_date", "read_settings"]

VERSION_KEY = "settings_version"
"""The key of a plugin's table that says which version of the settings it is written for."""

_VERSION = re.compile(r"([1-9][0-9]{0,8})(?:\.(0|[1-9][0-9]{0,8}))?")


class SettingsVersion(NamedTuple):
    """The version of a plugin's settings, for example 2.1.

    Attributes:
        major: goes up when older settings have to be rewritten.
        minor: goes up when a setting is added.
    """

    major: int
    minor: int = 0

    @classmethod
    def parse(cls, text: Any) -> SettingsVersion:
        """Read ``"2"`` or ``"2.1"``.

        Raises:
            ValueError: it is neither.
        """
        match = _VERSION.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f'found {shown(text)}, expected a version as text, such as "2.1"')
        return cls(int(match[1]), int(match[2] or 0))

    def mark(self) -> dict[str, str]:
        """Return what says so in a table; nothing for 1.0, which a table has that says nothing."""
        return {VERSION_KEY: str(self)} if self > (1, 0) else {}

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@frozen
class Current:
    """Settings as the installed plugin's class reads them.

    Attributes:
        options: what the class reads; its repr shows keys only.
        unknown: what only a newer minor version knows, left alone.
        written: the version that the settings were written for.
        version: the version that they have now; higher than the plugin's own if they are newer.
        notices: what somebody should know of it.
    """

    options: Options
    unknown: Options
    written: SettingsVersion
    version: SettingsVersion
    notices: tuple[Problem, ...] = ()

    @property
    def rewritten(self) -> bool:
        """Whether the settings were older and had to be rewritten."""
        return self.written.major < self.version.major


def breach(description: Description) -> str:
    """Return in which way a description breaks the rules for versions, in words; empty if it does not."""
    try:
        version = SettingsVersion.parse(description.settings_version)
    except ValueError as error:
        return f"its settings_version: {error}"
    steps = sorted(description.migrations)
    if steps and (steps[0] < 1 or steps != list(range(steps[0], version.major))):
        return f"its migrations are from versions {steps}, expected every one from the oldest to {version.major - 1}"
    names = {field.name: is_secret(field) for field in settings_of(description.settings)}
    taken = {"kind", VERSION_KEY, *(f"has_{name}" for name, secret in names.items() if secret)}
    if reserved := sorted(taken & names.keys()):
        return f"its settings cannot be called {' or '.join(reserved)}"
    return ""


def read_settings(
    description: Description,
    options: Mapping[str, Any],
    *,
    path: str = "",
    package: str = "",
    source: str = "",
) -> tuple[Any, tuple[Problem, ...]]:
    """Return an instance of a plugin's settings class, whichever version the settings were written for.

    Args:
        description: what the plugin says of itself.
        options: the settings as written, without ``kind``.
        path: where they stand, for messages.
        package: name and version of the distribution that the plugin comes from, for messages.
        source: the file or URL, for messages.

    Returns:
        The instance, and what somebody should know of how it was read.

    Raises:
        ConfigurationError: settings are wrong, or of a version that the plugin does not read.
        PluginError: a migration failed (``plugin.migration``).
    """
    table = options if isinstance(options, Options) else Options(options)
    del options  # a traceback shows what its frames hold
    current = bring_up_to_date(description, table, path=path, package=package)
    return structure(description.settings, current.options, path=path, source=source), current.notices


def bring_up_to_date(
    description: Description,
    options: Mapping[str, Any],
    *,
    path: str = "",
    package: str = "",
) -> Current:
    """Return settings as the installed plugin's class reads them.

    Where a preset that filled some is of another major version than the rest, each is rewritten for itself.

    Raises:
        ConfigurationError: the version is none, or one that the plugin does not read.
        PluginError: a migration failed (``plugin.migration``).
    """
    table = options if isinstance(options, Options) else Options(options)
    del options
    found = _Plugin(description, package, path).reading(table)
    if isinstance(found, PosthouseError):
        raise found
    return found


class _RefusedError(Exception):
    """Settings cannot be read. Never leaves this module: a traceback shows what frames hold, and these hold secrets."""

    def __init__(self, error: PosthouseError) -> None:
        super().__init__()
        self.error = error


class _Plugin:
    """The installed plugin, and where the settings stand that it is to read."""

    def __init__(self, description: Description, package: str, path: str) -> None:
        self._description = description
        self._package = package or "the plugin"
        self._path = path
        self._own = SettingsVersion.parse(description.settings_version)

    def reading(self, table: Options) -> Current | PosthouseError:
        """Bring settings up to date, or say why not."""
        try:
            return self._with_preset(table)
        except _RefusedError as refused:
            return refused.error

    def _with_preset(self, table: Options) -> Current:
        if self._written(table).major == self._written(table.preset or table).major:
            current, filled = self._current(table), Options()
        else:
            filled_keys = table.preset.keys() - {VERSION_KEY}
            current = self._current({key: value for key, value in table.items() if key not in filled_keys})
            filled = self._current(table.preset).options
        options = Options({**filled, **current.options}, folder=table.folder, as_text=table.as_text)
        return attrs.evolve(current, options=options)

    def _current(self, table: Mapping[str, Any]) -> Current:
        """Bring one table up to date."""
        written = self._written(table)
        values = {key: value for key, value in table.items() if key != VERSION_KEY}
        if written.major > self._own.major:
            raise self._refused(
                f"written for version {written} of these settings; {self._package}, which is installed, reads them up "
                f"to version {self._own.major}.x. Install a newer version of the plugin, or put back settings of "
                f"version {self._own}"
            )
        if written.major == self._own.major and written.minor > self._own.minor:
            return self._newer(values, written)
        if written.major == self._own.major:
            return Current(Options(values), Options(), written, self._own)
        for major in range(written.major, self._own.major):
            values = self._rewritten(values, major)
        notice = Problem(
            self._path,
            f"written for version {written.major} of these settings, and rewritten for version {self._own.major} of "
            f"{self._package} each time they are read; `posthouse config migrate` rewrites the file",
        )
        return Current(Options(values), Options(), written, self._own, (notice,))

    def _written(self, table: Mapping[str, Any]) -> SettingsVersion:
        """Return the version that a table was written for."""
        try:
            return SettingsVersion.parse(table.get(VERSION_KEY, "1"))
        except ValueError as error:
            message = str(error)
        problem = Problem(self._at(VERSION_KEY), message)
        raise _RefusedError(ConfigurationError(problems=[problem], code="configuration.invalid"))

    def _newer(self, values: dict[str, Any], written: SettingsVersion) -> Current:
        known = {field.name for field in settings_of(self._description.settings)}
        unknown = {key: value for key, value in values.items() if key not in known}
        left = f"; it does not know {', '.join(map(below_key, unknown))}, which has no effect" if unknown else ""
        notice = Problem(
            self._path,
            f"written for version {written} of these settings, {self._package} reads version {self._own}{left}",
        )
        rest = {key: value for key, value in values.items() if key in known}
        return Current(Options(rest), Options(unknown), written, written, (notice,))

    def _rewritten(self, values: dict[str, Any], major: int) -> dict[str, Any]:
        migration = self._description.migrations.get(major)
        if migration is None:
            raise self._refused(
                f"written for version {major} of these settings, which {self._package} cannot rewrite any more. Write "
                f"them for version {self._own}, or run `posthouse config migrate` with an older version of the plugin"
            )
        answer, trouble = _answer(migration, values)
        if not trouble:
            return answer
        raise _RefusedError(
            PluginError(
                f"{self._package} cannot rewrite settings of version {major}: {trouble}",
                code="plugin.migration",
                hint=f"Tell its authors, or write the settings anew for version {self._own}.",
                details={"path": self._path},
            )
        )

    def _refused(self, message: str) -> _RefusedError:
        problem = Problem(self._at(VERSION_KEY), message)
        return _RefusedError(ConfigurationError(problems=[problem], code="configuration.settings-version"))

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}".lstrip(".")


def _answer(migration: Callable[[dict[str, Any]], Any], values: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return what a migration answers, and what went wrong. Nothing of its exception is kept: it may hold secrets."""
    try:
        answer = migration(copy.deepcopy(values))
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {}, f"{type(error).__name__} in {where.name}, line {where.lineno} of {where.filename}"
    if not isinstance(answer, Mapping) or not all(isinstance(key, str) for key in answer):
        return {}, f"it returned {type(answer).__name__}, expected the settings as a mapping"
    return dict(answer), ""
