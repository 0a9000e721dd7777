"""A configuration for people: every value, where it came from, and no secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from attrs import frozen

from posthouse._values import below_key
from posthouse.accounts import Account, Selection, User
from posthouse.config.model import Configuration
from posthouse.errors import ConfigurationError
from posthouse.structuring import redact, structure, unstructure

__all__ = ["Entry", "entries"]


@frozen
class Entry:
    """One value of the configuration.

    Attributes:
        path: dotted path: ``accounts.office.transport.port``.
        value: the value as plain data; a secret as its reference, or ``"***"``.
        origin: where it came from: ``"posthouse.toml line 12"``, ``"preset gmail-smtp"``, ``"url"``, ``"default"``.
    """

    path: str
    value: Any
    origin: str


def entries(
    configuration: Configuration, settings_of: Callable[[str, str], type[Any] | None] = lambda role, kind: None
) -> tuple[Entry, ...]:
    """Return every value in the order of the file.

    Args:
        configuration: what to show.
        settings_of: given ``"transport"``, ``"authenticator"`` or ``"extension"`` and a kind, returns the plugin's
            settings class, so that its defaults are shown too and only its secrets are hidden. For None every text of
            the plugin's options is hidden unless it is a reference: nobody knows which of them is a secret.

    Returns:
        Defaults included. A shared sign-in stands once, under ``auth.NAME``.
    """
    shown: dict[str, Any] = {"default": configuration.default}
    for name, user in configuration.users.items():
        shown |= _user(f"users.{below_key(name)}", user)
    for section in ("purposes", "safety", "compose", "plugins"):
        shown |= _flat(section, unstructure(getattr(configuration, section)))
    for name, selection in configuration.extensions.items():
        shown |= _flat(f"extensions.{below_key(name)}", _options(selection, settings_of("extension", name)))
    for name, selection in configuration.auth.items():
        shown |= _selection(f"auth.{below_key(name)}", selection, settings_of("authenticator", selection.kind))
    for name, account in configuration.accounts.items():
        shown |= _account(f"accounts.{below_key(name)}", account, settings_of)
    return tuple(Entry(path, value, configuration.origin(path)) for path, value in shown.items())


def _user(path: str, user: User) -> dict[str, Any]:
    if user.compose is None:
        return {path: user.account}
    return _flat(path, unstructure(user))


def _account(path: str, account: Account, settings_of: Callable[[str, str], type[Any] | None]) -> dict[str, Any]:
    own = {
        field.name: unstructure(getattr(account, field.name))
        for field in attrs.fields(Account)
        if field.name not in {"name", "transport", "auth"}
    }
    transport, auth = account.transport, account.auth
    shown = _flat(path, own) | _selection(f"{path}.transport", transport, settings_of("transport", transport.kind))
    if auth.name:
        return {**shown, f"{path}.auth": auth.name}
    return shown | _selection(f"{path}.auth", auth, settings_of("authenticator", auth.kind))


def _selection(path: str, selection: Selection, cls: type[Any] | None) -> dict[str, Any]:
    return {f"{path}.kind": selection.kind, **_flat(path, _options(selection, cls))}


def _options(selection: Selection, cls: type[Any] | None) -> dict[str, Any]:
    if cls is None:
        return redact(selection.options)
    try:
        shown: dict[str, Any] = unstructure(structure(cls, selection.options, path=selection.path))
    except ConfigurationError:
        return redact(selection.options, cls)
    return shown


def _flat(path: str, table: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        below = f"{path}.{below_key(key)}"
        flat |= _flat(below, value) if isinstance(value, Mapping) else {below: value}
    return flat
