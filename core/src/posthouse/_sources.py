"""Where an attachment's bytes come from: memory, a path, or a readable, each read as often as wanted."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import IO, Any, TypeAlias

from attrs import frozen

from posthouse.errors import MessageError

__all__ = ["InMemory", "OnDisk", "Readable", "Source", "source_of"]

_CHUNK = 57 * 1024  # bytes; base64 makes one line of 76 characters of 57


@frozen
class InMemory:
    """Bytes."""

    content: bytes
    name: str = ""

    def size(self) -> int:
        """How many bytes there are."""
        return len(self.content)

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield exactly that many bytes."""
        for start in range(0, size, _CHUNK):
            yield self.content[start : start + _CHUNK]


@frozen
class OnDisk:
    """A regular file, opened for each reading."""

    path: Path

    @property
    def name(self) -> str:
        """The file's own name; what is no UTF-8 in it is replaced."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    def size(self) -> int:
        """How many bytes there are."""
        try:
            status = self.path.stat()
        except (OSError, ValueError) as error:
            raise _unreadable(str(self.path), error) from error
        if not stat.S_ISREG(status.st_mode):
            raise MessageError(f"The attachment {self.path} is not a regular file", code="message.attachment")
        return status.st_size

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield exactly that many bytes."""
        try:
            with self.path.open("rb") as file:
                yield from _exactly(file.read, size, str(self.path))
        except OSError as error:
            raise _unreadable(str(self.path), error) from error


@frozen
class Readable:
    """An open file, from a position on."""

    file: IO[bytes]
    name: str
    start: int
    length: int
    lock: threading.Lock

    def size(self) -> int:
        """How many bytes there are."""
        return self.length

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yield exactly that many bytes."""
        position = self.start

        def read(count: int) -> bytes:
            nonlocal position
            with self.lock:  # two connections may send the same readable at the same time
                self.file.seek(position)
                data = self.file.read(count)
                self.file.seek(self.start)  # so that attrs.evolve finds it where it was
            position += len(data)
            return data

        try:
            yield from _exactly(read, size, self.name or "that was given as a readable")
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise _unreadable(self.name, error) from error


Source: TypeAlias = InMemory | OnDisk | Readable


def source_of(content: object) -> Source:
    """Find out what was given, and whether it is there."""
    if isinstance(content, bytes | bytearray | memoryview):
        return InMemory(bytes(content))
    if isinstance(content, PathLike):
        file = OnDisk(Path(content))
        file.size()  # says at once if it is missing
        return file
    if hasattr(content, "read"):
        return _readable(content)
    raise MessageError(
        f"An attachment's content is bytes, a path or a binary readable, not {type(content).__name__}",
        code="message.attachment",
        hint="Encode text first: text.encode(). For a file, use pathlib.Path." if isinstance(content, str) else "",
    )


def _readable(file: Any) -> Readable:
    own = getattr(file, "name", "")
    name = Path(own).name if isinstance(own, str) else ""
    try:
        if isinstance(file.read(0), str):
            raise MessageError(
                f"The attachment {name or 'readable'} is open as text",
                code="message.attachment",
                hint="Open it with 'rb'.",
            )
        if not file.seekable():
            file = _spool(file)
        start = file.tell()
        length = file.seek(0, os.SEEK_END) - start
        file.seek(start)
    except (OSError, ValueError, AttributeError) as error:
        raise _unreadable(name, error) from error
    return Readable(file, name, start, max(length, 0), threading.Lock())


def _spool(file: IO[bytes]) -> IO[bytes]:
    """Copy what is left of a file into one without a name, which is closed when nobody refers to it any more."""
    from shutil import copyfileobj
    from tempfile import TemporaryFile
    from weakref import finalize

    with TemporaryFile() as temporary:
        copyfileobj(file, temporary)
        temporary.flush()
        descriptor = os.dup(temporary.fileno())
    spooled = open(descriptor, "rb", closefd=False)  # noqa: SIM115 - there is no path, nor an end of its use
    finalize(spooled, os.close, descriptor)
    spooled.seek(0)
    return spooled


def _exactly(read: Callable[[int], bytes], size: int, name: str) -> Iterator[bytes]:
    left = size
    while left:
        wanted = min(_CHUNK, left)
        chunk = read(wanted)
        if len(chunk) != wanted:
            raise _changed(name)
        left -= wanted
        yield chunk
    if read(1):
        raise _changed(name)


def _changed(name: str) -> MessageError:
    return MessageError(
        f"The attachment {name} changed its size while it was being sent",
        code="message.attachment",
        temporary=True,
        hint="Send a copy that nobody writes to.",
    )


def _unreadable(name: str, error: Exception) -> MessageError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return MessageError(
        f"The attachment {name} cannot be read: {reason}", code="message.attachment", details={"path": name}
    )
