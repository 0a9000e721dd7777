from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import attrs
import pytest

from posthouse.attachments import Attachment
from posthouse.errors import MessageError
from posthouse.messages import Message
from posthouse.mime import render

BINARY = bytes(range(256)) * 1000


class Pipe(io.RawIOBase):
    """Readable once, and never back."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), len(self.rest), 1000)
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


@pytest.fixture(params=["bytes", "bytearray", "path", "file", "memory", "offset", "pipe"])
def attachment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Attachment]:
    path = tmp_path / "data.bin"
    path.write_bytes(BINARY)
    with path.open("rb") as file:
        content: dict[str, Any] = {
            "bytes": BINARY,
            "bytearray": bytearray(BINARY),
            "path": path,
            "file": file,
            "memory": io.BytesIO(BINARY),
            "offset": io.BytesIO(b"before" + BINARY),
            "pipe": Pipe(BINARY),
        }
        content["offset"].seek(6)
        yield Attachment(content[request.param], "data.bin")


def test_content_is_read_as_often_as_wanted(attachment: Attachment) -> None:
    assert attachment.size == len(BINARY)
    assert attachment.read() == BINARY
    first, second = attachment.chunks(), attachment.chunks()
    interleaved = [(one, two) for one, two in zip(first, second, strict=True)]
    assert b"".join(one for one, _ in interleaved) == b"".join(two for _, two in interleaved) == BINARY
    assert attrs.evolve(attachment, name="other").read() == BINARY


def test_all_sources_render_alike(attachment: Attachment) -> None:
    message = Message(sender="a@b.c", attachments=[attachment])
    (again,) = Message.from_bytes(bytes(render(message))).attachments
    assert again.read() == BINARY
    assert render(message).size == len(bytes(render(message)))


def test_names_come_from_the_source(tmp_path: Path) -> None:
    path = tmp_path / "Übersicht 2025.pdf"
    path.write_bytes(b"%PDF")
    with path.open("rb") as file:
        assert Attachment(file).name == "Übersicht 2025.pdf"
    assert (Attachment(path).name, Attachment(path).content_type) == ("Übersicht 2025.pdf", "application/pdf")
    assert Attachment(path, "b.txt").name == "b.txt"
    assert Attachment(b"").name == ""


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.pdf", "application/pdf"),
        ("A.PNG", "image/png"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a.csv", "text/csv"),
        ("a.ics", "text/calendar"),
        ("a.eml", "message/rfc822"),
        ("a.tar.gz", "application/gzip"),
        ("a.webp", "image/webp"),
        ("a.unknown", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_type_is_guessed_from_the_name(name: str, content_type: str) -> None:
    assert Attachment(b"", name).content_type == content_type


def test_types_do_not_depend_on_the_machine(tmp_path: Path) -> None:
    types = tmp_path / "mime.types"
    types.write_text("image/strange strange\n")
    program = (
        f"import mimetypes; mimetypes.knownfiles = [{str(types)!r}]; mimetypes.init();"
        "from posthouse import Attachment; print(Attachment(b'', 'a.strange').content_type)"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "application/octet-stream"


def test_a_given_type_wins_and_is_checked() -> None:
    assert Attachment(b"", "a.pdf", "text/calendar; method=REQUEST").content_type == "text/calendar; method=REQUEST"
    for bad in ("pdf", "a/b/c", "a/b; c", "a/b; c=d e", "multipart/mixed", "ä/b", "x/" + "y" * 300):
        with pytest.raises(MessageError) as caught:
            Attachment(b"", "a.pdf", bad)
        assert caught.value.code == "message.attachment"


def test_a_missing_file_is_named_at_once(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pdf", tmp_path, Path("a\0b")):
        with pytest.raises(MessageError) as caught:
            Attachment(path)
        assert caught.value.code == "message.attachment"
        assert str(path) in caught.value.message


def test_text_and_text_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    with path.open() as file:
        for content in (file, io.StringIO("a"), "a", 1, None):
            with pytest.raises(MessageError) as caught:
                Attachment(cast("IO[bytes]", content))
            assert caught.value.code == "message.attachment"


def test_a_closed_readable_is_refused() -> None:
    file = io.BytesIO(b"a")
    attachment = Attachment(file)
    file.close()
    with pytest.raises(MessageError):
        Attachment(file)
    with pytest.raises(MessageError):
        attachment.read()


@pytest.mark.parametrize("change", [-1, 1, -100_000, 100_000])
def test_a_file_that_changes_its_size_is_an_error_before_the_end_is_told(tmp_path: Path, change: int) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(bytes(200_000))
    rendered = render(Message(sender="a@b.c", attachments=[path]))
    os.truncate(path, 200_000 + change)
    sent: list[bytes] = []
    with pytest.raises(MessageError, match="changed its size") as caught:
        sent.extend(rendered.chunks())
    assert caught.value.temporary
    assert not b"".join(sent).endswith(b"--\r\n")


def test_a_file_that_vanishes_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "gone.bin"
    path.write_bytes(b"x")
    message = Message(sender="a@b.c", attachments=[path])
    rendered = render(message)
    path.unlink()
    with pytest.raises(MessageError, match=r"gone\.bin"):
        bytes(rendered)
    with pytest.raises(MessageError, match=r"gone\.bin"):
        render(message)


def test_a_retry_sees_the_file_as_it_is_then(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    message = Message(sender="a@b.c", attachments=[path])
    before = render(message).size
    path.write_bytes(b"x" * 57)
    assert render(message).size == before + 72


def test_memory_does_not_grow_with_the_attachment(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(20_000_000)
    message = Message(sender="a@b.c", attachments=[path])
    next(render(message).dot_stuffed())  # imports what is imported at first use
    tracemalloc.start()
    rendered = render(message)
    size = sum(len(chunk) for chunk in rendered.dot_stuffed())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == rendered.size > 27_000_000
    assert peak < 1_000_000


def test_rendering_says_whether_it_reads_files(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    assert render(Message(sender="a@b.c", attachments=[path])).blocking
    assert render(Message(sender="a@b.c", attachments=[("a", io.BytesIO(b"x"))])).blocking
    assert not render(Message(sender="a@b.c", attachments=[("a", bytes(1_000_000))])).blocking


def test_pybase64_changes_nothing_but_the_time() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:]))\n"  # None makes an import fail
        "from posthouse.mime.rendered import EncodedFile, b64encode; from posthouse import Attachment\n"
        "encoded = b''.join(EncodedFile(Attachment(bytes(range(256)) * 500)).chunks())\n"
        "print(type(b64encode).__name__ != 'partial', hash(encoded))"
    )
    run = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    outputs = [
        subprocess.run([*run, *blocked], capture_output=True, text=True, check=True, env=environment).stdout.split()
        for blocked in ([], ["pybase64"])
    ]
    assert [used for used, _ in outputs] == ["True", "False"]
    assert outputs[0][1] == outputs[1][1]


def test_content_ids() -> None:
    assert Attachment(b"", "a.png", content_id="<logo>").content_id == "logo"
    for bad in ("a b", "<a<b", "ä", "x" * 1000):
        with pytest.raises(MessageError) as caught:
            Attachment(b"", "a.png", content_id=bad)
        assert caught.value.code == "message.content-id"
    message = Message(html="<p>", inline=[("logo.png", b"1"), Attachment(b"2", "logo.png", content_id="two")])
    assert [part.content_id for part in message.inline] == ["logo.png", "two"]
