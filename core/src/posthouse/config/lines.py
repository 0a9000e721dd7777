"""On which line each key of a TOML file stands: `tomllib` does not say."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator

from posthouse._values import below_key

__all__ = ["key_lines"]

_TOKEN = re.compile(
    r'''(?P<string>"""(?:\\.|[^\\])*?"""(?!")|\'\'\'.*?\'\'\'(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*')'''
    r"""|(?P<ignored>\#[^\n]*|[ \t\r]+)|(?P<newline>\n)|(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,."'\#]+)""",
    re.DOTALL,
)
_END_OF_VALUE = {",", "}", "]", "\n", ""}


def key_lines(text: str) -> dict[str, int]:
    """Return dotted path → line, from 1, for every key of a text that `tomllib` takes."""
    scan = _Scan(text)
    scan.file()
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self._tokens = _tokens(text)
        self._now, self._line = next(self._tokens)

    def file(self) -> None:
        table = ""
        members: Counter[str] = Counter()
        while self._now:
            if self._now == "[":
                self._next()
                is_member = self._now == "["
                if is_member:
                    self._next()
                line = self._line
                table = self._key("")
                while self._now == "]":
                    self._next()
                if is_member:
                    members[table] += 1
                    table = f"{table}.{members[table] - 1}"
                    self.lines[table] = line
            elif self._now == "\n":
                self._next()
            else:
                self._pair(table)

    def _pair(self, table: str) -> None:
        path = self._key(table)
        self._next()  # =
        self._value(path)

    def _key(self, table: str) -> str:
        parts = [table] if table else []
        while self._now not in {"=", "]"}:
            if self._now != ".":
                parts.append(below_key(_unquoted(self._now)))
                self.lines.setdefault(".".join(parts), self._line)
            self._next()
        return ".".join(parts)

    def _value(self, path: str) -> None:
        if self._now == "{":
            self._group("}", lambda _: self._pair(path))
        elif self._now == "[":
            self._group("]", lambda number: self._member(f"{path}.{number}"))
        else:
            while self._now not in _END_OF_VALUE:
                self._next()

    def _member(self, path: str) -> None:
        self.lines.setdefault(path, self._line)
        self._value(path)

    def _group(self, end: str, read: Callable[[int], None]) -> None:
        self._next()
        number = 0
        while self._now != end:
            if self._now in {",", "\n"}:
                self._next()
            else:
                read(number)
                number += 1
        self._next()

    def _next(self) -> None:
        self._now, self._line = next(self._tokens)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    """Yield token and line; ``""`` for ever after the end."""
    line = 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "ignored":
            yield match[0], line
        line += match[0].count("\n")
    while True:
        yield "", line


def _unquoted(key: str) -> str:
    return str(tomllib.loads(f"k={key}")["k"]) if key[0] in "\"'" else key
