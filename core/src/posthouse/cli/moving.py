"""``posthouse accounts move``: to another transport, under the same name."""

from __future__ import annotations

import click

from posthouse.cli.account_files import change_file, file_to_edit, refuse_literal_secrets, registry_for
from posthouse.cli.account_form import read_assignments
from posthouse.cli.account_moves import Move, plan_move
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import note, print_json, print_table, say
from posthouse.config import ConfigurationFile, load
from posthouse.errors import ConfigurationError, Problem

__all__ = ["command"]

_WORDS = {"set": "changes", "kept": "stays", "lost": "is dropped", "needed": "must be given", "limit": "new limit"}


@click.command("move")
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--to", "kind", metavar="KIND", required=True, help="Transport, see `posthouse plugins list`.")
@click.option("--auth", metavar="KIND|NAME", help="Kind of the new sign-in, or the name of a shared one.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@json_option
@common_options
@pass_invocation
def command(
    invocation: Invocation, /, name: str, settings: tuple[str, ...], kind: str, auth: str | None, dry_run: bool
) -> None:
    """Move an account to another transport.

    Its name stays, and so does everything that refers to it: posthouse accounts move office --to graph --auth contoso.
    Settings that both transports know are kept; KEY=VALUE gives what the new one needs, such as
    transport.mailbox=office@example.org. The file's comments stay.
    """
    path = file_to_edit(invocation)
    file = ConfigurationFile(path)
    file.account(name)
    given = read_assignments(settings)
    if auth is not None:
        given["auth" if auth in (file.get("auth") or {}) else "auth.kind"] = auth
    move = plan_move(load(path), registry_for(path), name, kind, given)
    if not dry_run:
        _refuse_incomplete(move, name, kind)
        change_file(
            path,
            lambda file: file.edit_account(name, move.edits),
            lambda changed: refuse_literal_secrets(changed, name, move.edits),
        )
    if invocation.json:
        _print_json(move, name, kind, str(path), dry_run=dry_run)
        return
    rows = [(change.setting, _WORDS[change.kind], change.text) for change in move.changes]
    print_table(("Setting", "What happens", "Why"), rows)
    if not dry_run:
        say(f"Moved {name!r} to {kind} in {path}. Try it: posthouse test {name}", fg="green")
    elif move.needed:
        note("Nothing was written. What must be given: add KEY=VALUE or --auth.")
    else:
        note("Nothing was written. The same command without --dry-run does it.")


def _refuse_incomplete(move: Move, name: str, kind: str) -> None:
    if move.needed:
        raise ConfigurationError(
            f"The account {name!r} cannot move to {kind} yet.",
            problems=[Problem(f"accounts.{name}.{change.setting}", change.text) for change in move.needed],
            code="account.incomplete-move",
            hint="Give it with KEY=VALUE or --auth; --dry-run shows everything that changes. Nothing was written.",
        )


def _print_json(move: Move, name: str, kind: str, path: str, *, dry_run: bool) -> None:
    changes = [{"kind": change.kind, "setting": change.setting, "text": change.text} for change in move.changes]
    print_json(
        {"account": name, "to": kind, "path": path, "done": not dry_run, "ready": not move.needed, "changes": changes}
    )
