"""``posthouse compose``: a message is opened for the user to look at and send, instead of being sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from posthouse.accounts import ComposeMethod
from posthouse.cli.composing import (
    MessageCommand,
    MessageOptions,
    check_sources,
    finished_message,
    message_options,
    route_options,
)
from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import is_terminal, note, print_facts, print_json, say

if TYPE_CHECKING:
    from posthouse.providers import Draft

__all__ = ["command"]


@click.command(cls=MessageCommand)
@route_options
@message_options
@click.option("--eml", metavar="FILE", help="Open this finished message; - for stdin.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in ComposeMethod]),
    help="How it is opened. [default: as the configuration says]",
)
@click.option("--no-open", is_flag=True, help="Leave a draft, and open nothing.")
@click.option("--folder", type=click.Path(path_type=Path), metavar="DIR", help="Where an .eml file is written.")
@json_option
@common_options
@pass_invocation
def command(
    invocation: Invocation,
    /,
    account: str | None,
    user: str | None,
    purpose: str | None,
    eml: str | None,
    method: str | None,
    no_open: bool,
    folder: Path | None,
    **content: Any,
) -> int:
    """Open a message for the user to look at and send.

    Nothing is sent. The account's transport opens it where it can: a window of Outlook, a draft in the mailbox with a
    page in the browser. Otherwise it becomes an .eml file that mail programs open as a draft, or a mailto: link. Says
    what was made, why so, and where it is.

    \b
    Exit codes: 0 opened, or made with --no-open
                69 made, and could not be opened: the output says where it is
                64 usage            70 defect                       76 TLS or protocol
                65 bad message      74 uncertain: look into Drafts  77 not permitted, or sign-in
                68 host unknown     75 try again later              78 configuration or plugin
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    check_sources(content, eml, {})
    message = finished_message(eml) if eml is not None else MessageOptions.read(content).message()
    with invocation.mailer() as mailer:
        draft = mailer.compose(
            message, account=account, user=user, purpose=purpose, method=method, show=not no_open, folder=folder
        )
    if invocation.json:
        print_json(draft.as_dict())
    else:
        _show(draft)
    return ExitCode.OK if draft.opened or no_open else ExitCode.REFUSED


def _show(draft: Draft) -> None:
    print_facts(
        [
            ("Account", draft.account),
            ("Method", draft.method),
            ("Because", draft.reason),
            ("Where", draft.location),
            ("Opened", "yes" if draft.opened else "no"),
        ]
    )
    if draft.link and is_terminal():
        say(draft.link)  # in one piece, so that it can be copied
    else:
        print_facts([("Link", draft.link)])
    for text in draft.notes:
        note(f"Note: {text}", fg="yellow")
