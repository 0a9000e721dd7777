"""Every check and chore, by name: `nox -l` lists them.

Distributions are found by globbing, so a new plugin adds no line. `bootstrap.py setup` makes the environment that nox
runs in; sessions without an environment of their own use it.
"""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "tests", "docs"]

ROOT = Path(__file__).resolve().parent
LOCK = ROOT / "requirements" / "dev.txt"
PYTHONS = ["3.11", "3.12", "3.13"]
HATCHLING = (sys.executable, "-m", "hatchling", "build")
NO_TESTS_FOUND = 5
GRADED = {f"posthouse.{role}.v1" for role in ("transports", "authenticators", "extensions")}
PARALLEL = ("--numprocesses", "auto", "--dist", "worksteal")
AGAIN = ("-m", "not once")  # what depends neither on the Python nor on dependencies; the session "tests" runs it

# pyenv's shims answer only for the versions that are switched on; nox finds the others through PATH.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, sorted(PYENV.glob("versions/*/bin")))])


def project(folder: Path) -> dict[str, Any]:
    """Return a folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))


MEMBERS = project(ROOT)["tool"]["uv"]["workspace"]["members"]
DISTRIBUTIONS = [path.parent for member in MEMBERS for path in sorted(ROOT.glob(f"{member}/pyproject.toml"))]
ALONE = [nox.param(folder, id=folder.name) for folder in DISTRIBUTIONS]


@nox.session
@nox.parametrize("folder", [*ALONE, nox.param(ROOT, id="workspace")])
def tests(session: nox.Session, folder: Path) -> None:
    """Test each distribution alone, installed from its wheel, and then what concerns all of them together."""
    if folder == ROOT:
        install(session, "--requirement", str(LOCK), *(name(other) for other in DISTRIBUTIONS))
        pytest(session, *PARALLEL, "tests")
    else:
        test_alone(session, folder, LOCK)


@nox.session(python=PYTHONS)
@nox.parametrize("folder", ALONE)
def pythons(session: nox.Session, folder: Path) -> None:
    """Test each distribution alone on every supported Python; nox names those that are not installed."""
    test_alone(session, folder, LOCK, *AGAIN)


@nox.session(python=PYTHONS)
@nox.parametrize("folder", ALONE)
def oldest(session: nox.Session, folder: Path) -> None:
    """Test each distribution with the oldest versions that it declares; all other sessions take the newest."""
    constraints = Path(session.create_tmp()) / "constraints.txt"
    with constraints.open("w", encoding="utf-8") as file:
        command = ("requirements/oldest.py", str(folder))
        session.run(sys.executable, *command, stdout=file, external=True)
    test_alone(session, folder, constraints, *AGAIN)


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.run(sys.executable, "-m", "ruff", "check", ".")
    session.run(sys.executable, "-m", "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check all types, the tests' included."""
    sources = [str(folder.relative_to(ROOT) / part) for folder in DISTRIBUTIONS for part in ("src", "tests")]
    others = ["tests", "docs", "requirements", "noxfile.py", "bootstrap.py"]
    found = [path for path in [*sources, *others] if Path(path).suffix or any(Path(path).rglob("*.py"))]
    # Modules that tests import by absolute names, as the entry points of installed plugins do.
    importable = [str(path.relative_to(ROOT)) for folder in DISTRIBUTIONS for path in folder.glob("tests/importable")]
    search_path = os.pathsep.join([*(str(folder / "src") for folder in DISTRIBUTIONS), *importable])
    session.run(sys.executable, "-m", "mypy", "--explicit-package-bases", *found, env={"MYPYPATH": search_path})


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Check that the reference matches the code, and run every example."""
    pages = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/test_docs*.py"))
    if not pages:
        session.error("there is no tests/test_docs*.py")
    pytest(session, *PARALLEL, *pages)


@nox.session(venv_backend="none")
def servers(session: nox.Session) -> None:
    """Drive real mail servers; tests/servers/install.sh installs them."""
    # Built with the system's Kerberos library; the tests' last lines name what is missing where that fails.
    kerberos = ("gssapi", "requests-gssapi")
    command = (sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable, "--constraint", str(LOCK))
    session.run(*command, *kerberos, success_codes=range(256))
    pytest(session, "-m", "servers", "tests/servers")


@nox.session(venv_backend="none")
def browser(session: nox.Session) -> None:
    """Show pages to a real browser; on Debian, apt-get install chromium chromium-driver."""
    pytest(session, "-m", "browser", "tests/browser")


@nox.session
def windows(session: nox.Session) -> None:
    """Test what is for Windows with Windows' Python: there, or under Wine, which tests/windows/install.sh installs."""
    for folder in DISTRIBUTIONS:
        if "Operating System :: Microsoft :: Windows" not in project(folder)["project"]["classifiers"]:
            continue
        if sys.platform == "win32":
            test_alone(session, folder, LOCK)
        else:
            cache = ROOT / ".nox" / "windows-python"
            command = ("-m", "tests.windows", str(cache), str(folder), str(wheels()))
            session.run(sys.executable, *command, *session.posargs, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare the speed with the peers' and with the project's bars; `-- --quick` takes two minutes."""
    install(session, "posthouse", "posthouse-smtp", "posthouse-smtps", "trustme")
    peers = ROOT / "tests" / "benchmarks" / "requirements.txt"
    session.install("--requirement", str(peers), success_codes=range(256))  # the report names what is missing
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """Send one message through each transport to the sandbox."""
    session.run(str(Path(sys.executable).with_name("posthouse")), "demo", *session.posargs)


@nox.session(venv_backend="none")
def build(session: nox.Session) -> None:
    """Build every distribution's wheel and source archive into dist/."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    for folder in DISTRIBUTIONS:
        with session.chdir(folder):
            session.run(*HATCHLING, "--directory", str(ROOT / "dist"))


@nox.session(venv_backend="none")
def lock(session: nox.Session) -> None:
    """Lock all third-party packages again; `nox -s lock -- --upgrade` takes the newest ones."""
    session.run(sys.executable, "requirements/lock.py", *session.posargs)


def test_alone(session: nox.Session, folder: Path, constraints: Path, *selection: str) -> None:
    """Install a distribution from its wheel, with what it declares and nothing else, and run its tests."""
    own = project(folder).get("dependency-groups", {}).get("test", [])
    tools = ("--requirement", str(ROOT / "requirements" / "test.in"))
    install(session, *tools, name(folder), *own, constraints=constraints)
    # A plugin passes the conformance kit at the top grade; a selection of tests cannot show that.
    graded = GRADED & set(project(folder)["project"].get("entry-points", {})) and not session.posargs
    session.chdir(folder)
    pytest(session, *PARALLEL, *(["--posthouse-grade=gold"] if graded else []), *selection, "tests")


def install(session: nox.Session, *requirements: str, constraints: Path = LOCK) -> None:
    """Install the workspace's own distributions from wheels just built, and all others as locked, hashes checked."""
    session.install("--constraint", str(constraints), "--constraint", str(wheels()), *requirements)


@functools.cache
def wheels() -> Path:
    """Build a wheel of every distribution, once a run; return the constraints file that points to them."""
    folder = tempfile.TemporaryDirectory(prefix="posthouse-wheels-")  # not shared: several runs may go on at once
    atexit.register(folder.cleanup)
    for distribution in DISTRIBUTIONS:
        command = [*HATCHLING, "--target", "wheel", "--directory", folder.name]
        subprocess.run(command, cwd=distribution, check=True, stdout=subprocess.DEVNULL)
    lines = [f"{wheel.name.split('-')[0]} @ {wheel.as_uri()}\n" for wheel in sorted(Path(folder.name).glob("*.whl"))]
    constraints = Path(folder.name) / "constraints.txt"
    constraints.write_text("".join(lines), "utf-8")
    return constraints


def name(folder: Path) -> str:
    """Return a distribution's name."""
    return str(project(folder)["project"]["name"])


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest; finding no test is a failure unless the command line selects some."""
    python = "python" if session.bin_paths else sys.executable
    success = [0, NO_TESTS_FOUND] if session.posargs else [0]
    session.run(python, "-P", "-m", "pytest", *arguments, *session.posargs, success_codes=success)
