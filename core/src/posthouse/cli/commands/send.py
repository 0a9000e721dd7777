"""``posthouse send``: one message, or one to each recipient of a list."""

from __future__ import annotations

from typing import Any

import click

from posthouse.cli import sending
from posthouse.cli.composing import STDIN, MessageOptions, finished_message, read_text
from posthouse.cli.failures import failed_receipt
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.messages import Priority

__all__ = ["command"]

_LISTS = {"--to", "--cc", "--bcc", "--attach", "--inline"}


class _SendCommand(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let lists have many values: ``--attach *.pdf``. There are no arguments that they could be taken for.

        A program that asks for JSON gets a receipt for wrong options, too.
        """
        invocation = ctx.ensure_object(Invocation)
        invocation.on_failure = failed_receipt
        invocation.json = invocation.json or "--json" in args
        return super().parse_args(ctx, _repeat_options(args))


@click.command(cls=_SendCommand)
@click.option("--account", metavar="NAME", help="Account to send through. [default: as the configuration chooses]")
@click.option("--user", metavar="NAME", help="Send through this user's account.")
@click.option("--purpose", metavar="WORD", help="Send through the account for this purpose, such as reminders.")
@click.option("--to", multiple=True, metavar="ADDR…", help="Recipients.")
@click.option("--cc", multiple=True, metavar="ADDR…", help="Recipients of a copy.")
@click.option("--bcc", multiple=True, metavar="ADDR…", help="Recipients of a copy that nobody else sees.")
@click.option("--from", "sender", metavar="ADDR", help="Sender. [default: the account's own]")
@click.option("--reply-to", multiple=True, metavar="ADDR", help="Where answers go.")
@click.option("--subject", metavar="TEXT", help="Subject.")
@click.option("--text", metavar="TEXT", help="The plain text: the text itself, @FILE, or - for stdin.")
@click.option("--html", metavar="HTML", help="The HTML: the code itself, @FILE, or - for stdin.")
@click.option("--attach", multiple=True, metavar="FILE…", help="Files to attach.")
@click.option("--inline", multiple=True, metavar="FILE…", help="Images for the HTML, which calls them cid:NAME.")
@click.option("--header", multiple=True, metavar='"NAME: VALUE"', help="A further header.")
@click.option("--priority", type=click.Choice([priority.value for priority in Priority]), help="Urgency.")
@click.option("--message-id", metavar="ID", help="Message-ID with its angle brackets. [default: a new one]")
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
    content |= {"text": read_text(content["text"]), "html": read_text(content["html"])}
    options = MessageOptions(**content | {"subject": content["subject"] or ""})
    if recipients is None:
        return sending.send_one(invocation, route, options.message)
    from posthouse.cli.bulk import send_list

    return send_list(invocation, route, options, recipients)


def _check_usage(eml: str | None, recipients: str | None, content: dict[str, Any]) -> None:
    given = {
        "--" + {"sender": "from"}.get(name, name).replace("_", "-")
        for name, value in content.items()
        if value not in (None, ())
    }
    addressed = given & {"--to", "--cc", "--bcc"}
    if eml is not None and (given or recipients is not None):
        others = ", ".join(sorted(given or {"--recipients"}))
        raise click.UsageError(f"--eml sends a finished message as it is and cannot be combined with {others}.")
    if eml is None and recipients is None and not addressed:
        raise click.UsageError("Nobody to send to: give --to, --cc, --bcc or --recipients.")
    if recipients is not None and given & {"--to", "--message-id"}:
        others = ", ".join(sorted(given & {"--to", "--message-id"}))
        raise click.UsageError(f"With --recipients every message has its own: leave out {others}.")
    if eml is None and not given & {"--text", "--html", "--attach", "--inline"}:
        raise click.UsageError('Nothing to send: give --text, --html or --attach (--text "" for an empty message).')
    if [content["text"], content["html"], recipients].count(STDIN) > 1:
        raise click.UsageError("Only one of --text, --html and --recipients can be read from stdin.")


def _repeat_options(args: list[str]) -> list[str]:
    """Turn ``--to A B`` into ``--to A --to B``."""
    result: list[str] = []
    option = ""
    for argument in args:
        if argument.startswith("-") and argument != STDIN:
            name = argument.partition("=")[0]
            option = name if name in _LISTS else ""
            result.append(argument)
        elif option and result[-1] != option:
            result += [option, argument]
        else:
            result.append(argument)
    return result
