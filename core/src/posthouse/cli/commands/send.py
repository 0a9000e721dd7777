"""``posthouse send``: one message, or one to each recipient of a list."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import sending
from posthouse.cli.composing import (
    MessageCommand,
    MessageOptions,
    check_sources,
    finished_message,
    given_options,
    message_options,
    route_options,
)
from posthouse.cli.failures import failed_receipt
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation

__all__ = ["command"]


class _SendCommand(MessageCommand):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let an error, one of the options included, have the form of a receipt."""
        ctx.ensure_object(Invocation).on_failure = failed_receipt
        return super().parse_args(ctx, args)


@click.command(cls=_SendCommand)
@route_options
@message_options
@click.option("--eml", metavar="FILE", help="Send this finished message as it is; - for stdin.")
@click.option("--recipients", metavar="FILE", help="Send one message to each row of this CSV list; - for stdin.")
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
    recipients: str | None,
    **content: Any,
) -> int:
    """Send one message, or one to each recipient of a list.

    A text that begins with @ is written with two of them: --text "@@all: hello".

    A list is a CSV file whose first line names its columns. The column "to" or "email" holds the address; {name} in
    the subject, text and HTML stands for the column "name", as text even in HTML, and {{other}} for {other} itself.
    The whole list is checked before the first message leaves. On Ctrl-C what is under way is brought to its end and
    reported.

    \b
    Exit codes: 0 sent              69 refused, at least in part    76 TLS or protocol
                64 usage            70 defect                       77 not permitted, or sign-in
                65 bad message      74 uncertain: look before       78 configuration or plugin
                68 host unknown     75 try again later
    """  # noqa: D301 - \b is click's mark for lines that stay as they are
    _check_usage(eml, recipients, content)
    route = sending.Route(account, user, purpose)
    if eml is not None:
        return sending.send_one(invocation, route, lambda: finished_message(eml))
    options = MessageOptions.read(content)
    if recipients is None:
        return sending.send_one(invocation, route, options.message)
    from posthouse.cli.bulk import send_list

    return send_list(invocation, route, options, recipients)


def _check_usage(eml: str | None, recipients: str | None, content: dict[str, Any]) -> None:
    check_sources(content, eml, {"--recipients": recipients})
    given = given_options(content)
    if eml is None and recipients is None and not given & {"--to", "--cc", "--bcc"}:
        raise click.UsageError("Nobody to send to: give --to, --cc, --bcc or --recipients.")
    if recipients is not None and given & {"--to", "--message-id"}:
        others = ", ".join(sorted(given & {"--to", "--message-id"}))
        raise click.UsageError(f"With --recipients every message has its own: leave out {others}.")
    if eml is None and not given & {"--text", "--html", "--attach", "--inline"}:
        raise click.UsageError('Nothing to send: give --text, --html or --attach (--text "" for an empty message).')
