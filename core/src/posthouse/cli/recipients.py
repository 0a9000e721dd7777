"""The list of recipients of ``posthouse send --recipients``: a CSV file with a row of column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from posthouse.cli.composing import decode, read_bytes
from posthouse.cli.templates import column_name
from posthouse.errors import MessageError

__all__ = ["RecipientList", "Row", "read_recipients"]

_ADDRESS_COLUMNS = ("to", "email")
_DELIMITERS = ",;\t"


@frozen
class Row:
    """One recipient.

    Attributes:
        line: where it stands in the file, from 1.
        to: the address, as written.
        values: column name in lower case → cell, the address included.
    """

    line: int
    to: str
    values: Mapping[str, str]


@frozen
class RecipientList:
    """The recipients, and the columns that placeholders can name (in lower case)."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_recipients(source: str) -> RecipientList:
    """Read a list from a file, or from stdin for ``-``.

    Columns are separated by comma, semicolon or tab. The column ``to``, or else ``email``, holds the address. Empty
    rows do not count.

    Raises:
        MessageError: it cannot be read, has no such column, no rows, or rows that do not fit (``message.recipients``).
    """
    text = decode(read_bytes(source), source)
    title = "Stdin" if source == "-" else source
    rows = _rows(text, title)
    _, head = next(rows, (0, []))
    columns = [column_name(name) for name in head]
    named = [name for name in columns if name]
    if repeated := {name for name in named if named.count(name) > 1}:
        raise _malformed(title, f"the column {min(repeated)!r} is there twice")
    address = next((name for name in _ADDRESS_COLUMNS if name in named), None)
    if address is None:
        found = ", ".join(named) or "nothing"
        raise _malformed(title, f"the first line must name a column 'to' or 'email', found: {found}")
    recipients = tuple(_row(line, columns, cells, address, title) for line, cells in rows)
    if not recipients:
        raise _malformed(title, "there is no recipient below the first line")
    return RecipientList(tuple(named), recipients)


def _rows(text: str, title: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows that are not empty, each with the number of its first line."""
    head = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise _malformed(title, f"line {line}: {error}") from error


def _row(line: int, columns: Sequence[str], cells: Sequence[str], address: str, title: str) -> Row:
    if len(cells) < len(columns) or any(cell.strip() for cell in cells[len(columns) :]):
        raise _malformed(title, f"line {line} has {len(cells)} cells, the first line has {len(columns)}")
    values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}
    if not values[address]:
        raise _malformed(title, f"line {line} has no address")
    return Row(line, values[address], values)


def _malformed(title: str, what: str) -> MessageError:
    return MessageError(
        f"The list of recipients cannot be used: {title}: {what}.",
        code="message.recipients",
        hint='It is a CSV file such as: email,name / ada@example.org,"Ada Lovelace"',
    )
