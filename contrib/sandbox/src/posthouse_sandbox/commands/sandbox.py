"""Adds ``posthouse sandbox``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(group: click.Group) -> None:
    """Add the command."""
    from posthouse_sandbox.serving import command

    group.add_command(command, "sandbox")
