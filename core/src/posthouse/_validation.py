"""Everything that is wrong with a configuration, as far as plugins know: all of it at once, and nobody is contacted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from posthouse._scope import load, load_extension
from posthouse._values import below_key
from posthouse.accounts import ComposeMethod
from posthouse.errors import ConfigurationError, PluginError, Problem
from posthouse.migrations import read_settings

if TYPE_CHECKING:
    from posthouse._discovery import Registry
    from posthouse.accounts import Account, Selection
    from posthouse.config import Configuration

__all__ = ["plugin_problems"]


def plugin_problems(
    configuration: Configuration, registry: Registry, use: Callable[[Account], Any]
) -> tuple[Problem, ...]:
    """Return what plugins have against the configuration: each transport, sign-in and extension, and each pair.

    Args:
        configuration: what to look at.
        registry: the plugins that are installed; those that the configuration names are imported.
        use: makes an account ready to send, which tells whether its transport and its sign-in go together.
    """
    found = [*_of_extensions(registry, configuration)]
    for selection in configuration.auth.values():
        found += _of_plugin(registry, "authenticator", selection)
    for account in configuration.accounts.values():
        own = [*_of_plugin(registry, "transport", account.transport, f"accounts.{account.name}")]
        own += _of_plugin(registry, "authenticator", account.auth, f"accounts.{account.name}")
        found += own or _of_pair(account, use)
    return tuple(dict.fromkeys(found))


def _of_extensions(registry: Registry, configuration: Configuration) -> Iterator[Problem]:
    for name in configuration.plugins.extensions:
        try:
            load_extension(registry, name, configuration.extensions)
        except ConfigurationError as error:
            yield from error.problems
        except PluginError as error:
            yield Problem("plugins.extensions", str(error))


def _of_plugin(registry: Registry, role: str, selection: Selection, path: str = "") -> Iterator[Problem]:
    try:
        loaded = load(registry, role, selection.kind)
        read_settings(loaded.description, selection.options, path=selection.path, package=loaded.package)
    except ConfigurationError as error:
        yield from error.problems
    except PluginError as error:
        yield Problem(selection.path or path, str(error))


def _of_pair(account: Account, use: Callable[[Account], Any]) -> Iterator[Problem]:
    try:
        channel = use(account)
        if account.compose is ComposeMethod.TRANSPORT and not channel.scope.composes:
            what = f"the transport {account.transport.kind!r} does not compose; expected eml, mailto or autodetect"
            yield Problem(f"accounts.{below_key(account.name)}.compose", what)
    except ConfigurationError as error:
        yield from error.problems
    except PluginError as error:
        if error.code == "plugin.pairing":  # anything else was found before, at the plugin that has it
            yield Problem(account.transport.path or f"accounts.{account.name}", str(error))
