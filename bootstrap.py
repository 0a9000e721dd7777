"""Set up everything that a working copy of Posthouse needs, then run the demo or the tests.

    python3 bootstrap.py demo   set up, then `posthouse demo`; further arguments are passed on
    python3 bootstrap.py test   set up, then every distribution's tests; further arguments go to pytest
    python3 bootstrap.py setup  set up only

Everything stays inside this folder: packages, locked with hashes in requirements/dev.txt, go to `.venv`. A second run
notices that nothing has changed. Only the standard library is used.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 11))"


def restart_with_newer_python() -> None:
    """Run this file again with a Python that is new enough, found on PATH; exit with its exit code."""
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        found = shutil.which(name)
        if found and subprocess.call([found, "-c", NEW_ENOUGH], stderr=subprocess.DEVNULL) == 0:
            sys.exit(subprocess.call([found, __file__, *sys.argv[1:]]))
    sys.exit("Posthouse needs Python 3.11 or newer, this is {}.{}.".format(*sys.version_info))


if sys.version_info < (3, 11):  # nothing above may need more than Python 3.6, nothing below may be newer syntax
    restart_with_newer_python()

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
LOCK = ROOT / "requirements" / "dev.txt"
STAMP = VENV / "bootstrap-stamp"


def main(arguments: list[str]) -> int:
    """Set up, then do what the first argument says; return its exit code."""
    command, *rest = arguments or ["demo"]
    if command not in {"demo", "test", "setup"}:
        print(__doc__)
        return 0 if command in {"-h", "--help"} else 64
    set_up()
    if command == "demo":
        return subprocess.call([SCRIPTS / "posthouse", "demo", *rest])
    if command == "test":
        return subprocess.call(
            [PYTHON, "-m", "nox", "-s", "tests", *(["--", *rest] if rest else [])], cwd=ROOT, env=with_index()
        )
    return 0


def set_up() -> None:
    """Bring `.venv` in line with the lock and the workspace; do nothing when it is."""
    distributions = workspace()
    fingerprint = hashlib.sha256(str(ROOT).encode())
    for path in (LOCK, *(folder / "pyproject.toml" for folder in distributions)):
        fingerprint.update(path.read_bytes())
    usable = PYTHON.is_file() and succeeds(PYTHON, "-c", NEW_ENOUGH)
    if usable and STAMP.is_file() and STAMP.read_text("utf-8") == fingerprint.hexdigest():
        return
    if not usable:
        create_environment()
    say(f"installing the packages locked in {LOCK.relative_to(ROOT)} (a minute or so)")
    # Nothing that needs a compiler: wheels, and what is published as plain Python source only.
    binary = ("--only-binary", ":all:", "--no-binary", "dkimpy")
    run(*pip(), "install", "--quiet", "--require-hashes", *binary, "--requirement", LOCK)
    say("installing " + ", ".join(folder.name for folder in distributions))
    editable = [argument for folder in distributions for argument in ("--editable", folder)]
    uv = (PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON)
    run(*uv, "--no-deps", "--no-build-isolation", *editable)
    STAMP.write_text(fingerprint.hexdigest(), "utf-8")
    say("ready")


def create_environment() -> None:
    """Make `.venv`, also where Debian keeps ensurepip apart, or Python is marked as externally managed."""
    say(f"making {VENV.relative_to(ROOT)} with Python {sys.version.split()[0]}")
    venv = (sys.executable, "-m", "venv", "--clear")
    if succeeds(*venv, VENV):
        return
    say("the venv module cannot install pip here; using this Python's own pip from outside")
    run(*venv, "--without-pip", VENV)
    if not succeeds(*pip(), "list"):
        shutil.rmtree(VENV)
        sys.exit(
            f"bootstrap: {sys.executable} has neither ensurepip nor a pip that can fill an environment from outside "
            "(22.3 or newer). On Debian and Ubuntu, `apt install python3-venv` brings it."
        )


def pip() -> list[str]:
    """Return the command that installs into `.venv`: its own pip, else the running Python's, from outside."""
    inside = [str(PYTHON), "-m", "pip"]
    outside = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    return [*(inside if succeeds(PYTHON, "-c", "import pip") else outside), "--disable-pip-version-check"]


def with_index() -> dict[str, str]:
    """Return the environment in which uv, which reads none of pip's settings, uses the package index that pip uses."""
    command = [*pip(), "config", "get", "global.index-url"]
    configured = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    index = os.environ.get("PIP_INDEX_URL") or configured
    return {**({"UV_DEFAULT_INDEX": index} if index else {}), **os.environ}


def workspace() -> list[Path]:
    """Return the folders of all distributions, as the root pyproject.toml names them."""
    import tomllib  # not there before Python 3.11

    members = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["workspace"]["members"]
    return [path.parent for member in members for path in sorted(ROOT.glob(f"{member}/pyproject.toml"))]


def succeeds(*command: str | Path) -> bool:
    """Run a command quietly and tell whether it went well."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(*command: str | Path) -> None:
    """Run a command; when it fails, say which one it was and stop."""
    code = subprocess.call(command, cwd=ROOT)
    if code:
        sys.exit(f"bootstrap: this command failed with exit code {code}:\n  {' '.join(map(str, command))}")


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"bootstrap: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
