"""Settings in the configuration that are of a newer major version than the installed plugin reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from posthouse._discovery.candidates import Candidate, as_plain, from_plain
from posthouse._discovery.probing import run_apart
from posthouse._discovery.registry import Registry
from posthouse.errors import PluginError
from posthouse.migrations import VERSION_KEY, SettingsVersion

if TYPE_CHECKING:
    from posthouse.accounts import Selection
    from posthouse.config import Configuration

__all__ = ["newer_settings", "selections", "version_read"]

_VERSION_READ = "posthouse._discovery.versions:version_read"


def selections(configuration: Configuration) -> Iterator[tuple[str, str, Selection]]:
    """Yield what accounts use: the account's path, the role, and the choice for it."""
    for name, account in configuration.accounts.items():
        yield f"accounts.{name}", "transport", account.transport
        yield f"accounts.{name}", "authenticator", account.auth


def newer_settings(
    configuration: Configuration, registry: Registry, seconds: float
) -> Iterator[tuple[str, SettingsVersion, Candidate, SettingsVersion]]:
    """Yield the settings that no installed plugin can read. Plugins are imported, each in a process of its own.

    Args:
        configuration: with the accounts.
        registry: what is installed.
        seconds: how long an import may take.

    Yields:
        The account's path, the version that its settings were written for, the plugin, and the version that it reads.
    """
    for path, role, selection in selections(configuration):
        try:
            written = SettingsVersion.parse(selection.options.get(VERSION_KEY, "1"))
            candidate = registry.find(role, selection.kind)
        except (ValueError, PluginError):
            continue  # `config check` says the one, the doctor the other
        if written.major == 1:
            continue  # every plugin reads it, or says why not
        outcome = run_apart(_VERSION_READ, {"candidate": as_plain(candidate)}, seconds)
        own = SettingsVersion.parse(outcome.result) if outcome.result else None
        if own and written.major > own.major:
            yield path, written, candidate, own


def version_read(candidate: dict[str, Any]) -> str:
    """Return which version of its settings a plugin reads. Called in a process of its own.

    Raises:
        PluginError: the plugin is broken.
    """
    from posthouse._scope import load_candidate

    return load_candidate(from_plain(candidate)).description.settings_version
