"""``posthouse plugins``: what is installed, whether it may be used, what is wrong with it, and what it does to mail."""

from __future__ import annotations

import click

from posthouse.cli.commands.plugins.beginning import new
from posthouse.cli.commands.plugins.doctor import doctor
from posthouse.cli.commands.plugins.listing import info, list_
from posthouse.cli.commands.plugins.locking import lock
from posthouse.cli.commands.plugins.tracing import trace
from posthouse.cli.invocation import help_if_alone

__all__ = ["command"]


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """Show, check, lock and trace the plugins that are installed, or begin one."""
    help_if_alone(context)


for each in (list_, info, doctor, lock, trace, new):
    command.add_command(each)
