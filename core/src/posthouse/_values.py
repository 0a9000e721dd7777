"""One value as it was written → one value of the type that a setting declares."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "NO_CHARACTER",
    "RefusedError",
    "is_unicode",
    "located",
    "path_keys",
    "read_flag",
    "read_integer",
    "read_number",
    "read_path",
    "read_text",
    "shown",
    "sort_of",
]

_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # line breaks inject commands and headers
_SURROGATE = re.compile("[\ud800-\udfff]")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PATH_KEY = re.compile(r'"(?:[^"\\]|\\.)*"|[^."]+')
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_MOST_SHOWN = 40

NO_CHARACTER = "found half of a surrogate pair, which is no character, expected text"
"""What is wrong with a text that is not `is_unicode`, without the text."""


class RefusedError(ValueError):
    """A value was refused. Never leaves this package.

    Attributes:
        objections: path below the value (``""`` for the value itself) and what was found and expected.
    """

    def __init__(self, *objections: tuple[str, str]) -> None:
        super().__init__(objections)
        self.objections = objections

    @classmethod
    def because(cls, value: Any, expected: str) -> RefusedError:
        """Return the refusal of a value that may be shown."""
        return cls(("", f"found {shown(value)}, expected {expected}"))


def read_text(value: Any) -> str:
    """Return one line of text."""
    if not isinstance(value, str):
        raise RefusedError.because(value, "text")
    if found := _FORBIDDEN.search(value):
        raise RefusedError(("", f"found a control character (U+{ord(found[0]):04X}), expected one line of text"))
    return str(value)


def is_unicode(text: str) -> bool:
    """Return whether a text can be written at all: UTF-8 has no surrogates (RFC 3629 section 3), JSON can name them."""
    return not _SURROGATE.search(text)


def read_integer(value: Any, *, as_text: bool) -> int:
    """Return a whole number; true and false are none."""
    if as_text and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError.because(value, "a whole number")
    return value


def read_number(value: Any, *, as_text: bool) -> float:
    """Return a finite number; whole ones are welcome."""
    try:
        number = float(value) if isinstance(value, int | float) or (as_text and isinstance(value, str)) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not math.isfinite(number):
        raise RefusedError.because(value, "a number")
    return number


def read_flag(value: Any, *, as_text: bool) -> bool:
    """Return true or false; numbers are neither."""
    if as_text and isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    if not isinstance(value, bool):
        raise RefusedError.because(value, "true or false")
    return value


def read_path(value: Any, *, folder: Path | None) -> Path:
    """Return a path; a relative one starts at the folder, ``~`` is the user's home."""
    text = str(value) if isinstance(value, Path) else read_text(value)
    if not text:
        raise RefusedError.because(value, "a path")
    return located(text, folder)


def located(path: str, folder: Path | None) -> Path:
    """Return where a path points: a relative one starts at the folder, ``~`` is the user's home."""
    return (folder or Path()) / os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises where there is no home


def below_key(key: object, below: str = "") -> str:
    """Return the dotted path of what stands below a key, quoted as TOML wants it where the key needs it."""
    text = str(key)
    name = text if _BARE_KEY.fullmatch(text) else json.dumps(text, ensure_ascii=not is_unicode(text))
    return f"{name}.{below}" if below else name


def path_keys(path: str) -> tuple[str, ...]:
    """Return the keys of a dotted path, the reverse of `below_key`."""
    return tuple(json.loads(key) if key[0] == '"' else key for key in _PATH_KEY.findall(path))


def shown(value: Any) -> str:
    """Return what was found, for a message. Not for what may be a secret."""
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace").decode()  # a message must be possible to print
        return f'"{value}"' if len(value) <= _MOST_SHOWN else f'"{value[:_MOST_SHOWN]}…"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**_MOST_SHOWN):
        return str(value)
    return sort_of(value)


def sort_of(value: Any) -> str:
    """Return what sort of value it is, without the value."""
    if value is None:
        return "nothing"
    sorts: tuple[tuple[Any, str], ...] = (
        (str, "text"),
        (bool, "true or false"),
        (int | float, "a number"),
        (Mapping, "a table"),
        (list | tuple, "a list"),
    )
    return next((sort for kind, sort in sorts if isinstance(value, kind)), f"a {type(value).__name__}")
