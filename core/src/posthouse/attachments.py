"""A file that travels with a message: where its bytes come from, its name, its type."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Callable, Iterator
from copy import copy
from functools import cache
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from posthouse._checks import check_line
from posthouse.errors import MessageError

if TYPE_CHECKING:
    from mimetypes import MimeTypes

__all__ = ["Attachment", "AttachmentSource"]

_CHUNK = 57 * 512  # bytes; base64 makes one line of 76 characters of 57

_TYPES = {
    ".7z": "application/x-7z-compressed",
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docm": "application/vnd.ms-word.document.macroenabled.12",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".eml": "message/rfc822",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".json": "application/json",
    ".log": "text/plain",
    ".m4a": "audio/mp4",
    ".md": "text/markdown",
    ".mp3": "audio/mpeg",
    ".msg": "application/vnd.ms-outlook",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".p7m": "application/pkcs7-mime",
    ".p7s": "application/pkcs7-signature",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rar": "application/vnd.rar",
    ".rtf": "application/rtf",
    ".vcf": "text/vcard",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".xls": "application/vnd.ms-excel",
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".xz": "application/x-xz",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
    ".zst": "application/zstd",
}
"""What Python versions and machines disagree about, or do not know."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 2045's word
_CONTENT_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(?:; *{_TOKEN}=(?:{_TOKEN}|"[ !#-\[\]-~]*"))*')
_CONTENT_ID = re.compile(r"[!-;=?-~]+")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
_MOST_CONTENT_TYPE, _MOST_CONTENT_ID = 200, 900


@frozen(eq=False)
class Attachment:
    """A file that travels with a message.

    Attributes:
        content: bytes, or a path, or a binary readable. A readable is read from where it stands when the attachment is
            made; one that cannot seek is spooled to a temporary file first, so that a retry sends the same bytes. A
            path is read when the message is sent.
        name: the file name that the recipient sees, any Unicode; the path's or readable's own if empty.
        content_type: ``"application/pdf"``; guessed from the name, in the same way on every machine, if empty.
        content_id: for inline parts, what ``cid:`` in the HTML refers to, without angle brackets; the file name if
            empty and the name is plain ASCII without spaces.

    Raises:
        MessageError: there is no such file or it cannot be read (``message.attachment``), or a name or type is
            malformed.
    """

    content: bytes | PathLike[str] | IO[bytes] = field(repr=lambda content: f"<{type(content).__name__}>")
    name: str = ""
    content_type: str = ""
    content_id: str = ""
    _source: _Bytes | _File | _Readable = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        source = _source(self.content)
        name = self.name or source.name
        check_line(name, "an attachment's name")
        name = name.strip()
        content_type = self.content_type or _guess(name)
        check_line(content_type, "an attachment's content type")
        if not _CONTENT_TYPE.fullmatch(content_type) or len(content_type) > _MOST_CONTENT_TYPE:
            raise MessageError(
                f"{content_type[:100]!r} is no content type",
                code="message.attachment",
                hint="Write it as application/pdf; parameters follow after a semicolon.",
            )
        if content_type.lower().startswith("multipart/"):
            raise MessageError(
                f"{content_type} cannot be the type of an attachment",
                code="message.attachment",
                hint="Attach the parts one by one, or a whole message as message/rfc822.",
            )
        set_field = object.__setattr__
        set_field(self, "_source", source)
        if isinstance(source, _Readable):
            set_field(self, "content", source.file)  # the spooled copy, where there is one
        set_field(self, "name", name)
        set_field(self, "content_type", content_type)
        set_field(self, "content_id", _checked_content_id(self.content_id))

    @classmethod
    def of(cls, source: object) -> Attachment:
        """Make an attachment of anything that a message's attachment fields take (`AttachmentSource`)."""
        if isinstance(source, Attachment):
            return source
        if isinstance(source, str | PathLike):
            return cls(Path(source))
        if isinstance(source, tuple) and len(source) in {2, 3}:
            return cls(source[1], source[0], *source[2:])
        raise MessageError(
            f"{type(source).__name__} is no attachment",
            code="message.attachment",
            hint="Give a path, (name, content), (name, content, content_type) or an Attachment.",
        )

    @property
    def size(self) -> int:
        """How many bytes it has now; a path is looked at anew each time.

        Raises:
            MessageError: the file is gone (``message.attachment``).
        """
        return self._source.size()

    @property
    def blocking(self) -> bool:
        """True if reading it may block, so that async code reads it in a worker thread."""
        return not isinstance(self._source, _Bytes)

    def chunks(self, size: int | None = None) -> Iterator[bytes]:
        """Read it from its beginning, as often as wanted, in chunks of 57 times 512 bytes (the last may be shorter).

        Args:
            size: how many bytes were announced; what it has now if None.

        Raises:
            MessageError: it cannot be read, or has not this many bytes (``message.attachment``). With fewer, that is
                raised in place of the last chunk, with more, after it.
        """
        return self._source.chunks(self.size if size is None else size)

    def named_by_file(self) -> Attachment:
        """Return a copy whose content_id is its file name, or itself if it has one, or no name that can be one."""
        if self.content_id or not _PLAIN_NAME.fullmatch(self.name):
            return self
        named = copy(self)
        object.__setattr__(named, "content_id", self.name)
        return named

    def read(self) -> bytes:
        """Return all of it, for transports that hand over whole files."""
        return b"".join(self.chunks())


