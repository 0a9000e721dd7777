"""`posthouse.schemas`: the JSON Schema of everything that an account can be told, for the plugins that may be used."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
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

__all__ = ["ACCOUNT", "every_schema", "schemas"]

ACCOUNT = "account"
"""The name of the schema of an account itself."""

_SECONDS = 10.0
"""How long importing a plugin may take where all are asked for; as `posthouse plugins doctor` has it."""

_log = logging.getLogger("posthouse")


def schemas(
    kind: str | None = None, *, role: str | None = None, configuration: Configuration | None = None
) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of settings, as plain data; `posthouse.json_schema` names its annotations.

    Args:
        kind: only of transports and authenticators of this kind, so that only their plugins are imported; ``"account"``
            for what accounts of all kinds have, for which none is. All that may be used, if None; what is broken,
            hangs for 10 seconds or ends Python is left out, with a warning in the log ``posthouse``.
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
    if kind is None:
        found, left_out = every_schema(configuration, role)
        for title, trouble in left_out.items():
            _log.warning("no schema of %s: %s", title, trouble)
        return found
    registry = Registry(configuration.plugins)
    if kind == ACCOUNT and role is None:
        return {ACCOUNT: _account(configuration, registry)}
    roles = [role] if role else _roles_of(registry, kind)
    return {f"{each}:{kind}": _schema(registry, each, kind) for each in roles}


def every_schema(
    configuration: Configuration, role: str | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the schemas of all kinds that may be used, and what was left out: the plugin's title → what is wrong.

    A plugin that this process has not imported yet is first tried in a process of its own: it may be one that nobody
    uses, and must not take down the program that only wants to know what there is.
    """
    registry = Registry(configuration.plugins)
    found = {} if role else {ACCOUNT: _account(configuration, registry)}
    candidates = [candidate for candidate in _usable(registry) if role in (None, candidate.role)]
    left_out = dict(_unfit(candidates))
    for candidate in candidates:
        if candidate.title not in left_out:
            try:
                found[f"{candidate.role}:{candidate.kind}"] = _schema(registry, candidate.role, candidate.kind)
            except PluginError as error:
                left_out[candidate.title] = error.message.removeprefix(candidate.title).strip()
    return found, left_out


def _unfit(candidates: Sequence[Candidate]) -> Iterator[tuple[str, str]]:
    """Yield the title of each plugin that must not be imported here, and why."""
    from posthouse._discovery.health import tried

    # What is not as it was locked may not be imported there either; `load` refuses it.
    unknown = [c for c in candidates if not _is_known(c) and c.examined().state is State.READY]
    for candidate, trouble, _ in tried(unknown, _SECONDS) if _has_interpreter() else ():
        if trouble:
            yield candidate.title, trouble


def _is_known(candidate: Candidate) -> bool:
    """Return whether importing it is no risk: it is core's, or imported already."""
    return candidate.is_core or candidate.module.partition(":")[0].partition("[")[0].strip() in sys.modules


def _has_interpreter() -> bool:
    """Return whether ``sys.executable`` is Python: inside another program it is that, and must not be started again."""
    return Path(sys.executable or "").name.lower().startswith(("python", "pypy")) and not hasattr(sys, "frozen")


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
