"""A message as an ``.eml`` file that mail programs open to be edited and sent, not to be read."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.errors import ComposeError
from posthouse.mime import render
from posthouse.mime.raw import with_headers
from posthouse.providers import Capabilities

if TYPE_CHECKING:
    from posthouse.messages import Message

__all__ = ["CAPABILITIES", "unsent", "write_unsent"]

CAPABILITIES = Capabilities(
    raw_mime=True,
    custom_headers="any",
    read_receipt=True,
    unicode_addresses=True,
    any_sender=True,
    message_id=True,
)
"""What a file can carry: everything but what is said to servers only."""

_PREFIX = "draft-"
_KEPT_SECONDS = 7 * 86400.0
"""How long a file stays in the folder of the user's cache, where nobody else clears up."""


def unsent(message: Message) -> bytes:
    """Return a message as a file that is marked unsent, Bcc included. Reads its files, which may block.

    ``X-Unsent: 1`` is how Outlook, and other programs after it, tell a draft from a message that was received.

    Raises:
        MessageError: a file of it cannot be read.
    """
    mime = bytes(render(message, eightbit=True, utf8=True))
    return with_headers(mime, {"X-Unsent": "1", "Bcc": message.bcc}, replace=True)


def write_unsent(message: Message, folder: Path | None) -> Path:
    """Write a message into a file of its own that only its owner can read. Blocks.

    Args:
        message: has a sender.
        folder: where to; the user's cache if None, where files older than a week are taken away.

    Raises:
        MessageError: a file of the message cannot be read.
        ComposeError: nothing can be written there (``compose.file``).
    """
    content = unsent(message)
    place = folder or _cache()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder is None:
            _clear_up(place)
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=".eml", dir=place)  # readable by its owner only
        path = Path(name).absolute()
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ComposeError(
            f"No draft can be written into {place}: {error.strerror or type(error).__name__}.",
            code="compose.file",
            hint="Name a folder that this user can write to: --folder DIR, or [compose] folder.",
        ) from error
    return path


def _cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("posthouse", appauthor=False) / "drafts"


def _clear_up(folder: Path) -> None:
    before = time.time() - _KEPT_SECONDS
    for path in folder.glob(f"{_PREFIX}*.eml"):
        with suppress(OSError):  # somebody else may clear up, too, or a program may hold it open
            if path.stat().st_mtime < before:
                path.unlink()
