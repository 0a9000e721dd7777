"""A file that travels with a message: its content, its name, its type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from os import PathLike
from pathlib import Path
from typing import IO, TypeAlias

from attrs import field, frozen

from posthouse._checks import check_line
from posthouse._content_types import guess_content_type
from posthouse._sources import InMemory, Readable, Source, source_of
from posthouse.errors import MessageError

__all__ = ["Attachment", "AttachmentSource"]

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
    _source: Source = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        source = source_of(self.content)
        name = self.name or source.name
        check_line(name, "an attachment's name")
        name = name.strip()
        content_type = self.content_type or guess_content_type(name)
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
        if isinstance(source, Readable):
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
        return not isinstance(self._source, InMemory)

    def chunks(self, size: int | None = None) -> Iterator[bytes]:
        """Read it from its beginning, as often as wanted, in chunks of 57 times 1024 bytes (the last may be shorter).

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


def _checked_content_id(value: str) -> str:
    check_line(value, "content_id")
    value = value.removeprefix("<").removesuffix(">")
    if value and (not _CONTENT_ID.fullmatch(value) or len(value) > _MOST_CONTENT_ID):
        raise MessageError(
            f"content_id {value[:100]!r} cannot be used", code="message.content-id", hint="Use ASCII without spaces."
        )
    return value
