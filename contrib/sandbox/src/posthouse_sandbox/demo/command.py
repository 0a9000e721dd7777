"""``posthouse demo``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from posthouse import AsyncMailer, ConfigurationError, PluginError
from posthouse.cli.exit_codes import ExitCode, for_error, worst
from posthouse.cli.failures import explain
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import duration, note, print_json, print_table, say
from posthouse_sandbox.configuration import save
from posthouse_sandbox.demo.run import (
    Attempt,
    choose,
    exercise,
    installed_authenticators,
    installed_transports,
    not_exercised,
)
from posthouse_sandbox.sandbox import Sandbox

__all__ = ["command"]


@click.command
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("posthouse-demo"),
    show_default=True,
    help="Where the configuration and the received messages are left.",
)
@json_option
@common_options
@pass_invocation
def command(invocation: Invocation, directory: Path) -> int:
    """Send a real message through each installed transport, and compare what arrives.

    It starts local mail servers, writes a configuration for them, sends a message with HTML, an inline image and an
    attachment, and exits with 0 only if every copy arrived intact. Nothing leaves this machine.
    """
    try:
        attempts, left_out = asyncio.run(_demonstrate(directory))
    except OSError as error:
        raise ConfigurationError(
            f"The demo cannot work in {directory}: {error}",
            code="configuration.directory",
            hint="Name a directory that it may write to: posthouse demo --directory DIRECTORY",
        ) from error
    show = _print_json if invocation.json else _print
    show(directory.absolute(), attempts, left_out)
    return worst(_exit_code(attempt) for attempt in attempts)


async def _demonstrate(directory: Path) -> tuple[list[Attempt], dict[str, str]]:
    transports = installed_transports()
    async with Sandbox(directory) as sandbox:
        accounts = choose(sandbox, transports, installed_authenticators())
        if not accounts:
            raise PluginError(
                "No transport is installed that the sandbox has a server for.",
                code="plugin.missing",
                hint="Install one: pip install posthouse-smtp posthouse-starttls posthouse-smtps",
            )
        configuration = sandbox.directory / "posthouse.toml"
        save(configuration, sandbox.configuration([account.name for account in accounts]))
        async with AsyncMailer.from_config(configuration) as mailer:
            attempts = [attempt async for attempt in exercise(sandbox, mailer, accounts)]
    return attempts, not_exercised(transports, accounts)


def _exit_code(attempt: Attempt) -> ExitCode:
    if attempt.error is not None:
        return for_error(attempt.error)
    return ExitCode.OK if attempt.intact else ExitCode.INTERNAL


def _print(directory: Path, attempts: list[Attempt], left_out: dict[str, str]) -> None:
    columns = ("Account", "Transport", "Security", "Authentication", "Reply", "Time")
    print_table(columns, [_row(attempt) for attempt in attempts], for_people=True)
    for attempt in attempts:
        for difference in attempt.differences:
            note(f"{attempt.account}: {difference}", fg="red")
        if attempt.error is not None:
            note(f"{attempt.account}:", fg="red")
            explain(attempt.error)
    for kind, reason in left_out.items():
        note(f"Not exercised: transport {kind}, because {reason}.")
    intact = sum(attempt.intact for attempt in attempts)
    say(f"{intact} of {len(attempts)} messages arrived intact.", fg="green" if intact == len(attempts) else "red")
    say(f"Received messages: {directory / 'inbox'}")
    say(f"Configuration:     {directory / 'posthouse.toml'}")


def _row(attempt: Attempt) -> tuple[str, ...]:
    receipt = attempt.receipt
    reply = receipt.reply if receipt else None
    if reply is None and attempt.error is not None:
        reply = attempt.error.reply
    return (
        attempt.account,
        attempt.transport,
        receipt.security if receipt else "",
        receipt.authentication if receipt else "",
        f"{reply.code} {reply.enhanced}".rstrip() if reply else "",
        duration(receipt.timings["total"]) if receipt and "total" in receipt.timings else "",
    )


def _print_json(directory: Path, attempts: list[Attempt], left_out: dict[str, str]) -> None:
    print_json(
        {
            "intact": all(attempt.intact for attempt in attempts),
            "directory": str(directory),
            "configuration": str(directory / "posthouse.toml"),
            "messages": [attempt.as_dict() for attempt in attempts],
            "not_exercised": [{"transport": kind, "reason": reason} for kind, reason in left_out.items()],
        }
    )
