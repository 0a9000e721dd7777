"""Attachments as files, which is all that a mail program takes: for a short time, and for this user only."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posthouse.messages import Attachment

__all__ = ["FileFolder", "file_name", "temporary_folder"]

_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{device}{n}" for device in ("COM", "LPT") for n in "0123456789¹²³")}
_MOST = 150
"""Characters of a name: with the folder's, a path stays below the 260 that Windows takes everywhere."""


def file_name(name: str) -> str:
    """Return a name as a file can have it on Windows; the same one where that is possible."""
    clean = _FORBIDDEN.sub("_", name).rstrip(". ") or "attachment"
    stem, dot, suffix = clean.partition(".")
    if stem.rstrip(" ").upper() in _DEVICES:
        clean = f"_{stem}{dot}{suffix}"
    if len(clean) > _MOST:
        extension = Path(clean).suffix[:20]
        clean = clean[: _MOST - len(extension)] + extension
    return clean


class FileFolder:
    """A folder that holds each attachment in a folder of its own, so that two can have one name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def write(self, file: Attachment) -> Path:
        """Write an attachment to a file that only this user may read.

        Raises:
            MessageError: it cannot be read.
        """
        self._count += 1
        folder = self._path / str(self._count)
        folder.mkdir(mode=0o700)
        path = folder / file_name(file.name or file.content_id)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags, 0o600), "wb") as target:
            target.writelines(file.chunks())
        return path


@contextmanager
def temporary_folder() -> Iterator[FileFolder]:
    """Make a folder, and remove it with all that is in it. What a mail program still holds open is removed at exit."""
    with tempfile.TemporaryDirectory(prefix="posthouse-", ignore_cleanup_errors=True) as name:
        yield FileFolder(Path(name))
