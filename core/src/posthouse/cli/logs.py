"""The log on stderr that ``--verbose`` asks for, with credentials masked."""

from __future__ import annotations

import copy
import logging
import re
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TypeAlias

from posthouse.errors import PosthouseError

__all__ = ["format_defect", "log_to_stderr", "mask"]

_ExcInfo: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"

_CREDENTIALS = (
    re.compile(r"(\bAUTH\s+[A-Z0-9-]+\s+)\S+", re.IGNORECASE),
    re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]+", re.IGNORECASE),
    re.compile(
        r"""(\b\w*(?:passw(?:or)?d|secret|token|api_?key)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&)}\]]+)""",
        re.IGNORECASE,
    ),
    re.compile(r"(://[^\s:/@]*:)[^\s/@]+(?=@)"),
)


def log_to_stderr() -> None:
    """Send every log record to stderr: all of Posthouse's, and what others have to say from INFO on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))
    handler.addFilter(lambda record: record.levelno >= logging.INFO or record.name.startswith("posthouse"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)


def mask(text: str) -> str:
    """Return text with everything that looks like a credential replaced by ``***``."""
    for pattern in _CREDENTIALS:
        text = pattern.sub(r"\1***", text)
    return text


def format_defect(error: BaseException) -> str:
    """Return a traceback: where each exception came from and its type.

    The text of a foreign exception is withheld, since nobody knows what a library puts into it.
    """
    return "\n".join(_describe(error))


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record = copy.copy(record)
        record.exc_text = None  # another handler may have left its own, with everything in it
        return mask(super().format(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name is the base class's
        return format_defect(ei[1]) if ei[1] is not None else ""


def _describe(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _describe(cause)
        yield "\nwhich led to:\n"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    yield f"{type(error).__name__}: {_safe_text(error)}"


def _safe_text(error: BaseException) -> str:
    if isinstance(error, PosthouseError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "(its text is withheld, it might hold a secret)"
