"""A large file, added to a draft in chunks, in order, and resumed where the connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from posthouse.errors import DeliveryError, ProtocolError, Stage

if TYPE_CHECKING:
    from posthouse.messages import Attachment
    from posthouse_graph.client import GraphClient
    from posthouse_graph.gate import Gate

__all__ = ["CHUNK", "expected_offset", "upload"]

CHUNK = 12 * 320 * 1024
"""Bytes at a time: less than 4 MB, and a multiple of 320 KiB, which other upload sessions of Microsoft ask for."""

_BREAKS = 5
"""How often in a row an upload may break without getting any further."""

_CREATED = 201


async def upload(
    client: GraphClient, gate: Gate, draft: str, file: Attachment, *, inline: bool, deadline: float
) -> None:
    """Add a file to a draft.

    Args:
        client: the way to Graph.
        gate: the mailbox's.
        draft: the draft's path.
        file: what to add.
        inline: True if the HTML refers to it.
        deadline: loop time after which no further attempt begins.

    Raises:
        DeliveryError: it did not work; what was uploaded vanishes with the draft.
        MessageError: the file cannot be read.
    """
    source = _Source(file)
    item: dict[str, Any] = {"attachmentType": "file", "name": file.name or "attachment", "size": source.size}
    item |= {"contentType": file.content_type}
    if inline:
        item["isInline"] = True
    if file.content_id:
        item["contentId"] = file.content_id
    url = await _open(client, gate, draft, item, deadline)
    offset = breaks = 0
    while offset < source.size:
        chunk = await asyncio.to_thread(source.read, offset, CHUNK)
        reached = await _put(client, gate, url, chunk, offset, source.size, deadline)
        breaks = 0 if reached > offset else breaks + 1
        if breaks == _BREAKS:
            raise ProtocolError(
                f"{client.server} takes no more than {offset} of {source.size} bytes of {file.name or 'a file'}.",
                code="protocol.upload",
                stage=Stage.CONTENT,
                temporary=True,
                hint="Nothing was sent. Try again later.",
            )
        offset = reached


def expected_offset(value: Mapping[str, Any], size: int) -> int:
    """Return where the next chunk begins, by an upload session's resource; ``size`` if nothing is missing.

    Raises:
        ValueError: it does not say.
    """
    ranges = value.get("nextExpectedRanges", value.get("NextExpectedRanges"))
    if not isinstance(ranges, list):
        raise ValueError("no nextExpectedRanges")  # noqa: TRY004 - the answer is malformed, not the caller
    if not ranges:
        return size
    offset = int(str(ranges[0]).partition("-")[0])  # both "2097152-" and "2097152" are seen
    if not 0 <= offset <= size:
        raise ValueError("an offset beyond the file")
    return offset


async def _open(client: GraphClient, gate: Gate, draft: str, item: Mapping[str, Any], deadline: float) -> str:
    """Begin a session; return the URL to upload to."""
    answer = await client.request(
        "POST",
        f"{draft}/attachments/createUploadSession",
        gate=gate,
        deadline=deadline,
        expect=(200, 201),
        json={"AttachmentItem": item},
    )
    url = answer.value.get("uploadUrl")
    if not isinstance(url, str) or not url.startswith("https:"):
        raise ProtocolError(f"{client.server} names no address to upload to.", code="protocol.upload")
    return url


async def _put(client: GraphClient, gate: Gate, url: str, chunk: bytes, offset: int, size: int, deadline: float) -> int:
    """Upload one chunk; return where the next one begins."""
    end = offset + len(chunk)
    try:
        answer = await client.request(
            "PUT",
            url,
            gate=gate,
            deadline=deadline,
            expect=(200, 201, 202),
            content=chunk,
            content_type="application/octet-stream",
            headers={"Content-Range": f"bytes {offset}-{end - 1}/{size}"},
            repeatable=False,
        )
        if answer.status == _CREATED:
            return size
    except DeliveryError as error:
        if not error.temporary:
            raise
        answer = await client.request("GET", url, gate=gate, deadline=deadline, expect=(200,))
    try:
        return expected_offset(answer.value, size)
    except ValueError as error:
        raise ProtocolError(
            f"{client.server} does not say how far the upload is: {error}.",
            code="protocol.upload",
            stage=Stage.CONTENT,
            hint="Nothing was sent. Try again.",
        ) from error


class _Source:
    """A file that is read from front to back, and from the front again only where it must."""

    def __init__(self, file: Attachment) -> None:
        self.size = file.size
        self._file = file
        self._rewind()

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from an offset on. Blocks."""
        if offset < self._start:
            self._rewind()
        end = min(offset + length, self.size)
        while self._start + len(self._buffer) < end:
            self._buffer += next(self._chunks)
            if (passed := min(offset - self._start, len(self._buffer))) > 0:
                self._drop(passed)
        self._drop(offset - self._start)
        if end == self.size:
            for _ in self._chunks:  # here a file that has grown complains
                pass
        return bytes(self._buffer[:length])

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._start += count

    def _rewind(self) -> None:
        self._chunks: Iterator[bytes] = self._file.chunks(self.size)
        self._buffer = bytearray()
        self._start = 0
