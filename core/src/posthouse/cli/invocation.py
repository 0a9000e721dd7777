"""What the options that every command has were given, and what a command needs from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import define

if TYPE_CHECKING:
    from posthouse import Mailer
    from posthouse._discovery import Registry
    from posthouse.config import Configuration
    from posthouse.errors import PosthouseError

__all__ = ["Invocation", "common_options", "help_if_alone", "json_option", "pass_invocation"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


@define
class Invocation:
    """One call of ``posthouse``.

    Attributes:
        config: the configuration file that was named, if any.
        verbose: log to stderr, and show the traceback of a defect.
        json: print JSON for programs.
        on_failure: what to print as JSON for an error, where a command has its own form.
    """

    config: Path | None = None
    verbose: bool = False
    json: bool = False
    on_failure: Callable[[PosthouseError], Any] | None = None

    def mailer(self) -> Mailer:
        """Return a mailer for the configuration; the caller closes it.

        Raises:
            ConfigurationError: the configuration is missing or wrong.
        """
        from posthouse import Mailer

        return Mailer.from_config(self.config)

    def configuration(self) -> Configuration:
        """Return the configuration, whether or not its plugins can be used.

        Raises:
            ConfigurationError: it is missing or wrong.
        """
        from posthouse.config import load

        return load(self.config)

    def configuration_if_any(self) -> Configuration | None:
        """Return the configuration; None if none was named, and there is none in the usual places.

        Raises:
            ConfigurationError: the configuration that was named is missing, or the one that was found is wrong.
        """
        from posthouse.config import candidates

        places = candidates(self.config)
        if len(places) > 1 and not any(place.exists() for place in places):
            return None
        return self.configuration()

    def configuration_for_plugins(self) -> Configuration:
        """Return the configuration as far as it can be read, if it says without doubt which plugins may run.

        What is wrong elsewhere gets one note. Without any configuration there is nothing to forbid a plugin.

        Raises:
            ConfigurationError: the configuration that was named is missing, is no TOML, or its ``[plugins]`` is wrong.
        """
        from posthouse.cli.output import note
        from posthouse.config import Configuration, candidates, examine
        from posthouse.errors import ConfigurationError

        places = candidates(self.config)
        if len(places) > 1 and not any(place.exists() for place in places):
            return Configuration()
        configuration, problems = examine(self.config)
        if any(_may_be_of_plugins(problem.path) for problem in problems):
            raise ConfigurationError(problems=problems, source=configuration.source, code="configuration.invalid")
        if problems:
            note(f"{configuration.source} has problems outside [plugins]; `posthouse config check` lists them.")
        return configuration

    def registry(self) -> Registry:
        """Return the plugins, judged by the configuration's ``[plugins]``, whatever is wrong with the rest of it.

        Raises:
            ConfigurationError: as `configuration_for_plugins`.
        """
        from posthouse._discovery import Registry

        return Registry(self.configuration_for_plugins().plugins)


pass_invocation = click.make_pass_decorator(Invocation)


def common_options(function: _Function) -> _Function:
    """Add ``--config`` and ``--verbose``, which may stand before or after the command's name."""
    options = (
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_remember_config,
            help="Configuration to use instead of the one that `posthouse config path` names.",
        ),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_remember_verbose,
            help="Log to stderr what is going on; passwords are masked.",
        ),
    )
    for option in options:
        function = option(function)
    return function


def json_option(function: _Function) -> _Function:
    """Add ``--json``. It is read before the other options, so that their errors come as JSON, too."""
    return click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_remember_json,
        help="Print JSON for programs.",
    )(function)


def help_if_alone(context: click.Context) -> None:
    """Show the help of a group that was typed without a command."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _may_be_of_plugins(path: str) -> bool:
    """Return whether a problem keeps one from telling which plugins may run; so does ``[plugin]``, a slip."""
    import difflib

    return bool(difflib.get_close_matches(path.partition(".")[0], ["plugins"]))


def _remember_config(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).config = value


def _remember_verbose(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    invocation = context.ensure_object(Invocation)
    if value and not invocation.verbose:
        from posthouse.cli.logs import log_to_stderr

        invocation.verbose = True
        log_to_stderr()


def _remember_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).json = True
