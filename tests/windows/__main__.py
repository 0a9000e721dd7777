"""`python -m tests.windows CACHE FOLDER CONSTRAINTS [pytest's arguments]`: a distribution's tests under Wine.

What is missing (Wine, the network) is said by name in the last line, which begins with WINDOWS NOT RUN, as for the real
mail servers; that is no failure unless POSTHOUSE_REQUIRE_SERVERS=1. Packages that do not go together are one, always.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from contextlib import ExitStack
from pathlib import Path

from .staging import NoSolutionError, install, interpreter
from .wine import find_wine, fresh_windows

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"
_QUIET = ("-p", "no:cacheprovider", "-p", "no:faulthandler")
"""The fault handler reports every exception that COM raises and handles inside Windows, as if it were fatal."""


def main(arguments: list[str]) -> int:
    """Run the tests; return pytest's exit code, or that of what is missing."""
    cache, folder, constraints = (Path(argument) for argument in arguments[:3])
    program = find_wine()
    if program is None:
        return not_run("Wine not found; run tests/windows/install.sh")
    needed = packages(folder, constraints)
    with ExitStack() as stack:
        try:
            wine = stack.enter_context(fresh_windows(program, cache))
            python = wine.prefix / "python"
            interpreter(REQUIREMENTS / "windows.txt", cache, python)
            install(python, version_of(python), *needed)
        except NoSolutionError as error:
            print(f"WINDOWS FAILED: {error}", flush=True)
            return 1
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            return not_run(str(error))
        pytest = ("-P", "-m", "pytest", *_QUIET, "tests", *arguments[3:])
        return wine.run(python / "python.exe", *pytest, cwd=folder)


def packages(folder: Path, constraints: Path) -> list[str]:
    """Return what a distribution's tests need, as they do where it is tested alone on another system."""
    if not constraints.is_file():
        raise SystemExit(f"{constraints} is no file of constraints")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    own = project.get("dependency-groups", {}).get("test", [])
    locked = ("--constraint", str(REQUIREMENTS / "dev.txt"), "--constraint", str(constraints))
    return [*locked, "--requirement", str(REQUIREMENTS / "test.in"), project["project"]["name"], *own]


def version_of(python: Path) -> str:
    """Return an interpreter's version for uv, such as 3.13, by the name of its library."""
    (number,) = (path.stem.removeprefix("python3") for path in python.glob("python3?*.dll"))
    return f"3.{number}"


def not_run(reason: str) -> int:
    """Say that nothing was tested, and why, in one line."""
    print(f"WINDOWS NOT RUN: {' '.join(reason.split())}", flush=True)
    return 1 if os.environ.get("POSTHOUSE_REQUIRE_SERVERS") == "1" else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
