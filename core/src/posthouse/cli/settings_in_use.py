"""The settings of every account and every active extension, read by the plugins that they are for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from posthouse.cli.descriptions import settings_class
from posthouse.errors import ConfigurationError
from posthouse.structuring import structure

if TYPE_CHECKING:
    from posthouse.accounts import Selection
    from posthouse.config import Configuration

__all__ = ["settings_in_use"]


def settings_in_use(configuration: Configuration) -> Iterator[tuple[str, Any]]:
    """Yield path and settings of each account's transport and sign-in, a shared sign-in once, and of each extension.

    What no plugin reads, or reads with problems, is left out: ``posthouse config check`` says so.
    """
    from posthouse._discovery import Registry

    registry = Registry(configuration.plugins)
    seen = set()
    for role, selection in _selections(configuration):
        cls = settings_class(registry, role, selection.kind)
        if cls is None or selection.path in seen:
            continue
        seen.add(selection.path)
        try:
            yield selection.path, structure(cls, selection.options, path=selection.path)
        except ConfigurationError:
            continue


def _selections(configuration: Configuration) -> Iterator[tuple[str, Selection]]:
    for account in configuration.accounts.values():
        yield "transport", account.transport
        yield "authenticator", account.auth
    for name, selection in configuration.extensions.items():
        if name in configuration.plugins.extensions:
            yield "extension", selection
