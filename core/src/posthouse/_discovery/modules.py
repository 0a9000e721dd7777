"""Where a module would be imported from, found out without importing anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from attrs import frozen

__all__ = ["Place", "place_of", "spec_of"]


@frozen
class Place:
    """A module, or the outermost package around it.

    Attributes:
        base: the folder that it lies in.
        path: the file of a module, the folder of a package.
        is_package: whether it is a folder.
    """

    base: Path
    path: Path
    is_package: bool


def spec_of(module: str) -> ModuleSpec | None:
    """Return what Python would import; None if there is nothing. Parents are found, not imported."""
    found: ModuleSpec | None = None
    locations: Sequence[str] | None = None
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}".lstrip(".")
        found = _ask_finders(name, locations)
        if found is None:
            return None
        locations = found.submodule_search_locations
        if locations is None and name != module:
            return None  # a module has nothing below it
    return found


def place_of(module: str) -> Place | None:
    """Return where the outermost thing that belongs to a module lies; namespaces that many share are passed over."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        spec = spec_of(".".join(parts[:depth]))
        if spec is None:
            return None
        if not spec.has_location or not spec.origin:
            continue  # a namespace, or built into Python
        file = Path(spec.origin)
        package = spec.submodule_search_locations is not None
        path = file.parent if package else file
        return Place(path.parent.joinpath(*[".."] * (depth - 1)).resolve(), path.resolve(), package)
    return None


def _ask_finders(name: str, locations: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            spec: ModuleSpec | None = find(name, locations) if find else None
        except Exception:  # somebody's import hook
            spec = None
        if spec is not None:
            return spec
    return None
