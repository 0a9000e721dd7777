"""A message as it travels: its exact size, and its bytes in chunks."""

from __future__ import annotations

import re
import struct
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from posthouse.attachments import Attachment

__all__ = ["EncodedFile", "Rendered", "Segment"]


def _fastest_base64() -> Callable[[bytes], bytes]:
    try:
        from pybase64 import b64encode  # type: ignore[import-not-found,unused-ignore] # the extra "fast"
    except ImportError:
        return partial(b2a_base64, newline=False)
    return b64encode


b64encode = _fastest_base64()
_LINE = 57  # bytes that base64 makes one line of 76 characters
_MOST_AT_ONCE = 256 * 1024
_DOTTED_LINE = re.compile(rb"\n\.")


class EncodedFile:
    """An attachment in base64, read and encoded while it is sent.

    Args:
        attachment: the file; its size is taken now, and has to be the same when it is read.
    """

    __slots__ = ("_attachment", "_file_size", "blocking", "size")

    def __init__(self, attachment: Attachment) -> None:
        self._attachment = attachment
        self._file_size = attachment.size
        self.blocking = attachment.blocking
        self.size = (self._file_size + 2) // 3 * 4 + (self._file_size + _LINE - 1) // _LINE * 2

    def chunks(self) -> Iterator[bytes]:
        """Yield whole lines of 76 characters (RFC 2045 section 6.8)."""
        for chunk in self._attachment.chunks(self._file_size):
            yield _broken(b64encode(chunk))


def _broken(encoded: bytes) -> bytes:
    count, rest = divmod(len(encoded), 76)
    lines = _lines(count).unpack_from(encoded)
    return b"\r\n".join([*lines, encoded[-rest:], b""] if rest else [*lines, b""])


@lru_cache(maxsize=32)
def _lines(count: int) -> struct.Struct:
    return struct.Struct("76s" * count)


Segment: TypeAlias = bytes | EncodedFile


class Rendered:
    """A message as it travels. It can be read as often as wanted.

    Args:
        segments: what it is made of, each of whole lines.
        needs_eightbit: it holds octets beyond ASCII, so the server must offer 8BITMIME (RFC 6152).
        needs_utf8: its headers hold addresses that are not ASCII, so the server must offer SMTPUTF8 (RFC 6531).

    Attributes:
        blocking: True if reading it reads files, so that async code does it in a worker thread.
        size: octets as RFC 1870 counts them: all but dots that are doubled on the way and the final dot.
    """

    __slots__ = ("_segments", "blocking", "needs_eightbit", "needs_utf8", "size")

    def __init__(self, segments: Sequence[Segment], *, needs_eightbit: bool, needs_utf8: bool) -> None:
        self._segments = segments
        self.needs_eightbit = needs_eightbit
        self.needs_utf8 = needs_utf8
        self.blocking = False
        size = 0
        for segment in segments:
            if isinstance(segment, bytes):
                size += len(segment)
            else:
                size += segment.size
                self.blocking = self.blocking or segment.blocking
        self.size = size

    def chunks(self) -> Iterator[bytes]:
        """Yield its bytes in chunks of whole lines, CRLF at each line's end.

        Raises:
            MessageError: an attachment cannot be read, or changed its size (``message.attachment``), before the end
                was told.
        """
        for segment in self._segments:
            yield from _cut(segment) if isinstance(segment, bytes) else segment.chunks()

    def dot_stuffed(self) -> Iterator[bytes]:
        """Yield what follows DATA: each dot at a line's beginning doubled (RFC 5321 section 4.5.2), no final dot."""
        for segment in self._segments:
            if not isinstance(segment, bytes):
                yield from segment.chunks()  # base64 has no dots
            elif len(segment) <= _MOST_AT_ONCE:
                yield _stuffed(segment)
            else:
                yield from map(_stuffed, _cut(segment))

    def dot_stuffed_whole(self) -> bytes:
        """Return what follows DATA in one piece, no final dot; a message without files nearly always is one already."""
        first, *others = self._segments
        return _stuffed(first) if isinstance(first, bytes) and not others else b"".join(self.dot_stuffed())

    def prefixed(self, octets: bytes) -> Rendered:
        """Return the same message with ASCII lines before its first header: what a signature adds."""
        return Rendered([octets, *self._segments], needs_eightbit=self.needs_eightbit, needs_utf8=self.needs_utf8)

    def __bytes__(self) -> bytes:
        return b"".join(self.chunks())

    def __repr__(self) -> str:
        return f"<Rendered, {self.size} bytes>"


def _cut(data: bytes) -> Iterator[bytes]:
    start = 0
    while len(data) - start > _MOST_AT_ONCE:
        end = data.rfind(b"\n", start, start + _MOST_AT_ONCE) + 1
        yield data[start:end]
        start = end
    yield data[start:] if start else data


def _stuffed(chunk: bytes) -> bytes:
    if _DOTTED_LINE.search(chunk) is not None:  # twice as fast as "in"
        chunk = chunk.replace(b"\n.", b"\n..")
    return b"." + chunk if chunk.startswith(b".") else chunk
