"""``posthouse plugins``: what is installed, whether it may be used, and what it can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from posthouse.cli.descriptions import describe, setting_as_dict
from posthouse.cli.invocation import Invocation, common_options, help_if_alone, json_option, pass_invocation
from posthouse.cli.output import is_terminal, print_facts, print_json, print_table, say
from posthouse.errors import PluginError
from posthouse.schema import settings_of

if TYPE_CHECKING:
    from posthouse._discovery import Candidate

__all__ = ["command"]


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show which plugins are installed and may be used."""
    help_if_alone(context)


@command.command("list")
@json_option
@common_options
@pass_invocation
def list_(invocation: Invocation, /) -> None:
    """List the plugins that are installed.

    Each with the reason, if it may not be used. None of them is imported.
    """
    from posthouse._discovery import as_dict

    found = sorted(invocation.registry().candidates(), key=lambda candidate: (candidate.role, candidate.kind))
    if invocation.json:
        print_json([as_dict(candidate) for candidate in found])
        return
    rows = [(c.role, c.kind, f"{c.distribution} {c.version}", c.state.value, c.reason) for c in found]
    print_table(("Role", "Kind", "Package", "State", "Reason"), rows)


@command.command
@click.argument("kind")
@json_option
@common_options
@pass_invocation
def info(invocation: Invocation, /, kind: str) -> None:
    """Say what a plugin is and which settings it has."""
    registry = invocation.registry()
    found = [candidate for candidate in registry.candidates() if candidate.kind == kind]
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
    from posthouse._discovery import as_dict

    plugin = dict(as_dict(candidate))
    if candidate.role == "command":
        return plugin
    try:
        description = describe(candidate)
    except PluginError as error:
        return {**plugin, "reason": candidate.reason or error.message}
    plugin |= {"label": description.label, "summary": description.summary}
    if candidate.role == "transport":
        capabilities = asdict(description.capabilities)
        plugin |= {"accepts": sorted(kind.value for kind in description.accepts), "capabilities": capabilities}
    if candidate.role == "authenticator":
        plugin["provides"] = sorted(kind.value for kind in description.provides)
    if candidate.role == "extension":
        return {**plugin, "phase": description.phase.name.lower()}
    return {**plugin, "settings": [setting_as_dict(field) for field in settings_of(description.settings)]}


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
