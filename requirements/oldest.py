"""Print constraints with the oldest versions that a distribution, and what it needs of the workspace, declare.

    python requirements/oldest.py plugins/graph

What the lower bounds do not name (the test tools, dependencies of dependencies) stays as requirements/dev.txt locks it.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent


def main(folder: Path) -> None:
    """Print the constraints for one distribution's folder."""
    lowest = lower_bounds(folder)
    print(*(f"{name}=={version}" for name, version in sorted(lowest.items())), sep="\n")
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements" / "dev.txt").read_text("utf-8"))
    print(*(block for block in blocks if canonicalize_name(re.split(r"[=\[ ]", block)[0]) not in lowest), sep="\n")


def lower_bounds(folder: Path) -> dict[str, Version]:
    """Return the lower bound of each third-party package, the highest one where several distributions declare it."""
    members = _read(ROOT)["tool"]["uv"]["workspace"]["members"]
    own = {
        _read(path.parent)["project"]["name"]: path.parent for each in members for path in ROOT.glob(f"{each}/*.toml")
    }
    lowest: dict[str, Version] = {}
    waiting, seen = [_read(folder)["project"]["name"]], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        for requirement in map(Requirement, _declared(own[name], tests=own[name] == folder.resolve())):
            key = canonicalize_name(requirement.name)
            if key in own:
                waiting += {key} - seen
            for bound in requirement.specifier:
                if key not in own and bound.operator == ">=":
                    lowest[key] = max(Version(bound.version), lowest.get(key, Version("0")))
    return lowest


def _declared(folder: Path, *, tests: bool) -> list[str]:
    project = _read(folder)
    return [
        *project["project"]["dependencies"],
        *(project.get("dependency-groups", {}).get("test", []) if tests else []),
    ]


def _read(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
