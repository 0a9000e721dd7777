"""The command ``posthouse`` itself: which commands there are, loaded when they are typed, and how each ends."""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation, common_options, help_if_alone
from posthouse.cli.output import note
from posthouse.errors import PluginError, PosthouseError

if TYPE_CHECKING:
    from posthouse._discovery import Candidate

__all__ = ["posthouse"]

_SECTIONS = {
    "Send": {
        "send": "Send one message, or one to each recipient of a list.",
        "compose": "Open a message for the user to look at and send.",
        "test": "Test an account step by step and say what is wrong.",
    },
    "Set up": {
        "login": "Sign in with a browser or a code, for accounts that need it.",
        "accounts": "List, add, change and remove accounts.",
        "config": "Check and show the configuration.",
        "schema": "Print the settings of a plugin as JSON Schema, for a form.",
        "secrets": "Keep passwords out of the configuration.",
        "plugins": "Show, check, lock and trace the plugins that are installed.",
    },
}
_BUILT_IN = {name: summary for section in _SECTIONS.values() for name, summary in section.items()}

# Commands that the documentation names and another distribution brings.
_BROUGHT_BY = {"demo": "posthouse-sandbox", "sandbox": "posthouse-sandbox"}

_FIRST_STEPS = """\
First steps:

\b
  posthouse accounts add office     describe the server and the sign-in, step by step
  posthouse test office             see whether it works, and if not, why
  posthouse send --account office --to you@example.org --subject Hello --text "It works."

`posthouse COMMAND --help` explains a command with its options.
"""


class _OutputClosedError(Exception):
    """Whoever read stdout went away."""


class Posthouse(click.Group):
    """A group that imports a command when it is typed, asks plugins for the rest, and ends as sysexits has it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the built-in commands and those of plugins, in this order."""
        return [*_BUILT_IN, *(candidate.kind for candidate in _plugin_commands(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            PluginError: a plugin brings it, and it is missing, may not be used, or is broken.
            ConfigurationError: nobody can tell whether the plugin may be used.
        """
        if cmd_name in _BUILT_IN:
            command: click.Command = import_module(f"posthouse.cli.commands.{cmd_name}").command
            return command
        return self._from_plugin(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed; a misspelt one is told its neighbours."""
        command = None if args[0].startswith("-") else self.get_command(ctx, args[0])
        if command is not None:
            return args[0], command, args[1:]
        close = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise click.UsageError(f"No such command {args[0]!r}.{guess}", ctx)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the page that somebody new reads first; no command is imported for it."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))
        if brought := [(candidate.kind, f"from {candidate.distribution}") for candidate in _plugin_commands(ctx)]:
            with formatter.section("From plugins"):
                formatter.write_dl(brought)
        super(click.Group, self).format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> int:
        """Run a command and exit with a code of `ExitCode`; without ``standalone_mode`` return it."""
        extra.setdefault("obj", Invocation())
        _print_any_character()
        try:
            code = self._run(args, prog_name, complete_var, extra)
            sys.stdout.flush()
        except (_OutputClosedError, BrokenPipeError):
            _discard_output()
            code = ExitCode.OUTPUT_CLOSED
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was typed, and make sure that its output arrived."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise _OutputClosedError from error  # click would take the first for its own affair and exit with 1
        return result

    def _run(
        self, args: Sequence[str] | None, prog_name: str | None, complete_var: str | None, extra: dict[str, Any]
    ) -> int:
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except (click.Abort, KeyboardInterrupt):
            note("Stopped.")
            return ExitCode.INTERRUPTED
        except (_OutputClosedError, BrokenPipeError):
            raise
        except Exception as error:  # no traceback may show what a library put into its exception
            from posthouse.cli import failures

            return failures.report(error, extra["obj"])
        return result if isinstance(result, int) else ExitCode.OK

    def _from_plugin(self, ctx: click.Context, name: str) -> click.Command | None:
        registry = ctx.ensure_object(Invocation).registry()
        if not any((c.role, c.kind) == ("command", name) for c in registry.candidates()):
            if name in _BROUGHT_BY:
                raise PluginError(
                    f"The command {name!r} is not installed.",
                    code="plugin.missing",
                    hint=f"Install the package that brings it: pip install {_BROUGHT_BY[name]}",
                )
            return None
        from posthouse._scope import load_commands

        candidate = registry.find("command", name)
        group = click.Group()
        load_commands(candidate, group)
        if name not in group.commands:
            raise PluginError(
                f"{candidate.title} does not register a command {name!r}.",
                code="plugin.contract",
                hint=f"Update {candidate.distribution}, or tell its authors.",
            )
        return group.commands[name]


def _plugin_commands(context: click.Context) -> list[Candidate]:
    """Return the commands of plugins for a list; none if the configuration that judges them cannot be read."""
    try:
        found = context.ensure_object(Invocation).registry().candidates()
    except PosthouseError:
        return []
    return sorted((c for c in found if c.role == "command" and not c.reason), key=lambda c: c.kind)


def _print_any_character() -> None:
    """Show what the terminal's encoding lacks as an escape, rather than fail in the middle of a report."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Give Python's last flush somewhere to write to."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Posthouse,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_FIRST_STEPS,
)
@click.version_option(package_name="posthouse", message="posthouse %(version)s")
@common_options
@click.pass_context
def posthouse(context: click.Context) -> None:
    """Send a program's mail through whichever transport an account names.

    An account says which server takes the mail and how to sign in there. Accounts stand in posthouse.toml.
    """
    help_if_alone(context)
