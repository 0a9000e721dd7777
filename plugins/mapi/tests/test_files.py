"""Attachments as files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import MessageError
from posthouse.messages import Attachment
from posthouse_mapi.files import file_name, temporary_folder

FORBIDDEN = set('<>:"/\\|?*') | {chr(number) for number in (*range(32), 127)}
DEVICES = {"CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "COM¹"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht — 注文.pdf", "Übersicht — 注文.pdf"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("C:\\x.exe", "C__x.exe"),
        ("a?.txt", "a_.txt"),
        ("con", "_con"),
        ("CON.txt", "_CON.txt"),
        ("NUL .tar.gz", "_NUL .tar.gz"),
        ("console.txt", "console.txt"),
        ("ends with a dot.", "ends with a dot"),
        ("...", "attachment"),
        ("", "attachment"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_names_that_windows_takes(name: str, expected: str) -> None:
    assert file_name(name) == expected


@given(st.text(max_size=400))
def test_every_name_can_be_one(name: str) -> None:
    made = file_name(name)
    assert 0 < len(made) <= 151
    assert not FORBIDDEN & set(made)
    assert not made.endswith((".", " "))
    assert made.partition(".")[0].rstrip().upper() not in DEVICES
    assert file_name(made) == made


def test_files_of_one_name_lie_side_by_side() -> None:
    with temporary_folder() as folder:
        first, second = (folder.write(Attachment(content, name="a.txt")) for content in (b"1", b"2"))
        assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
        assert first.name == second.name == "a.txt"
        if sys.platform != "win32":
            assert first.stat().st_mode & 0o777 == 0o600
            assert {parent.stat().st_mode & 0o777 for parent in first.parents[:2]} == {0o700}
    assert not first.exists()
    assert not first.parents[1].exists()


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a")
    attachment = Attachment(path)
    path.unlink()
    with temporary_folder() as folder, pytest.raises(MessageError):
        folder.write(attachment)
