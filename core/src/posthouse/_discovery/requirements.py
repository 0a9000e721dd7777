"""What a distribution requires, against what is installed."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from posthouse._discovery.installed import Installation, Installed

__all__ = ["unmet"]


def unmet(installed: Installed, installation: Installation) -> Iterator[str]:
    """Yield each requirement of a distribution that is not met, and what is there instead.

    What it requires of its own requirements' extras (``httpx[socks]``) is looked at as well, theirs is not: that is
    ``pip check``'s work.
    """
    for requirement in _applying(installed, ""):
        name = canonicalize_name(requirement.name)
        found = installation.find(name)
        if complaint := _complaint(requirement, found):
            yield complaint
        for extra in requirement.extras if found else ():
            for below in _applying(found, extra) if found else ():
                if complaint := _complaint(below, installation.find(canonicalize_name(below.name))):
                    yield f"{complaint} (by {requirement.name}[{extra}])"


def _applying(installed: Installed, extra: str) -> Iterator[Requirement]:
    """Yield the requirements that apply here; of an extra, those that would not apply without it."""
    for text in installed.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # the plugin itself is refused for that
        marker = requirement.marker
        without = marker is None or marker.evaluate({"extra": ""})
        if without != bool(extra) and (without or (marker is not None and marker.evaluate({"extra": extra}))):
            yield requirement


def _complaint(requirement: Requirement, found: Installed | None) -> str:
    wanted = f"{requirement.name}{requirement.specifier}"
    if found is None:
        return f"{wanted} is not installed"
    try:
        met = requirement.specifier.contains(Version(found.version), prereleases=True)
    except InvalidVersion:
        return ""  # nobody can compare that
    return "" if met else f"{wanted} is required, {found.version} is installed"
