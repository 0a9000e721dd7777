"""Lock every third-party package of the workspace, with hashes, into requirements/dev.txt.

The inputs are the `*.in` files here and whatever the distributions' pyproject.toml files declare, so a new plugin adds
no line. The lock ends with a fingerprint of its inputs, which `--check` compares without a network.

    python requirements/lock.py            lock what is missing, keep the other versions
    python requirements/lock.py --upgrade  lock the newest versions (any option of `uv pip compile` works)
    python requirements/lock.py --check    exit 1 when the lock is out of date
"""

import hashlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements/dev.txt"
COMPILE = (
    *("uv", "pip", "compile", "-", "--quiet", "--no-sources", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "nox -s lock"),
)


def main(arguments: list[str]) -> int:
    """Write the lock, or with `--check` compare it; return the exit code."""
    lock = ROOT / LOCK
    wanted = inputs(ROOT)
    digest = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    fingerprint = f"# inputs: sha256:{digest}\n"
    if arguments == ["--check"]:
        fresh = lock.is_file() and lock.read_text("utf-8").endswith(fingerprint)
        sys.stdout.write(f"{LOCK} is {'up to date' if fresh else 'out of date: run nox -s lock'}\n")
        return 0 if fresh else 1
    command = [sys.executable, "-m", *COMPILE, "--output-file", LOCK, *arguments]
    subprocess.run(command, input="\n".join(wanted), text=True, cwd=ROOT, check=True)
    lock.write_text(lock.read_text("utf-8") + fingerprint, "utf-8")
    return 0


def inputs(root: Path) -> list[str]:
    """Return every third-party requirement that the workspace declares, sorted, each once."""
    members = _read(root / "pyproject.toml")["tool"]["uv"]["workspace"]["members"]
    projects = [_read(path) for member in members for path in root.glob(f"{member}/pyproject.toml")]
    own = {canonicalize_name(project["project"]["name"]) for project in projects}
    declared = {Requirement(line) for project in projects for line in _declared(project)}
    for path in (root / "requirements").glob("*.in"):
        lines = (line.strip() for line in path.read_text("utf-8").splitlines())
        declared.update(Requirement(line) for line in lines if line and not line.startswith("#"))
    return sorted(str(requirement) for requirement in declared if canonicalize_name(requirement.name) not in own)


def _declared(project: dict[str, Any]) -> Iterator[str]:
    yield from project["build-system"]["requires"]
    yield from project["project"].get("dependencies", [])
    # Extras stay out: some need a compiler. What the tests use of them stands in the group "test".
    for lines in project.get("dependency-groups", {}).values():
        yield from lines


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
