"""A message's header block, and the hash of its body, taken while the body is read: it may be large."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from posthouse_dkim.settings import Canonicalization

__all__ = ["BodyHash", "read"]

_SPACES = re.compile(rb"[ \t]+")


class BodyHash:
    """The SHA-256 of a canonicalized body (RFC 6376 sections 3.4.3 and 3.4.4).

    Args:
        canonicalization: how.
    """

    def __init__(self, canonicalization: Canonicalization) -> None:
        self._hash = hashlib.sha256()
        self._relaxed = canonicalization is Canonicalization.RELAXED
        self._line_ends = 0  # that were read and count only if something follows
        self._empty = True

    def update(self, lines: bytes) -> None:
        """Take the next whole lines."""
        if self._relaxed and (b" " in lines or b"\t" in lines):
            lines = _SPACES.sub(b" ", lines).replace(b" \r\n", b"\r\n")
        content = lines.rstrip(b"\r\n")
        if content:
            self._hash.update(b"\r\n" * self._line_ends)
            self._hash.update(content)
            self._line_ends, self._empty = 0, False
        self._line_ends += (len(lines) - len(content)) // 2

    def digest(self) -> bytes:
        """Return the hash, once all was taken."""
        if not self._empty or not self._relaxed:
            self._hash.update(b"\r\n")
        return self._hash.digest()


def read(chunks: Iterable[bytes], canonicalization: Canonicalization) -> tuple[bytes, bytes]:
    """Return a message's header block and the hash of its body.

    Args:
        chunks: the message in chunks of whole lines, CRLF at each line's end.
        canonicalization: the body's.
    """
    body = BodyHash(canonicalization)
    head = b""
    in_body = False
    for chunk in chunks:
        if in_body:
            body.update(chunk)
            continue
        head += chunk
        end = head.find(b"\r\n\r\n")
        if end >= 0:
            body.update(head[end + 4 :])
            head, in_body = head[: end + 2], True
    return head, body.digest()
