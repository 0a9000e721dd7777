"""The lock file: which distributions may run, each with version, entry points and the hash of every file.

It covers the distributions that bring a plugin, and the ``posthouse-*`` distributions that these require. Core itself
is not in it: it is core that compares.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen
from packaging.utils import canonicalize_name

from posthouse._discovery import contents
from posthouse._discovery.installed import Installation, Installed

__all__ = ["FORMAT", "Lock", "Locked", "lock_of", "read_lock", "shortened"]

FORMAT = 1
"""The version of the file's format that is written, and the only one that is read."""

_CORE = "posthouse"
_FAMILY = "posthouse-"
_HEADER = "Which plugins may run, down to their files. Written by `posthouse plugins lock`; do not edit."
_NAMED = 3

_unchanged: set[tuple[Path, Locked]] = set()
"""What was found to be as locked, so that a process looks at each distribution once."""


@frozen(kw_only=True)
class Locked:
    """A distribution as it was when it was locked.

    Attributes:
        name: normalised.
        version: as its metadata has it.
        editable: whether it was a working copy.
        points: its entry points of ours, sorted, one text each.
        requires: names of the distributions that it is locked together with, sorted.
        files: path and hash, sorted.
    """

    name: str
    version: str
    editable: bool
    points: tuple[str, ...]
    requires: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


@frozen(kw_only=True)
class Lock:
    """A lock file that was read, or is about to be written.

    Attributes:
        path: the file.
        distributions: by name.
        trouble: why it cannot be used, in words; then nothing is locked, and nothing may run.
    """

    path: Path
    distributions: Mapping[str, Locked]
    trouble: str = ""

    def objection(self, name: str, version: str, point: str) -> str:
        """Return what speaks against a plugin by its metadata alone; empty if nothing does."""
        if self.trouble:
            return self.trouble
        locked = self.distributions.get(name)
        if locked is None:
            return f"{self.path.name} does not have it; if you trust it: posthouse plugins lock"
        if locked.version != version:
            return f"{self.path.name} has version {locked.version}"
        if point not in locked.points:
            return f"entry_points.txt was changed: {self.path.name} does not have {point}"
        return ""

    def differences(self, name: str, installation: Installation, *, again: bool = False) -> list[str]:
        """Return what about a distribution, and those it is locked together with, is not as it was.

        Args:
            name: of the distribution, which is in the lock.
            installation: where to look for it.
            again: also if this process found it unchanged before.
        """
        found: list[str] = []
        for each in self._together(name):
            locked, installed = self.distributions.get(each), installation.find(each)
            prefix = "" if each == name else f"{each}: "
            if locked is None:
                found += [f"{each} was added"] if installed else []
            elif installed is None:
                found.append(f"{each} is not installed")
            elif again or (installed.info, locked) not in _unchanged:
                differing = _compare(locked, installed)
                found += [f"{prefix}{line}" for line in differing]
                if not differing:
                    _unchanged.add((installed.info, locked))
        return found

    def render(self) -> str:
        """Return the file's text: sorted, so that two locks of the same thing are the same."""
        import tomlkit

        document = tomlkit.document()
        document.add(tomlkit.comment(_HEADER))
        document.add("format", tomlkit.item(FORMAT))
        tables = tomlkit.table(is_super_table=True)
        for name, locked in sorted(self.distributions.items()):
            table = tomlkit.table()
            table.add("version", locked.version)
            table.add("editable", locked.editable)
            table.add("entry-points", list(locked.points))
            table.add("requires", list(locked.requires))
            table.add("files", dict(locked.files))
            tables.add(name, table)
        document.add("distributions", tables)
        return document.as_string()

    def _together(self, name: str) -> list[str]:
        names, rest = [], [name]
        while rest:
            each = rest.pop(0)
            if each not in names:
                names.append(each)
                rest += self.distributions[each].requires if each in self.distributions else ()
        return names


def lock_of(path: Path, plugins: Iterable[str], installation: Installation) -> Lock:
    """Return a lock of what is installed now.

    Args:
        path: the file that it is for.
        plugins: names of the distributions that bring a plugin.
        installation: where to look for them.
    """
    found: dict[str, Locked] = {}
    rest = list(plugins)
    while rest:
        installed = installation.find(rest.pop())
        if installed is None or installed.name in found:
            continue
        requires = _family(installed)
        found[installed.name] = Locked(
            name=installed.name,
            version=installed.version,
            editable=installed.editable,
            points=_points(installed),
            requires=requires,
            files=tuple(contents.hashes(installed).items()),
        )
        rest += requires
    return Lock(path=path, distributions=found)


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


def _unusable(path: Path, why: str) -> Lock:
    return Lock(path=path, distributions={}, trouble=f"the lock file {path} {why}")


def _locked(name: str, table: Mapping[str, Any]) -> Locked:
    locked = Locked(
        name=name,
        version=table["version"],
        editable=table["editable"],
        points=tuple(table["entry-points"]),
        requires=tuple(table["requires"]),
        files=tuple(table["files"].items()),
    )
    texts = (locked.version, *locked.points, *locked.requires, *(hash_ for _, hash_ in locked.files))
    if not isinstance(locked.editable, bool) or not all(isinstance(text, str) for text in texts):
        raise TypeError(name)
    return locked


def _compare(locked: Locked, installed: Installed) -> list[str]:
    if installed.version != locked.version:
        return [f"version {installed.version} is installed, {locked.version} is locked"]
    if installed.editable != locked.editable:
        now, before = ("working copy", "package") if installed.editable else ("package", "working copy")
        return [f"it is a {now} now, and was locked as a {before}"]
    return contents.differences(dict(locked.files), contents.hashes(installed))


def shortened(differences: list[str]) -> str:
    """Return differences in one line; the first few, and how many more there are."""
    more = len(differences) - _NAMED
    return ", ".join(differences[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _points(installed: Installed) -> tuple[str, ...]:
    return tuple(sorted(str(point) for point in installed.points if point.group.startswith("posthouse.")))


def _family(installed: Installed) -> tuple[str, ...]:
    """Return the ``posthouse-*`` distributions that one requires here."""
    from packaging.requirements import InvalidRequirement, Requirement

    names = set()
    for text in installed.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        if name.startswith(_FAMILY) and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            names.add(name)
    return tuple(sorted(names))
