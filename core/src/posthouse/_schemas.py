"""`posthouse.schemas`: the JSON Schema of everything that an account can be told, for the plugins that may be used."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from posthouse._discovery import Registry, State
from posthouse._scope import load
from posthouse.config import Configuration
from posthouse.config import candidates as places
from posthouse.config import load as load_configuration
from posthouse.errors import PluginError
from posthouse.json_schema import account_schema, plugin_schema
from posthouse.providers import ExtensionDescription

if TYPE_CHECKING:
    from posthouse._discovery import Candidate

__all__ = ["ACCOUNT", "schemas"]

ACCOUNT = "account"
"""The name of the schema of an account itself."""

_log = logging.getLogger("posthouse")


def schemas(
    kind: str | None = None, *, role: str | None = None, configuration: Configuration | None = None
) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of settings, as plain data; `posthouse.json_schema` names its annotations.

    Args:
        kind: only of transports and authenticators of this kind, so that only their plugins are imported; ``"account"``
            for what accounts of all kinds have, for which none is. All that may be used, if None; what is broken is
            left out, and logged.
        role: only of the ``"transport"`` or the ``"authenticator"``.
        configuration: says which plugins may be used; the one that `posthouse.config.load` finds if None, and where
            there is no file, nothing forbids any.

    Returns:
        Name → schema. The name is the role and the kind: ``"transport:smtp"``, ``"authenticator:password"``; or
        ``"account"``.

    Raises:
        PluginError: there is no such kind, or its plugin may not be used or is broken.
        ConfigurationError: the configuration that was found cannot be read.
    """
    configuration = configuration or _found()
    registry = Registry(configuration.plugins)
    if kind == ACCOUNT and role is None:
        return {ACCOUNT: _account(configuration, registry)}
    if kind is not None:
        roles = [role] if role else _roles_of(registry, kind)
        return {f"{each}:{kind}": _schema(registry, each, kind) for each in roles}
    found = {} if role else {ACCOUNT: _account(configuration, registry)}
    for candidate in _usable(registry):
        if role in (None, candidate.role):
            try:
                found[f"{candidate.role}:{candidate.kind}"] = _schema(registry, candidate.role, candidate.kind)
            except PluginError as error:
                _log.warning("no schema of %s: %s", candidate.title, error)
    return found


def _found() -> Configuration:
    return load_configuration() if any(place.exists() for place in places()) else Configuration()


def _usable(registry: Registry) -> Iterator[Candidate]:
    found = sorted(registry.candidates(), key=lambda candidate: (candidate.role, candidate.kind))
    return (c for c in found if c.role in ("transport", "authenticator") and c.state is State.READY)


def _roles_of(registry: Registry, kind: str) -> list[str]:
    """Return the roles in which a kind is installed, usable or not; a transport's if in none, so that it is missed."""
    roles = {candidate.role for candidate in registry.candidates() if candidate.kind == kind}
    return sorted(roles & {"transport", "authenticator"}) or ["transport"]


def _schema(registry: Registry, role: str, kind: str) -> dict[str, Any]:
    loaded = load(registry, role, kind)
    assert not isinstance(loaded.description, ExtensionDescription)
    return plugin_schema(role, loaded.description, loaded.package)


def _account(configuration: Configuration, registry: Registry) -> dict[str, Any]:
    kinds: dict[str, set[str]] = {"transport": set(), "authenticator": set()}
    for candidate in _usable(registry):
        kinds[candidate.role].add(candidate.kind)
    return account_schema(kinds["transport"], kinds["authenticator"], configuration.auth)
