"""The pages for people who configure and send: settings, commands, hints, presets; and the list of decisions."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import attrs
import click
from docs.reference.markdown import code, doc, packages, settings_table, table

import posthouse.cli.app
from posthouse import ConfigurationError
from posthouse import presets as known_presets
from posthouse._discovery import Registry
from posthouse.accounts import Account, DeliveryLimits, User
from posthouse.addresses import Address
from posthouse.config import ComposePolicy, Configuration, PluginPolicy, Safety, parse
from posthouse.hints import HintTable
from posthouse.schema import settings_of

DECISIONS = Path(__file__).resolve().parent.parent / "decisions"

__all__ = ["cli", "decisions", "hints", "presets", "settings"]


def settings() -> str:
    """Return the page about ``posthouse.toml``."""
    parts = [
        (
            "# Settings\n\nEvery key of `posthouse.toml`. `posthouse config check` finds what is wrong with a file, "
            "`posthouse config show` tells where each value came from, `posthouse plugins info KIND` shows the "
            "settings of an installed plugin. The table of a plugin may also have `settings_version`, the [version]"
            "(../how-to/version-your-settings.md) that it is written for. Paths are relative to the file's folder. A "
            "*secret* is a reference such as `env:NAME`, see [keeping secrets](../how-to/secrets.md).\n"
        ),
        "## The file\n\n" + _top_level(),
        "## [accounts.NAME]\n\nHow accounts are chosen: [several accounts](../how-to/several-accounts.md).\n\n"
        + settings_table(Account, {"name": 0}),
        "### delivery\n\n" + settings_table(DeliveryLimits),
        '## [users.NAME]\n\nOr only the name of an account: `[users]` `ada = "office"`.\n\n' + settings_table(User),
        "## [safety]\n\nSee [staging](../how-to/staging-safety.md).\n\n" + settings_table(Safety),
        "## [compose]\n\nSee [opening messages for users](../how-to/compose.md).\n\n" + settings_table(ComposePolicy),
        "## [plugins]\n\nSee [pinning plugins](../how-to/pin-plugins.md).\n\n" + settings_table(PluginPolicy),
    ]
    for role, key in (("transport", "transport"), ("authenticator", "auth")):
        parts += _plugins(role, key)
    parts += _extensions()
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _top_level() -> str:
    rows = []
    for line in doc(Configuration).splitlines():
        name, _, meaning = line.removeprefix("- ").partition(": ")
        key = name.strip("`")
        if line.startswith("- ") and _is_key(key):
            rows.append((name, meaning))
    return table(("Key", "Meaning"), rows)


def _is_key(name: str) -> bool:
    """Ask the reader of files: what it does not know, it calls unknown."""
    try:
        parse(f"{name} = 0", "posthouse.toml")
    except ConfigurationError as error:
        return not any("unknown key" in problem.message for problem in error.problems)
    return True


def _plugins(role: str, key: str) -> list[str]:
    found = sorted((c for c in Registry(PluginPolicy()).candidates() if c.role == role), key=lambda c: c.kind)
    descriptions = [(candidate, candidate.load().describe()) for candidate in found]
    shared: dict[type[Any], list[str]] = {}
    parts = []
    for candidate, description in descriptions:
        cls = description.settings
        base = next((parent for parent in cls.__mro__[1:] if attrs.has(parent)), None)
        same = _inherited(cls, base) if base else {}
        title = f'## {key}.kind = "{candidate.kind}"\n\n{description.label}. {description.summary} Package: '
        body = settings_table(cls, same) if len(attrs.fields(cls)) > len(same) else "It has no settings.\n"
        more = f"\nAnd the [settings that several kinds share](#settings-of-{key}s-that-share-them).\n" if same else ""
        parts.append(f"{title}{code(candidate.distribution)}.\n\n{body}{more}")
        if base and same:
            shared.setdefault(base, []).append(candidate.kind)
    for base, kinds in shared.items():
        own = {
            field.name: 0
            for field in attrs.fields(base)
            if not any(field.name in _inherited(d.settings, base) for _, d in descriptions)
        }
        parts.append(
            f"## Settings of {key}s that share them\n\nFor {', '.join(map(code, kinds))}.\n\n"
            + settings_table(base, own)
        )
    return parts


def _extensions() -> list[str]:
    found = sorted((c for c in Registry(PluginPolicy()).candidates() if c.role == "extension"), key=lambda c: c.kind)
    parts = []
    for candidate in found:
        description = candidate.load().describe()
        fields = settings_of(description.settings)
        title = f"## [extensions.{candidate.kind}]\n\n{description.label}. {description.summary} Package: "
        body = settings_table(description.settings) if fields else "It has no settings.\n"
        parts.append(f"{title}{code(candidate.distribution)}.\n\n{body}")
        for field in fields:
            member: Any = next(iter(get_args(field.type)), None)
            if attrs.has(member) and member is not Address:
                parts.append(f"### [[extensions.{candidate.kind}.{field.name}]]\n\n{settings_table(member)}")
    return parts


def _inherited(cls: type[Any], base: type[Any] | None) -> dict[str, Any]:
    return (
        {field.name: field for field in attrs.fields(cls) if field.inherited} if base and issubclass(cls, base) else {}
    )


def cli() -> str:
    """Return the page about the commands, in the words of their own help."""
    parts = ["# Commands\n\nWhat `--help` says. How a command ends: [exit codes](errors.md#exit-codes).\n"]
    root = posthouse.cli.app.posthouse
    _describe(click.Context(root, info_name="posthouse", terminal_width=100, max_content_width=100), parts)
    return "\n".join(parts)


def _describe(context: click.Context, parts: list[str]) -> None:
    parts.append(f"## {context.command_path}\n\n```text\n{context.command.get_help(context).rstrip()}\n```\n")
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            _describe(click.Context(command, parent=context, info_name=name), parts)


def hints() -> str:
    """Return the page about servers' answers."""
    parts = [
        (
            "# Known answers of servers\n\nWhat Posthouse knows about answers of SMTP servers. Where an answer fits "
            "several entries, the most special one counts. Cause and next step are shown by `posthouse test`, and "
            "stand in errors and in `--json`.\n"
        )
    ]
    owners = [name for name in packages() if resources.files(name).joinpath("hints.toml").is_file()]
    for owner in owners:
        assert HintTable.load(owner).hints
        entries = tomllib.loads(resources.files(owner).joinpath("hints.toml").read_text("utf-8"))["hint"]
        rows = [
            (code(e.get("example", "")), code(e.get("error_code", e.get("error", ""))), e["cause"], e["next"])
            for e in entries
        ]
        parts.append(f"## {owner}\n\n{len(rows)} entries.\n\n" + table(("Answer", "Error", "Cause", "Next step"), rows))
    return "\n".join(parts)


