"""Looks for a secret wherever a person or a log might see it: in any spelling, in reprs, errors and their frames."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus

import attrs
from attrs import define, field

from posthouse.errors import PosthouseError
from posthouse.secrets import Secret

__all__ = ["Spoken", "chain", "found_in", "frames_of", "leaking_frames", "logged", "secrets_within", "words_of"]

_SHORTEST = 6  # anything shorter is found by chance
_WIDE = 1000  # columns, so that no line is broken in two
_KIT = Path(__file__).parent


def spellings(secret: str) -> frozenset[str]:
    """Return a secret as it may be written down: plain, quoted for a URL, in hexadecimal, inside any base64."""
    if len(secret) < _SHORTEST:
        return frozenset()
    raw = secret.encode()
    inside = {
        base64.b64encode(b"\0" * shift + raw).decode()[start : -(4 if (shift + len(raw)) % 3 else 0) or None]
        for shift, start in ((0, 0), (1, 2), (2, 3))
    }
    return frozenset({secret, repr(secret)[1:-1], quote(secret), quote_plus(secret), raw.hex(), *inside})


def secrets_within(value: Any) -> Iterator[Secret]:
    """Yield every secret of settings, those of tables within them included."""
    if isinstance(value, Secret):
        yield value
    elif attrs.has(type(value)):
        for attribute in attrs.fields(type(value)):
            yield from secrets_within(getattr(value, attribute.name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from secrets_within(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from secrets_within(one)


def found_in(text: str, secrets: Iterable[str]) -> bool:
    """Tell whether a text gives a secret away."""
    return any(spelling in text for secret in secrets for spelling in spellings(secret) if len(spelling) >= _SHORTEST)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and everything that led to it."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [cause for cause in (one.__cause__, one.__context__) if cause is not None]


def words_of(error: BaseException) -> str:
    """Return all that an error and its causes say of themselves."""
    said = []
    for one in chain(error):
        said += [str(one), repr(one), repr(one.args)]
        if isinstance(one, PosthouseError):
            said += [one.message, one.hint, repr(dict(one.details)), str(one.reply)]
    return "\n".join(said)


def leaking_frames(error: BaseException, secrets: Iterable[str]) -> list[str]:
    """Return which local variables of which frames give a secret away, for an author to look at."""
    known, found = tuple(secrets), []
    for one in chain(error):
        frames = traceback.walk_tb(_own(one.__traceback__))
        for frame, line in frames:
            names = [name for name, value in frame.f_locals.items() if found_in(_shown(value), known)]
            where = f"{frame.f_code.co_name} ({frame.f_code.co_filename}:{line})"
            found += [f"{name} in {where}" for name in names]
    return found


def _own(begin: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the kit's own frames at its beginning, which know the secret."""
    while begin is not None and Path(begin.tb_frame.f_code.co_filename).is_relative_to(_KIT):
        begin = begin.tb_next
    return begin


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # it is not our business, and no traceback shows it either
        return ""


def frames_of(error: BaseException) -> str:
    """Return what tracebacks with local variables show, those of the standard library and of rich."""
    from rich.console import Console
    from rich.traceback import Traceback

    begin = _own(error.__traceback__)
    out = StringIO()
    console = Console(file=out, width=_WIDE, color_system=None)
    console.print(Traceback.from_exception(type(error), error, begin, show_locals=True, width=_WIDE))
    text = traceback.TracebackException(type(error), error, begin, capture_locals=True).format()
    return "".join([*text, out.getvalue()])


@define
class Spoken:
    """What was logged."""

    lines: list[str] = field(factory=list)

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


class _Listener(logging.Handler):
    def __init__(self, spoken: Spoken) -> None:
        super().__init__(logging.NOTSET)
        self._spoken = spoken

    def emit(self, record: logging.LogRecord) -> None:
        extra = {key: value for key, value in vars(record).items() if key not in _USUAL}
        self._spoken.lines.append(f"{record.name}: {self.format(record)} {extra}")


_USUAL = frozenset(vars(logging.makeLogRecord({})))


@contextmanager
def logged() -> Iterator[Spoken]:
    """Listen to every logger, at every level."""
    root = logging.getLogger()
    spoken = Spoken()
    listener = _Listener(spoken)
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    levels = [(one, one.level) for one in loggers]
    root.addHandler(listener)
    for logger, level in levels:
        logger.setLevel(logging.DEBUG if logger is root or level else level)
    try:
        yield spoken
    finally:
        root.removeHandler(listener)
        for logger, level in levels:
            logger.setLevel(level)
