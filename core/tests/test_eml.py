"""Files that mail programs open as drafts: marked so, with Bcc, and for their owner's eyes only."""

from __future__ import annotations

import os
import resource
import stat
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from posthouse import Attachment, ComposeError, Message, MessageError, Stage
from posthouse._eml import unsent, write_unsent
from posthouse.mime import render

MESSAGE = Message(
    sender="office@example.org",
    to="Ada <ada@example.org>",
    bcc=["Jörg <jörg@bücher.example>", "b@example.org"],
    subject="Grüße",
    text="Übersicht",
    html='<img src="cid:logo">',
    inline=[Attachment(b"\x89PNG", "logo.png", content_id="logo")],
    attachments=[("größe.bin", bytes(range(256)))],
    headers={"X-Job": "7"},
    message_id="<1@example.org>",
)


def read(content: bytes) -> Any:
    return message_from_bytes(content, policy=default)


def test_it_is_marked_unsent_and_holds_everything() -> None:
    found = read(unsent(MESSAGE))
    assert found["X-Unsent"] == "1"
    assert [address.addr_spec for address in found["Bcc"].addresses][1] == "b@example.org"
    assert "jörg@" in str(found["Bcc"])
    assert (found["Subject"], found["X-Job"], found["To"]) == ("Grüße", "7", "Ada <ada@example.org>")
    files = {part.get_filename(): part.get_content() for part in found.walk() if part.get_filename()}
    assert files == {"logo.png": b"\x89PNG", "größe.bin": bytes(range(256))}


def test_a_finished_message_stays_as_it_is_but_for_the_mark_and_bcc() -> None:
    raw = bytes(render(MESSAGE, eightbit=True, utf8=True))
    content = unsent(Message.from_bytes(b"Bcc: hidden@example.org\r\n" + raw))
    assert content.replace(b"X-Unsent: 1\r\nBcc: hidden@example.org\r\n", b"") == raw


def test_a_mark_that_is_there_already_is_not_doubled() -> None:
    content = unsent(Message.from_bytes(b"From: a@x.example\r\nX-Unsent: 0\r\n\r\ntext\r\n"))
    assert content == b"From: a@x.example\r\nX-Unsent: 1\r\n\r\ntext\r\n"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = write_unsent(MESSAGE, tmp_path / "new" / "folder")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_bytes() == unsent(MESSAGE)
    assert path.is_absolute()
    assert path.suffix == ".eml"


def test_each_draft_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert write_unsent(MESSAGE, tmp_path) != write_unsent(MESSAGE, tmp_path)


def test_the_cache_forgets_what_is_old_and_ours_and_other_folders_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, second = write_unsent(MESSAGE, None), write_unsent(MESSAGE, None)
    assert first.parent == tmp_path / "posthouse" / "drafts"
    foreign, elsewhere = first.with_name("mine.eml"), write_unsent(MESSAGE, tmp_path / "given")
    foreign.touch()
    for path in (first, foreign, elsewhere):
        os.utime(path, (0, 0))
    third = write_unsent(MESSAGE, None)
    assert set(first.parent.iterdir()) == {second, foreign, third}
    write_unsent(MESSAGE, elsewhere.parent)
    assert elsewhere.exists()


def test_a_folder_that_cannot_be_written_to_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ComposeError) as caught:
        write_unsent(MESSAGE, tmp_path / "file")
    assert (caught.value.code, caught.value.stage) == ("compose.file", Stage.COMPOSE)
    assert str(tmp_path / "file") in caught.value.message
    assert "--folder" in caught.value.hint


def test_half_a_draft_is_not_left_where_the_disk_is_full(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))  # Python ignores the signal, so that writing fails
    try:
        with pytest.raises(ComposeError) as caught:
            write_unsent(MESSAGE, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "compose.file"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"x" * 10)
    message = Message(sender="a@x.example", attachments=[tmp_path / "a.bin"])
    (tmp_path / "a.bin").unlink()
    with pytest.raises(MessageError):
        write_unsent(message, tmp_path / "drafts")
    assert not (tmp_path / "drafts").exists()
