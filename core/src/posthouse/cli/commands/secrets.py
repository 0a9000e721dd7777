"""``posthouse secrets``: seal one, check all, make a key. No value is ever an argument: other users could see it."""

from __future__ import annotations

import sys
from typing import Any

import click

from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation, common_options, help_if_alone, json_option, pass_invocation
from posthouse.cli.output import is_terminal, note, print_json, print_table, say
from posthouse.cli.prompts import ask_secret
from posthouse.cli.settings_in_use import settings_in_use
from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret
from posthouse.structuring import secrets_in

__all__ = ["command"]


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Keep passwords out of the configuration."""
    help_if_alone(context)


@command.command
@json_option
@common_options
@pass_invocation
def seal(invocation: Invocation, /) -> None:
    """Encrypt a secret for the configuration.

    Prints what to write there. The secret is asked for, or read from stdin. The key comes from POSTHOUSE_KEY or
    the keyring.
    """
    from posthouse import sealing

    value = ask_secret("Secret") if sys.stdin.isatty() else _read_secret()
    sealed = sealing.seal(value)
    if invocation.json:
        print_json({"sealed": sealed})
    else:
        say(sealed)


@command.command
@json_option
@common_options
@pass_invocation
def check(invocation: Invocation, /) -> int:
    """Try to read every secret of the configuration.

    Shows none of them, and exits with 78 if one cannot be read.
    """
    results = [
        _try(place, secret)
        for path, settings, _ in settings_in_use(invocation.configuration())
        for place, secret in secrets_in(settings, path=path)
    ]
    if invocation.json:
        print_json(results)
    else:
        rows = [(r["path"], r["reference"], "ok" if r["ok"] else "FAILED", r["message"]) for r in results]
        print_table(("Setting", "Secret", "Result", "Remark"), rows)
    return ExitCode.OK if all(result["ok"] for result in results) else ExitCode.CONFIGURATION


@command.command("new-key")
@click.option("--print", "print_it", is_flag=True, help="Print the key, for POSTHOUSE_KEY, rather than keep it.")
@click.option("--replace", is_flag=True, help="Replace the key in the keyring: what was sealed with it is lost.")
@json_option
@common_options
@pass_invocation
def new_key(invocation: Invocation, /, print_it: bool, replace: bool) -> None:
    """Make a key for sealed secrets.

    It goes into the keyring of this machine, or with --print to stdout.
    """
    from posthouse import keyrings, sealing

    key = sealing.generate_key()
    if print_it:
        if invocation.json:
            print_json({"key": key})
        else:
            say(key)
        if is_terminal():
            note("Keep it where the program finds it as POSTHOUSE_KEY, and nowhere else.")
        return
    if not replace and keyrings.read(sealing.KEYRING_SERVICE, sealing.KEYRING_USER):
        raise ConfigurationError(
            "The keyring has a key already; with another one, what was sealed could not be read any more.",
            code="secret.key",
            hint="Use --print for a key of another program, or --replace if nothing was sealed yet.",
        )
    sealing.store_key(key)
    if invocation.json:
        print_json({"stored": "keyring"})
    elif is_terminal():
        say("The keyring has a new key for sealed secrets.", fg="green")


def _try(path: str, secret: Secret) -> dict[str, Any]:
    result = {"path": path, "reference": secret.reference, "ok": True, "message": secret.weakness}
    try:
        secret.reveal()
    except ConfigurationError as error:
        result |= {"ok": False, "message": str(error)}
    return result


def _read_secret() -> str:
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise click.UsageError("No secret on stdin.")
    return value
