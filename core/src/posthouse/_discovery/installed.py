"""Which distributions are installed, read from their metadata folders on ``sys.path``.

Only ``entry_points.txt`` is opened of each; the rest of the metadata only of those that bring a plugin. That is a tenth
of what `importlib.metadata` takes for it, and leaves `importlib.metadata` itself, with `email` behind it, unimported.
"""

# A path object for each of hundreds of distributions would take longer than the look at the disk does.
# ruff: noqa: PTH100, PTH113, PTH119, PTH123
from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attrs import frozen
from packaging.utils import canonicalize_name

__all__ = ["EntryPoint", "Installation", "Installed"]

_MARK = b"posthouse."
_SYSTEM = "Operating System :: "
_FOLDERS = (".dist-info", ".egg-info")
_LEFT_OVER = "~"  # pip renames what it is about to remove to ~ame, and leaves it so when it is interrupted


@frozen
class EntryPoint:
    """One line of ``entry_points.txt``.

    Attributes:
        group: the section it stands in.
        name: what stands before the equals sign.
        value: the module, and after a colon the object in it.
    """

    group: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.group}: {self.name} = {self.value}"


@frozen(kw_only=True)
class Installed:
    """A distribution, as its metadata has it.

    Attributes:
        name: normalised (PyPA, "Names and normalization").
        version: as written.
        info: the metadata folder; a file inside an archive where the distribution is in one.
        requires: each ``Requires-Dist``.
        systems: the operating systems that it is for, as its classifiers have them; empty if they name none.
        points: its entry points.
        trouble: why its metadata cannot be used, in words; empty if it can.
    """

    name: str
    version: str
    info: Path
    requires: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    points: tuple[EntryPoint, ...] = ()
    trouble: str = ""

    @property
    def root(self) -> Path:
        """The folder that its files lie in."""
        return self.info.parent

    @property
    def foreign(self) -> bool:
        """Whether it is for Windows only, and this is another system."""
        for_windows = [system.startswith("Microsoft") for system in self.systems]
        return bool(for_windows) and all(for_windows) and sys.platform != "win32"

    @property
    def editable(self) -> bool:
        """Whether the code is a working copy elsewhere (``pip install --editable``, PEP 610)."""
        if self.info.suffix == ".egg-info":
            return True  # no installer of today leaves such a folder, but for ``setup.py develop``
        try:
            origin = json.loads((self.info / "direct_url.json").read_bytes())
            return bool(origin["dir_info"]["editable"])
        except (OSError, ValueError, LookupError, TypeError):
            return False


class Installation:
    """What is installed where Python looks for modules. Each folder is listed once.

    Args:
        search_path: folders to look into; ``sys.path`` if None.
    """

    def __init__(self, search_path: Sequence[str] | None = None) -> None:
        self._search_path = sys.path if search_path is None else search_path
        self._infos: tuple[str, ...] | None = None
        self._by_name: dict[str, list[str]] | None = None

    def with_plugins(self) -> Iterator[Installed]:
        """Yield the distributions that have an entry point of ours, in the order of the path."""
        for folder in _unique(self._search_path):
            if os.path.isfile(folder):
                yield from _in_archive(folder)
        for info in self._folders():
            text = _bytes_of(f"{info}/entry_points.txt")
            if _MARK in text:
                yield _read(info, text)

    def find(self, name: str) -> Installed | None:
        """Return the distribution that Python finds first under a normalised name."""
        for info in self._named(name):
            return _read(info, _bytes_of(f"{info}/entry_points.txt"))
        return None

    def doubles(self, installed: Installed) -> list[Path]:
        """Return the metadata folders of the same name beside a distribution's own, which then says nothing."""
        beside = (Path(info) for info in self._named(installed.name))
        return [info for info in beside if info.parent == installed.root and info != installed.info]

    def names(self) -> frozenset[str]:
        """Return the normalised names of everything that is installed."""
        self._named("")
        return frozenset(self._by_name or ())

    def _named(self, name: str) -> list[str]:
        if self._by_name is None:
            self._by_name = {}
            for info in self._folders():
                self._by_name.setdefault(canonicalize_name(_stem(info)), []).append(info)
        return self._by_name.get(name, [])

    def _folders(self) -> tuple[str, ...]:
        if self._infos is None:
            self._infos = tuple(info for folder in _unique(self._search_path) for info in _metadata_folders(folder))
        return self._infos


