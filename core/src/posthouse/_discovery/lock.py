"""What is locked: which distributions may run, each with version, entry points and the hash of every file.

It covers the distributions that bring a plugin, and the ``posthouse-*`` distributions that these require. Core itself
is not in it: it is core that compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from attrs import frozen
from packaging.utils import canonicalize_name

from posthouse._discovery import contents
from posthouse._discovery.installed import Installation, Installed
from posthouse.errors import PluginError

__all__ = ["Change", "Lock", "Locked", "changes", "lock_of", "shortened"]

_CORE = "posthouse"
_FAMILY = "posthouse-"
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
                differing = _between(locked, _as_found(installed))
                found += [f"{prefix}{line}" for line in differing]
                if not differing:
                    _unchanged.add((installed.info, locked))
        return found

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

    Raises:
        PluginError: a distribution cannot be locked (``plugin.lock``).
    """
    found: dict[str, Locked] = {}
    wanted = list(plugins)
    rest = list(wanted)
    while rest:
        name = rest.pop()
        installed = installation.find(name)
        if installed is None and name in wanted:
            raise _cannot_lock(name, name, "it is in no folder of sys.path, but in an archive perhaps")
        if installed is not None and name not in found:
            found[name] = _lock(installed)
            rest += found[name].requires
    return Lock(path=path, distributions=found)


@frozen(kw_only=True)
class Change:
    """What became of a distribution between two locks.

    Attributes:
        name: of the distribution.
        version: in the newer lock; in the older one where it was removed.
        what: ``"added"``, ``"removed"``, ``"changed"`` or ``"same"``.
        differences: where it was changed, each with its file.
    """

    name: str
    version: str
    what: str
    differences: tuple[str, ...] = ()


def changes(before: Lock, now: Lock) -> list[Change]:
    """Return what became of each distribution, in the order of their names."""
    found = []
    for name in sorted(before.distributions.keys() | now.distributions.keys()):
        old, new = before.distributions.get(name), now.distributions.get(name)
        if new is None or old is None:
            there = new or old
            assert there is not None
            found.append(Change(name=name, version=there.version, what="added" if new else "removed"))
        else:
            differences = tuple(_between(old, new))
            what = "changed" if differences else "same"
            found.append(Change(name=name, version=new.version, what=what, differences=differences))
    return found


def _lock(installed: Installed) -> Locked:
    found = _as_found(installed)
    odd = [f"{file} is {hash_}" for file, hash_ in found.files if contents.cannot_be_locked(hash_)]
    if odd:
        raise _cannot_lock(installed.name, f"{installed.name} {installed.version}", shortened(odd))
    return found


def _as_found(installed: Installed) -> Locked:
    return Locked(
        name=installed.name,
        version=installed.version,
        editable=installed.editable,
        points=_points(installed),
        requires=_family(installed),
        files=tuple(contents.hashes(installed).items()),
    )


def _cannot_lock(name: str, title: str, why: str) -> PluginError:
    return PluginError(
        f"{title} cannot be locked: {why}",
        code="plugin.lock",
        hint=f"Install it as a package in a folder: pip install --force-reinstall {name}",
    )


def _between(old: Locked, new: Locked) -> list[str]:
    """Return every difference; of another version just that, since everything else differs for that reason."""
    if new.version != old.version:
        return [f"version {new.version} is installed, {old.version} is locked"]
    if new.editable != old.editable:
        now, before = ("working copy", "package") if new.editable else ("package", "working copy")
        return [f"it is a {now} now, and was locked as a {before}"]
    return [
        *_of_lists("the entry point", old.points, new.points),
        *_of_lists("what it requires,", old.requires, new.requires),
        *contents.differences(dict(old.files), dict(new.files)),
    ]


def _of_lists(what: str, old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    return [f"{what} {one} {'is missing' if one in old else 'was added'}" for one in sorted({*old} ^ {*new})]


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
