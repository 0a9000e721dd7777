"""What a distribution consists of on disk: the files that a lock holds it to.

The list comes from ``RECORD``, the contents from the disk, and what lies in its packages beside that and could be
imported counts as well. Not counted is what installers write for themselves: scripts outside the packages, compiled
files in ``__pycache__``, and the metadata folder but for the two files that say what the distribution is.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import all_suffixes
from pathlib import Path, PurePosixPath

from posthouse._discovery.installed import Installed
from posthouse._discovery.modules import Place, place_of

__all__ = ["cannot_be_locked", "differences", "hashes"]

_CORE = "posthouse"
_IDENTITY = ("METADATA", "PKG-INFO", "entry_points.txt")
_COMPILED = "__pycache__"
_SUFFIXES = tuple(all_suffixes())
_MISSING, _UNREADABLE = "missing", "unreadable"


def hashes(installed: Installed) -> dict[str, str]:
    """Return the SHA-256 of each file of a distribution, by its path below the folder it is imported from.

    A file that should be there and is not has ``"missing"``, one that cannot be read ``"unreadable"``. A module that
    would be imported from elsewhere than where the distribution was installed stands in it with the path of that place.
    """
    importlib.invalidate_caches()  # what was just installed is looked at as it is
    files, elsewhere = _files(installed)
    return {name: _hash(path) for name, path in sorted(files.items())} | elsewhere


def _files(installed: Installed) -> tuple[dict[str, Path], dict[str, str]]:
    recorded = set() if installed.editable else _recorded(installed)
    has_code = any(map(_importable, recorded))
    root = installed.root.resolve()
    files = {name: root / name for name in recorded}
    for name in _IDENTITY:
        if (path := installed.info / name).is_file():
            files[f"{installed.info.name}/{name}"] = path
    if has_code:
        for package in _packages(recorded):
            files |= {name: path for name, path in _below(root / package, root) if _importable(name)}
    elsewhere = {}
    for module in _modules(installed, recorded):
        place = place_of(module)
        if place is None:
            continue
        found = dict(_of_place(place))
        if not has_code:
            files |= found
        elif place.base != root or not recorded.intersection(found):
            elsewhere[module.replace(".", "/")] = f"imported from {place.path}"
    return files, elsewhere


def _recorded(installed: Installed) -> set[str]:
    """Return what ``RECORD`` lists below the folder of the packages, as far as it counts; nothing if there is none."""
    try:
        with (installed.info / "RECORD").open(encoding="utf-8", newline="") as file:
            names = {PurePosixPath(row[0].replace("\\", "/")) for row in csv.reader(file) if row and row[0]}
    except (OSError, UnicodeDecodeError, csv.Error):
        return set()
    return {
        str(name)
        for name in names
        if not name.is_absolute() and not {"..", _COMPILED} & set(name.parts) and name.parts[0] != installed.info.name
    }


def _packages(recorded: Iterable[str]) -> set[str]:
    """Return the folders that are the distribution's own, from the top: those of which it brings the ``__init__``."""
    own = {str(path.parent) for path in map(PurePosixPath, recorded) if path.name.split(".")[0] == "__init__"}
    return {folder for folder in own if not own & {str(parent) for parent in PurePosixPath(folder).parents}}


def _modules(installed: Installed, recorded: Iterable[str]) -> set[str]:
    """Return the names that a program may import from the distribution: its plugins, and the tops of its packages."""
    modules = {point.value.partition(":")[0].partition("[")[0].strip() for point in installed.points}
    modules |= {PurePosixPath(name).parts[0].split(".")[0] for name in recorded if _importable(name)}
    if not modules or installed.editable:
        modules |= {installed.name.replace("-", "_"), *_top_level(installed)}
    return {module for module in modules if module.partition(".")[0] != _CORE}


def _top_level(installed: Installed) -> list[str]:
    try:
        return (installed.info / "top_level.txt").read_text("utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def _of_place(place: Place) -> Iterator[tuple[str, Path]]:
    if place.is_package:
        yield from _below(place.path, place.base)
    else:
        yield place.path.relative_to(place.base).as_posix(), place.path


def _below(folder: Path, base: Path) -> Iterator[tuple[str, Path]]:
    """Yield every file below a folder, but for compiled ones and hidden ones; a link to a folder is gone into once."""
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        folders[:] = [] if real in seen else [n for n in folders if n != _COMPILED and not n.startswith(".")]
        if real in seen:
            continue
        seen.add(real)
        for name in names:
            if not name.startswith("."):
                path = Path(parent, name)
                yield path.relative_to(base).as_posix(), path


def _importable(name: str) -> bool:
    return name.endswith(_SUFFIXES)


def _hash(path: Path) -> str:
    if not path.is_file():
        return _MISSING
    try:
        with path.open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return _UNREADABLE


def cannot_be_locked(hash_: str) -> bool:
    """Return whether what stands for a file in `hashes` is nothing that a lock could hold it to."""
    return hash_ != _MISSING and not hash_.startswith("sha256:")


def differences(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Return what is not as it was, each file with what happened to it."""
    lines = []
    for name in sorted(wanted.keys() | found.keys()):
        before, now = wanted.get(name), found.get(name)
        if before == now:
            continue
        if now is None or now == _MISSING:
            lines.append(f"{name} is missing")
        elif now == _UNREADABLE:
            lines.append(f"{name} cannot be read")
        elif not now.startswith("sha256:"):
            lines.append(f"{name} would be {now}")
        elif before is None:
            lines.append(f"{name} was added")
        else:
            lines.append(f"{name} was changed")
    return lines