def _unique(search_path: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(os.path.abspath(folder) for folder in search_path if isinstance(folder, str)))


def _metadata_folders(folder: str) -> list[str]:
    """Return the metadata folders in a folder of the path, sorted, so that no file system decides what is found."""
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.name.endswith(_FOLDERS) and not e.name.startswith(_LEFT_OVER)]
    except OSError:
        return []
    return [f"{folder}{os.sep}{name}" for name in sorted(names)]


def _read(info: str, entry_points: bytes) -> Installed:
    """Read what else the metadata says. Whatever is wrong with it is this distribution's trouble, nobody else's."""
    headers = _bytes_of(f"{info}/METADATA") or _bytes_of(f"{info}/PKG-INFO")
    return _make(Path(info), _decode(headers), _decode(entry_points))


def _make(info: Path, headers: str, entry_points: str) -> Installed:
    said = list(_headers(headers))
    names = [value for key, value in said if key == "name"]
    versions = [value for key, value in said if key == "version"]
    name = canonicalize_name(names[0] if names else _stem(str(info)))
    points, trouble = _points(entry_points)
    if not names or not versions:
        trouble = f"{info.name} lacks its METADATA, or it names no name or version"
    elif info.suffix == ".dist-info":
        trouble = trouble or _mismatch(info, names[0], versions[0])
    return Installed(
        name=name,
        version=versions[0] if versions else "unknown",
        info=info,
        requires=tuple(value for key, value in said if key == "requires-dist"),
        systems=tuple(value.removeprefix(_SYSTEM) for _, value in said if value.startswith(_SYSTEM)),
        points=points,
        trouble=trouble,
    )


def _mismatch(info: Path, name: str, version: str) -> str:
    """Return what is wrong where the folder's name says something else than what is in it."""
    stem, _, of_folder = info.stem.partition("-")
    if canonicalize_name(stem) == canonicalize_name(name) and _same_version(of_folder, version):
        return ""
    return f"its metadata is stale: {info.name} says that it is {name} {version}"


def _same_version(one: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version

    try:
        return one == other or Version(one.replace("_", "-")) == Version(other)
    except InvalidVersion:
        return False


def _headers(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each header up to the first empty line (RFC 822, as PEP 566 has it)."""
    key, value = "", ""
    for line in text.splitlines():
        if not line.strip():
            break
        if line[0] in " \t":
            value += " " + line.strip()
            continue
        if key:
            yield key, value
        key, _, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()
    if key:
        yield key, value


def _points(text: str) -> tuple[tuple[EntryPoint, ...], str]:
    """Return the entry points (https://packaging.python.org/specifications/entry-points/), and what is wrong."""
    found: list[EntryPoint] = []
    group, trouble = "", ""
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            group = line[1:-1].strip()
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (group and name and equals and value):
            trouble = f"its entry_points.txt cannot be read: {line!r}"
        else:
            found.append(EntryPoint(group, name, value))
    return tuple(found), trouble


def _in_archive(archive: str) -> Iterator[Installed]:
    """Yield the distributions with a plugin in a zip file on the path; those of us who meet one can wait for it."""
    from importlib import metadata

    for distribution in metadata.distributions(path=[archive]):
        points = distribution.read_text("entry_points.txt") or ""
        if _MARK.decode() in points:
            headers = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
            folder = os.path.basename(str(getattr(distribution, "_path", "")).rstrip("/"))
            yield _make(Path(archive, folder), headers, points)


def _stem(info: str) -> str:
    return os.path.basename(info).rpartition(".")[0].partition("-")[0]


def _bytes_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")
