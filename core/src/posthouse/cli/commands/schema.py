"""``posthouse schema``: the settings of an account as JSON Schema, for a form or an editor."""

from __future__ import annotations

import click

from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import note, print_json, print_table

__all__ = ["command"]


@click.command("schema")
@click.argument("kind", required=False)
@click.option(
    "--role",
    type=click.Choice(["transport", "authenticator"]),
    help="Which of the two, where a transport and a sign-in have one kind.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Print the schemas of all kinds, by name; plugins that fail are left out."
)
@json_option
@common_options
@pass_invocation
def command(invocation: Invocation, /, kind: str | None, role: str | None, everything: bool) -> None:
    """Print the JSON Schema of a transport's or a sign-in's settings.

    KIND is what `transport.kind` or `auth.kind` names, or `account` for what all accounts have. A program can draw a
    form from it. Without KIND, the kinds that there are; no plugin is imported for that.

    For --all, plugins are tried in processes of their own first; stderr names those that fail, hang or end Python.
    """
    from posthouse._schemas import every_schema, schemas
    from posthouse.config import Configuration

    if kind is None and not everything:
        _print_names(invocation, role)
        return
    if kind is not None and everything:
        raise click.UsageError("Name a KIND, or give --all.")
    configuration = invocation.configuration_if_any() or Configuration()
    if everything:
        found, left_out = every_schema(configuration, role)
        print_json(found)
        for title, trouble in left_out.items():
            note(f"Left out: {title}: {trouble}", fg="yellow")
        return
    found = schemas(kind, role=role, configuration=configuration)
    if len(found) > 1:
        raise click.UsageError(f"A transport and a sign-in have the kind {kind!r}: say which with --role.")
    print_json(next(iter(found.values())))


def _print_names(invocation: Invocation, role: str | None) -> None:
    candidates = [c for c in invocation.registry().candidates() if c.role in ("transport", "authenticator")]
    rows = sorted((c.role, c.kind, f"{c.distribution} {c.version}") for c in candidates if not c.reason)
    chosen = [row for row in rows if role in (None, row[0])]
    if invocation.json:
        print_json([{"role": row[0], "kind": row[1], "package": row[2]} for row in chosen])
    else:
        print_table(("Role", "Kind", "Package"), chosen)
