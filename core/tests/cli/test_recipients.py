"""Lists as spreadsheet programs write them, and lists that are none."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.cli.recipients import RecipientList, read_recipients
from posthouse.errors import MessageError


def read(tmp_path: Path, content: str | bytes) -> RecipientList:
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_recipients(str(path))


@pytest.mark.parametrize(
    "content",
    [
        "email,name\na@b.example,Ada\n",
        "email,name\r\na@b.example,Ada\r\n",
        "\ufeffemail;name\r\na@b.example;Ada",
        "Email\tNAME\na@b.example\tAda\n",
        ' email , name \n "a@b.example" ,Ada\n'.replace(' "', '"').replace('" ', '"'),
        "\n\nemail,name\n\n,\na@b.example,Ada\n,,\n",
        "name,to,\nAda,a@b.example,\n",
        '"email","name"\n"a@b.example","Ada"\n',
    ],
)
def test_dialects(tmp_path: Path, content: str) -> None:
    (row,) = read(tmp_path, content).rows
    assert row.to == "a@b.example"
    assert row.values["name"] == "Ada"


def test_a_cell_may_hold_lines_and_the_line_numbers_stay_right(tmp_path: Path) -> None:
    found = read(tmp_path, 'to,address\na@b.example,"Street 1\nTown"\nc@d.example,"Ü, ""x"""\n')
    assert [(row.line, row.values["address"]) for row in found.rows] == [(2, "Street 1\nTown"), (4, 'Ü, "x"')]


def test_to_comes_before_email(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "email,to\nold@b.example,new@b.example\n").rows
    assert row.to == "new@b.example"
    assert row.values["email"] == "old@b.example"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "must name a column 'to' or 'email', found: nothing"),
        ("name,mail\nAda,a@b.example\n", "must name a column 'to' or 'email', found: name, mail"),
        ("email\n", "no recipient"),
        ("email,name,name\na@b.example,x,y\n", "the column 'name' is there twice"),
        ("email,name\na@b.example\n", "line 2 has 1 cells, the first line has 2"),
        ("email,name\na@b.example,Ada,Lovelace\n", "line 2 has 3 cells"),
        ("email,name\na@b.example,x\n ,Ada\n", "line 3 has no address"),
        ('email,name\na@b.example,"Ada\n', "line 2"),
        ('email,name\na@b.example,"Ada"x\n', "line 2"),
        ("email,name\na@b.example," + "x" * 200_000, "line 2"),
    ],
)
def test_a_malformed_list_is_an_error_that_says_where(tmp_path: Path, content: str, complaint: str) -> None:
    with pytest.raises(MessageError) as caught:
        read(tmp_path, content)
    assert complaint in str(caught.value)
    assert caught.value.code == "message.recipients"


@pytest.mark.parametrize("content", ["email\nä@b.example\n".encode("latin-1"), "email\na@b\n".encode("utf-16")])
def test_another_encoding_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MessageError, match="UTF-8"):
        read(tmp_path, content)


@given(st.binary())
def test_junk_is_an_error_and_never_a_crash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        read(tmp_path_factory.getbasetemp(), b"email,name\n" + content)
    except MessageError:
        return


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=5))
def test_what_a_csv_writer_wrote_is_read(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["to", *(f"c{n}" for n in range(len(cells)))], ["a@b.example", *cells]])
    (row,) = read(tmp_path_factory.getbasetemp(), buffer.getvalue()).rows
    assert list(row.values.values()) == ["a@b.example", *(cell.strip() for cell in cells)]