def presets() -> str:
    """Return the page about providers."""
    rows = []
    for name in known_presets.names():
        preset = known_presets.get(name)
        way = preset.transport
        note = f"{preset.note} {f'[More]({preset.url})' if preset.url else ''}".strip()
        server = f"{way.get('host', '')}:{way.get('port', '')}"
        limits = ", ".join(f"{key} {value}" for key, value in preset.delivery.items())
        rows.append(
            (
                code(name),
                preset.label,
                code(str(way.get("kind"))),
                code(server),
                preset.auth.get("kind", "none"),
                limits,
                note,
            )
        )
    columns = ("Preset", "Provider", "Transport", "Server", "Sign-in", "Limits", "Note")
    return (
        '# Presets\n\n`preset = "NAME"` in an account fills what the account does not say itself; what is given wins. '
        "`posthouse config presets NAME` shows one.\n\n" + table(columns, rows)
    )


def decisions() -> str:
    """Return the list of decisions."""
    lines = []
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        number, _, title = path.read_text("utf-8").partition("\n")[0].removeprefix("# ").partition(" ")
        lines.append(f"- [{number}]({path.name}) {title}")
    return (
        "# Decisions\n\nWhat someone could question, with its context, the choice and the alternatives. A decision "
        "that is taken back stays: a new page says so.\n\n" + "\n".join(lines)
    )
