"""``posthouse test``: what works, what does not, and what to do about it."""

from __future__ import annotations

import click

from posthouse.cli.exit_codes import for_report
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import clean, colour, duration, note, print_json, say
from posthouse.reports import Check, CheckStatus, TestReport

__all__ = ["command"]

_MARKS = {
    CheckStatus.OK: ("ok", "green"),
    CheckStatus.WARNING: ("warning", "yellow"),
    CheckStatus.FAILED: ("FAILED", "red"),
    CheckStatus.SKIPPED: ("skipped", "bright_black"),
}


@click.command
@click.argument("account", required=False)
@click.option(
    "--to",
    is_flag=False,
    flag_value="",
    metavar="[ADDR]",
    help="Send a test mail, too: to this address, or to the account's own sender.",
)
@json_option
@common_options
@pass_invocation
def command(invocation: Invocation, /, account: str | None, to: str | None) -> int:
    """Test an account step by step and say what is wrong.

    Tries everything that sending needs: name, connection, encryption, sign-in, sender and recipient. Without --to no
    mail is sent. Without ACCOUNT the default account is tested.
    """
    with invocation.mailer() as mailer:
        report = mailer.test(account, to, None if invocation.json else _show)
    if invocation.json:
        print_json(report.as_dict())
    else:
        _conclude(report)
    return for_report(report)


def _show(check: Check) -> None:
    mark, color = _MARKS[check.status]
    took = click.style(f"({duration(check.duration)})", dim=True)
    click.echo(f"{click.style(f'{mark:<8}', fg=color)} {clean(check.title)} {took}", color=colour())
    for name, text in (("Seen", check.evidence), ("Cause", check.cause), ("Next step", check.hint)):
        for number, line in enumerate(text.splitlines()):
            say(f"         {name + ':' if number == 0 else '':<10} {line}")


def _conclude(report: TestReport) -> None:
    say()
    say(report.verdict, fg="green" if report.ok else "red", bold=True)
    if report.receipt is not None:
        for text in report.receipt.notes:
            note(f"Note: {text}", fg="yellow")
