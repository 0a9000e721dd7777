"""``posthouse login``: a person signs in, in a browser here or with a code elsewhere."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import click

from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import note, print_json, say

if TYPE_CHECKING:
    from posthouse.providers import LoginPrompt

__all__ = ["command"]


@click.command
@click.argument("account", required=False)
@click.option("--device", is_flag=True, help="Get a code to type in a browser on any other machine.")
@click.option("--no-browser", is_flag=True, help="Print the address instead of opening a browser.")
@json_option
@common_options
@pass_invocation
def command(invocation: Invocation, /, account: str | None, device: bool, no_browser: bool) -> None:
    """Sign in with a browser or a code, for accounts that need it.

    Opens the sign-in page of the account's provider and waits until it is done. Accounts that share a sign-in are all
    signed in. Without ACCOUNT the default account is taken.
    """
    with invocation.mailer() as mailer:
        for prompt in mailer.login(account, device=device):
            _show(invocation, prompt)
            if prompt.url and not (no_browser or device or invocation.json):
                webbrowser.open(prompt.url)


def _show(invocation: Invocation, prompt: LoginPrompt) -> None:
    if invocation.json:
        data = {"message": prompt.message, "url": prompt.url, "user_code": prompt.user_code}
        print_json({**data, "expires_at": prompt.expires_at}, compact=True)
        return
    say(prompt.message)
    if prompt.url and prompt.url not in prompt.message:
        note(prompt.url)
