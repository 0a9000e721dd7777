"""What people and programs read: tables on a terminal, plain lines in a pipe, JSON where it was asked for.

rich is imported only for a terminal. Text that came from a server or a file is made harmless first: it could hold the
control sequences of a terminal.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "clean",
    "colour",
    "console",
    "duration",
    "is_terminal",
    "note",
    "print_facts",
    "print_json",
    "print_table",
    "say",
]


def is_terminal() -> bool:
    """Return whether a person reads stdout."""
    return sys.stdout.isatty()


def console() -> Console:
    """Return a rich console on stdout that takes text literally."""
    from rich.console import Console

    return Console(file=sys.stdout, markup=False, highlight=False, emoji=False)


def colour() -> bool | None:
    """Return False where the person wants no colours (https://no-color.org), None where the terminal decides."""
    return False if os.environ.get("NO_COLOR") else None


def clean(text: str) -> str:
    """Return text without control characters but newline and tab; each becomes U+FFFD."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf") else "\ufffd" for c in text)


def say(text: str = "", **style: Any) -> None:
    """Print a line on stdout, coloured on a terminal."""
    click.secho(clean(text), color=colour(), **style)


def note(text: str, *, hang: int = 0, **style: Any) -> None:
    """Print lines on stderr; on a terminal coloured and broken between words, ``hang`` columns further in."""
    text = clean(text)
    if sys.stderr.isatty():
        text = "\n".join(_wrapped(line, hang) for line in text.split("\n"))
    click.secho(text, err=True, color=colour(), **style)


def print_json(data: Any, *, compact: bool = False) -> None:
    """Print data as JSON in ASCII, so that no locale can break it: indented for a person, else on one line."""
    click.echo(json.dumps(data, indent=2 if is_terminal() and not compact else None, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, for_people: bool = False) -> None:
    """Print a table: drawn on a terminal; without a head and separated by tabs elsewhere, for ``cut`` and ``awk``.

    Args:
        columns: the head.
        rows: one text per column each.
        for_people: it is a report that people read, in the log of a build too: there with a head, in even columns.
    """
    texts = [[clean(str(cell)) for cell in row] for row in rows]
    if not is_terminal() and for_people:
        widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
        for row in (columns, *texts):
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    if not is_terminal():
        for row in texts:
            click.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich import box
    from rich.table import Table

    table = Table(*columns, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for row in texts:
        table.add_row(*row)
    console().print(table)


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print names and values below each other; what is empty is left out."""
    known = [(name, clean(str(value))) for name, value in facts if value not in ("", None, (), [])]
    if not is_terminal():
        for name, text in known:
            click.echo(f"{name}\t{text.replace(chr(10), ' ')}")
        return
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column()
    for name, text in known:
        grid.add_row(name, text)
    console().print(grid)


def _wrapped(line: str, hang: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()))
    width = shutil.get_terminal_size().columns - 1
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent + " " * hang,
        drop_whitespace=True,
        break_long_words=False,
        break_on_hyphens=False,
    )


def duration(seconds: float) -> str:
    """Return a length of time for people: ``340 ms``, ``2.1 s``, ``3:25``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
