"""``posthouse plugins lock``: write down what may run, or compare with what was written down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import note, print_json, say
from posthouse.errors import ConfigurationError

if TYPE_CHECKING:
    from posthouse._discovery.lock import Change, Lock
    from posthouse.config import Configuration, PluginPolicy

__all__ = ["lock"]

_NAME = "posthouse.lock"
_PERMISSIONS = 0o644  # it holds no secret, and whoever runs the program has to read it


@click.command
@click.option("--check", is_flag=True, help="Write nothing; exit with 78 if something is not as it was locked.")
@click.option("--add-key", is_flag=True, help=f'Add lock = "{_NAME}" to [plugins] where the configuration lacks it.')
@json_option
@common_options
@pass_invocation
def lock(invocation: Invocation, /, check: bool, add_key: bool) -> int:
    """Lock what is installed, or compare with it.

    Writes the file that [plugins] lock names. From then on a plugin that was changed, added or swapped is refused
    before it is imported. The file has version, entry points and the hash of every file of each plugin's package and of
    the posthouse packages that it requires.

    What deny, allow, require and the API version refuse is not locked. With --check exit with 0 if everything is as it
    was locked, with 78 if not.
    """
    if check and add_key:
        raise click.UsageError("--check writes nothing, so there is nothing for --add-key to do.")
    configuration = _configuration(invocation, add_key=add_key)
    path = _path(configuration, add_key=add_key)
    from posthouse._discovery.lock import changes
    from posthouse._discovery.lockfile import read_lock

    written = read_lock(path)
    if not check:
        _refuse_to_lose(path, configuration)
    elif written.trouble:
        raise ConfigurationError(f"Nothing can be compared: {written.trouble}.", code="plugin.lock")
    now = _installed(configuration.plugins, path)
    found = changes(written, now)
    if not check:
        if written.trouble and path.exists():
            note(f"Nothing can be compared with what was locked before: {written.trouble}.")
        _write(now)
        if configuration.plugins.lock is None:
            _add_key(configuration)
    _report(invocation, path, found, check=check)
    return ExitCode.CONFIGURATION if check and any(change.what != "same" for change in found) else ExitCode.OK


def _configuration(invocation: Invocation, *, add_key: bool) -> Configuration:
    if not add_key and (found := invocation.configuration_for_plugins()).source:
        return found
    return invocation.configuration()  # there is none; or it will be written, which only a sound one is


def _path(configuration: Configuration, *, add_key: bool) -> Path:
    if configuration.plugins.lock is not None:
        return configuration.plugins.lock
    if not add_key:
        raise ConfigurationError(
            f"{configuration.source} names no lock file, so nothing would look at one.",
            code="configuration.no-lock",
            hint=f'Add  lock = "{_NAME}"  to [plugins], or let the command do it: posthouse plugins lock --add-key',
        )
    return Path(configuration.source).absolute().with_name(_NAME)


def _refuse_to_lose(path: Path, configuration: Configuration) -> None:
    """Make sure that no other file than a lock is written over."""
    from posthouse._discovery.lockfile import is_lock

    try:
        lost = path.exists() and (path.samefile(configuration.source) or not is_lock(path))
    except OSError as error:
        raise _unwritable(path, error.strerror or type(error).__name__) from None
    if lost:
        raise ConfigurationError(
            f"{path} is there already and is no lock file; nothing was written.",
            code="configuration.no-lock",
            hint="Name another file in [plugins] lock, or move that one away.",
        )


def _installed(policy: PluginPolicy, path: Path) -> Lock:
    """Return a lock of every plugin that the rules before the lock let through."""
    import attrs

    from posthouse._discovery import Registry, State
    from posthouse._discovery.lock import lock_of

    registry = Registry(attrs.evolve(policy, lock=None))
    let_through = (State.READY, State.CONFLICT, State.SHADOWED)
    names = {c.distribution for c in registry.candidates() if c.state in let_through and not c.is_core}
    return lock_of(path, sorted(names), registry.installation)


def _write(now: Lock) -> None:
    from posthouse._discovery.lockfile import render
    from posthouse.config.files import write_text_file

    if trouble := write_text_file(now.path.resolve(), render(now), _PERMISSIONS):
        raise _unwritable(now.path, trouble)


def _unwritable(path: Path, trouble: str) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be written: {trouble}.", code="configuration.unwritable")


def _add_key(configuration: Configuration) -> None:
    from posthouse.config import ConfigurationFile

    file = ConfigurationFile(configuration.source)
    file.set("plugins.lock", _NAME)
    file.save()


def _report(invocation: Invocation, path: Path, found: list[Change], *, check: bool) -> None:
    if invocation.json:
        print_json({"file": str(path), "written": not check, "distributions": [_as_dict(change) for change in found]})
        return
    for change in found:
        if change.what != "same" or not check:
            say(f"{change.what + ':':<9} {change.name} {change.version}")
        for line in change.differences:
            say(f"          {line}")
    if not check:
        say(f"Written: {path}")
    elif all(change.what == "same" for change in found):
        say(f"Everything is as {path} has it.")


def _as_dict(change: Change) -> dict[str, Any]:
    return {
        "name": change.name,
        "version": change.version,
        "change": change.what,
        "differences": list(change.differences),
    }
