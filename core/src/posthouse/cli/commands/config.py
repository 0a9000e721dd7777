"""``posthouse config``: check it, show it, find it, and the providers that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from posthouse import presets
from posthouse.cli.account_files import change_file, file_to_edit, registry_for
from posthouse.cli.entries import as_toml, entries_below, print_entries
from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.failures import error_as_dict
from posthouse.cli.invocation import Invocation, common_options, help_if_alone, json_option, pass_invocation
from posthouse.cli.output import is_terminal, note, print_facts, print_json, print_table, say
from posthouse.cli.settings_in_use import settings_in_use
from posthouse.cli.versions import Part, Rewriting, parts, rewriting
from posthouse.config import Configuration, ConfigurationFile, candidates, examine, find, load
from posthouse.errors import ConfigurationError, PluginError, PosthouseError, Problem
from posthouse.structuring import weaknesses

__all__ = ["command"]


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Check and show the configuration."""
    help_if_alone(context)


@command.command
@json_option
@common_options
@pass_invocation
def check(invocation: Invocation, /) -> int:
    """Say everything that is wrong with the configuration.

    Reads the file and lets every account's plugins read their settings. Contacts nobody: `posthouse test` does that.
    Exits with 78 if there is a problem; a warning is none.
    """
    invocation.on_failure = _failed_check
    configuration, problems = examine(invocation.config)
    problems += _problems_of_plugins(configuration)
    warnings = [*configuration.warnings]
    for path, settings, notices in settings_in_use(configuration):
        found = (*notices, *weaknesses(settings, path=path))
        warnings += [_with_line(warning, configuration) for warning in found]
    warnings = list(dict.fromkeys(warnings))
    if problems:
        raise ConfigurationError(problems=problems, source=configuration.source)
    if invocation.json:
        print_json(_verdict(configuration.source, (), warnings))
        return ExitCode.OK
    for warning in warnings:
        note(f"Warning: {warning}", fg="yellow")
    if is_terminal():
        count = len(configuration.accounts)
        say(f"{configuration.source}: no problems, {count} account{'' if count == 1 else 's'}.", fg="green")
    return ExitCode.OK


@command.command
@click.argument("prefix", required=False, default="")
@json_option
@common_options
@pass_invocation
def show(invocation: Invocation, /, prefix: str) -> None:
    """Show every value and where it came from.

    Secrets stay hidden. With PREFIX only what stands below it, such as accounts.office.
    """
    found = entries_below(invocation.configuration(), prefix)
    if not found:
        raise ConfigurationError(f"Nothing stands at {prefix!r} in the configuration.", code="configuration.path")
    print_entries(invocation, found)


@command.command
@json_option
@common_options
@pass_invocation
def path(invocation: Invocation, /) -> None:
    """Show which file is used, and where it is looked for."""
    found = find(invocation.config).absolute()
    places = [str(place.absolute()) for place in candidates(invocation.config)]
    if invocation.json:
        print_json({"path": str(found), "looked_at": places})
    else:
        say(str(found))


@command.command
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit with 78 if something is to be rewritten."
)
@json_option
@common_options
@pass_invocation
def migrate(invocation: Invocation, /, only_check: bool) -> int:
    """Rewrite settings that an older version of a plugin wrote.

    Plugins read them as they are, too; this brings the file up to date, shows what changes, and keeps comments. Secrets
    stay hidden.
    """
    path = file_to_edit(invocation)
    file = ConfigurationFile(path)
    configuration = load(path)
    found = list(parts(configuration, registry_for(path)))
    _refuse_unreadable(found, configuration)
    todo = [change for part in found if (change := rewriting(part, file)) is not None]
    if todo and not only_check:
        change_file(path, lambda file: _rewrite(file, todo))
    if invocation.json:
        keys = ("path", "kind", "package", "written", "version", "removed", "added")
        changes = [{key: getattr(change, key) for key in keys} for change in todo]
        print_json({"path": str(path), "done": bool(todo) and not only_check, "changes": changes})
    else:
        _say_rewriting(todo, path, only_check=only_check)
    return ExitCode.CONFIGURATION if todo and only_check else ExitCode.OK


