"""Files that only their owner may read: keys, passwords and other people's mail."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["make_private_folder", "write_private"]


def make_private_folder(folder: Path) -> Path:
    """Create ``folder`` with mode 0700 where it does not exist, and return it as an absolute path."""
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_private(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` with mode 0600, which it has before the first byte is in it.

    Raises:
        OSError: the file cannot be written.
    """
    # A file left from an earlier run keeps its old mode when it is merely truncated.
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
