"""``posthouse plugins trace``: what happens to a message of an account, and who does it."""

from __future__ import annotations

import click

from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import print_json, print_table

__all__ = ["trace"]


@click.command
@click.argument("account")
@json_option
@common_options
@pass_invocation
def trace(invocation: Invocation, /, account: str) -> None:
    """Print the way of a message of an account.

    Step by step, with the function that does it. The account's plugins are loaded and its settings are read, as for
    sending; nobody is contacted.
    """
    from attrs import asdict

    from posthouse._chain import chain
    from posthouse._discovery import Registry
    from posthouse._engine import Engine
    from posthouse._routing import resolve

    configuration = invocation.configuration()
    chosen = resolve(configuration, account=account).account
    steps = chain(Engine(configuration, Registry(configuration.plugins)), chosen)
    if invocation.json:
        print_json({"account": chosen.name, "steps": [asdict(step) for step in steps]})
        return
    columns = ("Step", "By", "Function", "What", "Observed by")
    print_table(columns, [(s.name, s.by, s.code, s.detail, ", ".join(s.observers)) for s in steps])
