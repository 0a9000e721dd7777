"""Edits of accounts in the configuration file: checked by the plugins before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthouse.cli.descriptions import is_secret, settings_class
from posthouse.cli.invocation import Invocation
from posthouse.cli.versions import parts, rewriting
from posthouse.config import Configuration, ConfigurationFile, PluginPolicy, candidates, load, parse
from posthouse.errors import ConfigurationError, PluginError, Problem
from posthouse.schema import settings_of
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from posthouse._discovery import Registry

__all__ = ["change_file", "file_to_edit", "refuse_literal_secrets", "registry_for", "up_to_date"]


def file_to_edit(invocation: Invocation) -> Path:
    """Return the configuration file that is used, else the one that a new configuration goes into."""
    places = candidates(invocation.config)
    return next((place for place in places if place.exists()), places[-1])


def registry_for(path: Path) -> Registry:
    """Return the plugins as a configuration file judges them; a file that does not exist yet forbids none.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    from posthouse._discovery import Registry

    return Registry(load(path).plugins if path.exists() else PluginPolicy())


def change_file(
    path: Path,
    change: Callable[[ConfigurationFile], None],
    check: Callable[[Configuration], None] = lambda configuration: None,
) -> None:
    """Change the file and write it, unless the change brings a problem that was not there before.

    Args:
        path: the file; it need not exist yet.
        change: makes the change.
        check: raises what it has against the result.

    Raises:
        ConfigurationError: the change brings problems; nothing was written.
    """
    file = ConfigurationFile(path)
    known = _problems(load(path)) if path.exists() else ()
    change(file)
    changed = parse(file.text, str(path))
    check(changed)
    if new := [problem for problem in _problems(changed) if problem not in known]:
        raise ConfigurationError(problems=new, source=str(path), hint="Nothing was written.")
    file.save()


def up_to_date(file: ConfigurationFile, name: str) -> ConfigurationFile:
    """Rewrite what an older version of a plugin wrote of an account, so that changes meet the settings that it has now.

    Raises:
        ConfigurationError: the file has problems.
    """
    configuration = parse(file.text, str(file.path))
    account = configuration.accounts[name]
    for part in parts(configuration, registry_for(file.path)):
        if part.selection in (account.transport, account.auth) and (change := rewriting(part, file)):
            file.rewrite(change.path, change.table)
    return file


def refuse_literal_secrets(configuration: Configuration, name: str, changes: Mapping[str, Any]) -> None:
    """Refuse a secret that was given as an argument: other users of the machine can see it, and the shell keeps it.

    Raises:
        ConfigurationError: such settings, none of their values shown (``secret.argument``).
    """
    from posthouse._discovery import Registry

    registry = Registry(configuration.plugins)
    account = configuration.accounts[name]
    selections = {"transport": ("transport", account.transport), "auth": ("authenticator", account.auth)}
    problems = []
    for part, (role, selection) in selections.items():
        cls = settings_class(registry, role, selection.kind)
        secret = {field.name for field in settings_of(cls) if is_secret(field)} if cls else set()
        for name, value in _below(part, changes):
            if name in secret and isinstance(value, str) and Secret(value).is_literal:
                problems.append(Problem(f"{part}.{name}", "a secret as an argument is visible to others"))
    if problems:
        raise ConfigurationError(
            problems=problems,
            code="secret.argument",
            hint="Give a reference such as env:NAME, or use --password to be asked for it. Nothing was written.",
        )


def _below(part: str, changes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    whole = changes.get(part)
    found = list(whole.items()) if isinstance(whole, Mapping) else []
    return found + [(key.partition(".")[2], value) for key, value in changes.items() if key.startswith(f"{part}.")]


def _problems(configuration: Configuration) -> tuple[Problem, ...]:
    from posthouse import Mailer

    try:
        with Mailer(configuration) as mailer:
            return mailer.validate()
    except PluginError as error:  # what is required and missing was so before the edit, too, or the edit is refused
        return (Problem("plugins.require", error.message),)
