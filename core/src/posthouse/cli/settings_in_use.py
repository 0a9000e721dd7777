"""The settings of every account and every active extension, read by the plugins that they are for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from posthouse.cli.versions import parts
from posthouse.errors import ConfigurationError, Problem
from posthouse.structuring import structure

if TYPE_CHECKING:
    from posthouse.config import Configuration

__all__ = ["SettingsInUse", "settings_in_use"]


class SettingsInUse(NamedTuple):
    """Settings as their plugin reads them.

    Attributes:
        path: where they stand.
        settings: an instance of the plugin's settings class.
        notices: what somebody should know of their version.
    """

    path: str
    settings: Any
    notices: tuple[Problem, ...]


def settings_in_use(configuration: Configuration) -> Iterator[SettingsInUse]:
    """Yield the settings of each account's transport and sign-in, a shared sign-in once, and of each extension.

    What no plugin reads, or reads with problems, is left out: ``posthouse config check`` says so.
    """
    from posthouse._discovery import Registry

    for part in parts(configuration, Registry(configuration.plugins)):
        if part.loaded is None or part.current is None:
            continue
        path, cls = part.selection.path, part.loaded.description.settings
        try:
            yield SettingsInUse(path, structure(cls, part.current.options, path=path), part.current.notices)
        except ConfigurationError:
            continue