@command.command("presets")
@click.argument("name", required=False)
@json_option
@common_options
@pass_invocation
def list_presets(invocation: Invocation, /, name: str | None) -> None:
    """List the known providers, or show one."""
    known = [presets.get(each) for each in ((name,) if name else presets.names())]
    if invocation.json:
        data = [_preset_as_dict(preset) for preset in known]
        print_json(data[0] if name else data)
    elif name:
        print_facts((key.capitalize(), as_toml(value)) for key, value in _preset_as_dict(known[0]).items())
    else:
        rows = [(p.name, p.label, p.transport.get("kind", ""), p.transport.get("host", "")) for p in known]
        print_table(("Preset", "Provider", "Transport", "Server"), rows)


def _problems_of_plugins(configuration: Configuration) -> tuple[Problem, ...]:
    from posthouse import Mailer

    try:
        with Mailer(configuration) as mailer:
            return tuple(_with_line(problem, configuration) for problem in mailer.validate())
    except PluginError as error:
        return (Problem("plugins.require", str(error)),)


def _refuse_unreadable(found: list[Part], configuration: Configuration) -> None:
    """Refuse to rewrite a part of the file only; a plugin that is missing is no reason, since it may be so for good."""
    problems = []
    for part in found:
        if part.trouble is None or part.loaded is None:
            continue
        own = getattr(part.trouble, "problems", ()) or (Problem(part.selection.path, str(part.trouble)),)
        problems += [_with_line(problem, configuration) for problem in own]
    if problems:
        raise ConfigurationError(problems=problems, source=configuration.source, hint="Nothing was written.")


def _rewrite(file: ConfigurationFile, todo: list[Rewriting]) -> None:
    for change in todo:
        file.rewrite(change.path, change.table)


def _say_rewriting(todo: list[Rewriting], path: Path, *, only_check: bool) -> None:
    for change in todo:
        say(f"{change.path}: {change.kind} {change.written} → {change.version} ({change.package})", bold=True)
        for sign, colour, values in (("-", "red", change.removed), ("+", "green", change.added)):
            for key, value in values.items():
                say(f"{sign} {key} = {as_toml(value)}", fg=colour)
    if not todo:
        note(f"Nothing to rewrite in {path}.")
    elif only_check:
        note(f"Nothing was written. This rewrites {path}: posthouse config migrate")
    else:
        note(f"Rewrote {path}.")


def _with_line(problem: Problem, configuration: Configuration) -> Problem:
    """Add the line of the value, or of the nearest table around it, as the file's own problems have it."""
    path = problem.path
    while path and path not in configuration.origins:
        path = path.rpartition(".")[0]
    line = configuration.origin(path).removeprefix(configuration.source).strip()
    return Problem(problem.path, f"{problem.message} ({line})") if line.startswith("line ") else problem


def _preset_as_dict(preset: presets.Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "label": preset.label,
        "transport": dict(preset.transport),
        "auth": dict(preset.auth),
        "delivery": dict(preset.delivery),
        "note": preset.note,
        "url": preset.url,
    }


def _failed_check(error: PosthouseError) -> dict[str, Any]:
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    source = error.source if isinstance(error, ConfigurationError) else ""
    return {**_verdict(source, problems or (Problem("", error.message),), ()), "error": error_as_dict(error)}


def _verdict(source: str, problems: tuple[Problem, ...], warnings: Any) -> dict[str, Any]:
    return {
        "ok": not problems,
        "source": source,
        "problems": [{"path": problem.path, "message": problem.message} for problem in problems],
        "warnings": [{"path": warning.path, "message": warning.message} for warning in warnings],
    }
