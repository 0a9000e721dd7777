"""``posthouse plugins list`` and ``info``: what is installed, whether it may be used, and what it can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import is_terminal, print_facts, print_json, print_table, say

if TYPE_CHECKING:
    from posthouse._discovery import Candidate

__all__ = ["described", "info", "list_"]

_SECONDS = 5.0


@click.command("list")
@json_option
@common_options
@pass_invocation
def list_(invocation: Invocation, /) -> None:
    """List the plugins that are installed.

    Each with the reason, if it may not be used. None of them is imported.
    """
    from posthouse._discovery import as_dict

    found = [candidate.examined(again=True).located() for candidate in invocation.registry().candidates()]
    found.sort(key=lambda candidate: (candidate.role, candidate.kind, candidate.distribution))
    if invocation.json:
        print_json([as_dict(candidate) for candidate in found])
        return
    rows = [(c.role, c.kind, f"{c.distribution} {c.version}", c.state.value, c.reason) for c in found]
    print_table(("Role", "Kind", "Package", "State", "Reason"), rows)


@click.command
@click.argument("kind")
@json_option
@common_options
@pass_invocation
def info(invocation: Invocation, /, kind: str) -> None:
    """Say what a plugin is and which settings it has.

    It is imported for that if it may be used, in a process of its own, which gets 5 seconds: one that hangs or crashes
    does no harm.
    """
    registry = invocation.registry()
    found = [candidate.examined(again=True).located() for candidate in registry.candidates() if candidate.kind == kind]
    if not found:
        registry.find("transport", kind)  # says what is installed, what was perhaps meant, and what to install
    plugins = [_as_dict(candidate) for candidate in found]
    if invocation.json:
        print_json(plugins)
        return
    for plugin in plugins:
        settings = plugin.pop("settings", [])
        print_facts((name.replace("_", " ").capitalize(), _shown(value)) for name, value in plugin.items())
        if settings and is_terminal():
            say()
        rows = [(s["name"], s["type"], _default(s), f"{s['label']}. {s['help']}".strip()) for s in settings]
        print_table(("Setting", "Type", "Default", "Meaning"), rows)


def _as_dict(candidate: Candidate) -> dict[str, Any]:
    from posthouse._discovery import State, as_dict
    from posthouse._discovery.candidates import as_plain
    from posthouse._discovery.probing import run_apart

    plugin = dict(as_dict(candidate))
    if candidate.role == "command" or candidate.state is not State.READY:
        return plugin
    outcome = run_apart(f"{__name__}:described", {"candidate": as_plain(candidate)}, _SECONDS)
    if outcome.trouble:
        reason = outcome.trouble if outcome.code else f"importing it {outcome.trouble}"
        return {**plugin, "state": State.BROKEN.value, "reason": reason}
    return {**plugin, **outcome.result}


def described(candidate: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a plugin says of itself, as plain data. Called in a process of its own.

    Raises:
        PluginError: it is broken.
    """
    from attrs import asdict

    from posthouse._discovery.candidates import from_plain
    from posthouse.cli.descriptions import describe, setting_as_dict
    from posthouse.schema import settings_of

    description = describe(from_plain(candidate))
    said: dict[str, Any] = {"label": description.label, "summary": description.summary}
    if candidate["role"] == "transport":
        said["accepts"] = sorted(kind.value for kind in description.accepts)
        said["capabilities"] = asdict(description.capabilities)
    if candidate["role"] == "authenticator":
        said["provides"] = sorted(kind.value for kind in description.provides)
    if candidate["role"] == "extension":
        said["phase"] = description.phase.name.lower()
    return {**said, "settings": [setting_as_dict(field) for field in settings_of(description.settings)]}


def _default(setting: dict[str, Any]) -> str:
    if setting["required"]:
        return "required"
    return _shown(setting["default"])


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items() if one is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
