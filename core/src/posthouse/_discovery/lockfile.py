"""The lock file: TOML with a format version, sorted, so that two locks of the same thing are the same text."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posthouse._discovery.lock import Lock, Locked

__all__ = ["FORMAT", "is_lock", "read_lock", "render"]

FORMAT = 1
"""The version of the file's format that is written, and the only one that is read."""

_HEADER = "Which plugins may run, down to their files. Written by `posthouse plugins lock`; do not edit."


def read_lock(path: Path) -> Lock:
    """Read a lock file. One that is missing or wrong locks everything out: it says so, and raises nothing."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        if data.get("format") != FORMAT:
            return _unusable(path, f"has the format {data.get('format')!r}, this Posthouse reads {FORMAT}")
        return Lock(path=path, distributions={name: _locked(name, t) for name, t in data["distributions"].items()})
    except FileNotFoundError:
        return _unusable(path, "is missing; write it with: posthouse plugins lock")
    except OSError as error:
        return _unusable(path, f"cannot be read: {error.strerror or type(error).__name__}")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return _unusable(path, "is damaged; write it again with: posthouse plugins lock")


def is_lock(path: Path) -> bool:
    """Return whether a file was written as a lock, damaged or not, by whichever version; an empty one holds nothing.

    Raises:
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    if not data.strip() or data.startswith(f"# {_HEADER}".encode()):
        return True
    try:
        found = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return False
    return isinstance(found.get("format"), int) and isinstance(found.get("distributions"), dict)


def _unusable(path: Path, why: str) -> Lock:
    return Lock(path=path, distributions={}, trouble=f"the lock file {path} {why}")


def _locked(name: str, table: Mapping[str, Any]) -> Locked:
    points, requires, files = table["entry-points"], table["requires"], table["files"]
    texts = (table["version"], *points, *requires, *files.values())
    if not (isinstance(table["editable"], bool) and files and all(isinstance(text, str) for text in texts)):
        raise TypeError(name)
    return Locked(
        name=name,
        version=table["version"],
        editable=table["editable"],
        points=tuple(points),
        requires=tuple(requires),
        files=tuple(files.items()),
    )


def render(lock: Lock) -> str:
    """Return the file's text."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment(_HEADER))
    document.add("format", tomlkit.item(FORMAT))
    tables = tomlkit.table(is_super_table=True)
    for name, locked in sorted(lock.distributions.items()):
        table = tomlkit.table()
        table.add("version", locked.version)
        table.add("editable", locked.editable)
        table.add("entry-points", list(locked.points))
        table.add("requires", list(locked.requires))
        table.add("files", dict(locked.files))
        tables.add(name, table)
    document.add("distributions", tables)
    return document.as_string()
