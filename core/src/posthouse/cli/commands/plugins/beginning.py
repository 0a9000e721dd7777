"""``posthouse plugins new``: a transport of one's own, complete and passing, to begin from."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

import click

from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import print_json, say
from posthouse.errors import PluginError

__all__ = ["new"]

_KIND = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LABEL = re.compile(r"[^\x00-\x1f\x7f{}\"\\]+")


@click.command
@click.argument("kind")
@click.option("--label", metavar="TEXT", help="What people call the service. [default: made of KIND]")
@click.option("--into", metavar="FOLDER", type=click.Path(path_type=Path), help="Where to. [default: ./posthouse-KIND]")
@json_option
@common_options
@pass_invocation
def new(invocation: Invocation, /, kind: str, label: str | None, into: Path | None) -> int:
    """Begin a transport of your own.

    Writes a complete distribution that sends through an HTTP interface: the plugin, its settings, a stand-in for the
    service, tests that pass the conformance kit at the top grade, a README, and a matrix for continuous integration.
    Change it into what your service wants.

    KIND is the word that a configuration will name it by, such as acme-api. Needs the extra "authors": pip install
    "posthouse[authors]".
    """
    folder = into or Path(f"posthouse-{kind}")
    _check(invocation, kind, label, folder)
    _write(folder, {"kind": kind} | ({"label": label} if label else {}))
    written = sorted(str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())
    if invocation.json:
        print_json({"folder": str(folder), "files": written})
        return ExitCode.OK
    say(f"Wrote {len(written)} files to {folder}:")
    for name in written:
        say(f"  {name}")
    say()
    say("Next:")
    say(f"  cd {_quoted(folder)}")
    say('  pip install --editable ".[test]"')
    say("  pytest")
    return ExitCode.OK


def _check(invocation: Invocation, kind: str, label: str | None, folder: Path) -> None:
    if not _KIND.fullmatch(kind):
        raise click.UsageError(f"{kind!r} is no kind: lower-case letters and digits in words, joined by hyphens.")
    if label is not None and not _LABEL.fullmatch(label):
        raise click.UsageError("The label may hold no quotation marks, backslashes, braces or line breaks.")
    taken = [each for each in invocation.registry().candidates() if (each.role, each.kind) == ("transport", kind)]
    if taken:
        raise click.UsageError(f"There is a transport {kind!r} already, from {taken[0].distribution}.")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise click.UsageError(f"{folder} is there already, and not empty.")
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(folder: Path, answers: dict[str, str]) -> None:
    """Fill in the template.

    Raises:
        PluginError: copier is not installed (code ``plugin.extra``), cannot write (``plugin.folder``), or cannot fill
            in the template (``plugin.template``).
    """
    try:
        from copier import run_copy
        from copier.errors import CopierError
    except ImportError as error:
        raise PluginError(
            "The template needs copier, which is not installed.",
            code="plugin.extra",
            hint='Install it: pip install "posthouse[authors]"',
        ) from error
    was_there = folder.is_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with as_file(files("posthouse") / "templates" / "transport") as template:
            run_copy(str(template), folder, data=answers, defaults=True, quiet=True)
    except (OSError, CopierError) as error:
        if not was_there:  # half of a distribution would be in the way of the next try
            shutil.rmtree(folder, ignore_errors=True)
        raise _unwritable(folder, error) if isinstance(error, OSError) else _not_filled_in(error) from error


def _unwritable(folder: Path, error: OSError) -> PluginError:
    return PluginError(
        f"Nothing can be written to {folder}: {error.strerror or type(error).__name__}.",
        code="plugin.folder",
        hint="Name a folder that this user can write to: --into FOLDER.",
    )


def _not_filled_in(error: Exception) -> PluginError:
    return PluginError(
        f"The template cannot be filled in: {error}",
        code="plugin.template",
        hint='Renew copier: pip install --upgrade "posthouse[authors]"',
    )


def _quoted(folder: Path) -> str:
    """Return a folder as this system's shell takes it."""
    return subprocess.list2cmdline([str(folder)]) if os.name == "nt" else shlex.quote(str(folder))