AttachmentSource: TypeAlias = (
    str | PathLike[str] | Attachment | tuple[str, bytes | IO[bytes]] | tuple[str, bytes | IO[bytes], str]
)
"""What attachment fields take: a path, ``(name, content)``, ``(name, content, content_type)`` or an `Attachment`."""


@frozen
class _Bytes:
    content: bytes
    name: str = ""

    def size(self) -> int:
        return len(self.content)

    def chunks(self, size: int) -> Iterator[bytes]:
        for start in range(0, size, _CHUNK):
            yield self.content[start : start + _CHUNK]


@frozen
class _File:
    path: Path

    @property
    def name(self) -> str:
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    def size(self) -> int:
        try:
            status = self.path.stat()
        except (OSError, ValueError) as error:
            raise _unreadable(str(self.path), error) from error
        if not stat.S_ISREG(status.st_mode):
            raise MessageError(f"The attachment {self.path} is not a regular file", code="message.attachment")
        return status.st_size

    def chunks(self, size: int) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from _exactly(file.read, size, str(self.path))
        except OSError as error:
            raise _unreadable(str(self.path), error) from error


@frozen
class _Readable:
    file: IO[bytes]
    name: str
    start: int
    length: int
    lock: threading.Lock

    def size(self) -> int:
        return self.length

    def chunks(self, size: int) -> Iterator[bytes]:
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


def _source(content: object) -> _Bytes | _File | _Readable:
    if isinstance(content, bytes | bytearray | memoryview):
        return _Bytes(bytes(content))
    if isinstance(content, PathLike):
        file = _File(Path(content))
        file.size()  # says at once if it is missing
        return file
    if hasattr(content, "read"):
        return _readable(content)
    raise MessageError(
        f"An attachment's content is bytes, a path or a binary readable, not {type(content).__name__}",
        code="message.attachment",
        hint="Encode text first: text.encode(). For a file, use pathlib.Path." if isinstance(content, str) else "",
    )


def _readable(file: Any) -> _Readable:
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
    return _Readable(file, name, start, max(length, 0), threading.Lock())


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


def _checked_content_id(value: str) -> str:
    check_line(value, "content_id")
    value = value.removeprefix("<").removesuffix(">")
    if value and (not _CONTENT_ID.fullmatch(value) or len(value) > _MOST_CONTENT_ID):
        raise MessageError(
            f"content_id {value[:100]!r} cannot be used", code="message.content-id", hint="Use ASCII without spaces."
        )
    return value


def _guess(name: str) -> str:
    extension = Path(name).suffix.lower()
    if extension in _TYPES:
        return _TYPES[extension]
    guessed, encoding = _python_types().guess_type(f"name{extension}")
    return guessed if guessed and not encoding else "application/octet-stream"


@cache
def _python_types() -> MimeTypes:
    import mimetypes

    return mimetypes.MimeTypes()  # Python's own table; the module's functions would read the machine's files too
