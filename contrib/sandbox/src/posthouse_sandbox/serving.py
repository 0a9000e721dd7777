"""``posthouse sandbox``: the doors in the foreground, until somebody stops them."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from pathlib import Path

import click

from posthouse import ConfigurationError
from posthouse.cli.invocation import common_options
from posthouse.cli.output import print_table, say
from posthouse_sandbox.configuration import save
from posthouse_sandbox.inbox import Received
from posthouse_sandbox.inbox_page import InboxDoor
from posthouse_sandbox.sandbox import Sandbox
from posthouse_sandbox.web import WebDoor

__all__ = ["command"]


@click.command
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("posthouse-sandbox"),
    show_default=True,
    help="Where certificates, passwords, the configuration and the received messages go.",
)
@common_options
def command(directory: Path) -> int:
    """Run local mail servers to develop against, until Ctrl-C.

    SMTP in all its variants, stand-ins for Microsoft's services, and a page that shows what arrived. It writes a
    configuration with an account for each server and way of signing in, and prints a line for each message. Nothing
    leaves this machine.
    """
    try:
        asyncio.run(_serve(directory))
    except OSError as error:
        raise ConfigurationError(
            f"The sandbox cannot work in {directory}: {error}",
            code="configuration.directory",
            hint="Name a directory that it may write to: posthouse sandbox --directory DIRECTORY",
        ) from error
    return 0


async def _serve(directory: Path) -> None:
    stopped = _stop_signals()
    async with Sandbox(directory) as sandbox:
        configuration = sandbox.directory / "posthouse.toml"
        save(configuration, sandbox.configuration())
        _introduce(sandbox, configuration)
        sandbox.inbox.subscribe(_announce)
        await stopped.wait()
    say("Stopped.")


def _stop_signals() -> asyncio.Event:
    """Return an event that Ctrl-C and SIGTERM set."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers; there Ctrl-C ends the loop with a KeyboardInterrupt, which closes the doors too.
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped


def _introduce(sandbox: Sandbox, configuration: Path) -> None:
    users = ", ".join(sandbox.credentials.passwords)
    print_table(
        ("Server", "Address", "Security", "Authentication", "Users"),
        [
            (
                door.name,
                door.url if isinstance(door, WebDoor) else f"{door.host}:{door.port}",
                door.security,
                ", ".join(door.mechanisms) or "none",
                users if door.mechanisms else "everybody",
            )
            for door in sandbox.doors
        ],
    )
    say(f"Inbox page:            {next(door.url for door in sandbox.doors if isinstance(door, InboxDoor))}")
    say(f"Certificate authority: {sandbox.ca_file}")
    say(f"Passwords:             {sandbox.directory / 'passwords'}")
    say(f"Received messages:     {sandbox.inbox.folder}")
    say(f"Configuration:         {configuration}")
    say("Waiting for messages; Ctrl-C stops.")


def _announce(received: Received) -> None:
    facts = (
        f"{received.time.astimezone():%H:%M:%S}",
        received.door,
        received.tls or "plain text",
        received.user or "nobody signed in",
        f"{received.envelope_from or '<>'} to {', '.join(received.recipients)}",
        f"{len(received.raw)} bytes",
        _subject(received),
    )
    say("  ".join(facts))


def _subject(received: Received) -> str:
    """Return the subject for the eye; the message counts as taken, whatever the parser stumbles over in it."""
    try:
        return str(received.message["Subject"] or "(no subject)")
    except Exception:
        return "(a subject that cannot be read)"
