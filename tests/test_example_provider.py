"""A provider written from the documentation alone works as its users get it: wheels, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections import deque
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROVIDER = ROOT / "tests" / "example-provider"
KEY = "lb-key-of-the-tests"


class Environment:
    """A virtual environment with what a distribution and its tests declare, and nothing of the workspace."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        self.folder = folder
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.site = next(folder.glob("[Ll]ib/**/site-packages"))

    def bring(self, *requirements: str) -> None:
        """Copy third-party distributions from the environment that the tests run in, and all that they require.

        The index is not asked: the versions are those under test anyway.
        """
        waiting = deque(map(Requirement, requirements))
        seen: set[tuple[str, str]] = set()
        while waiting:
            wanted = waiting.popleft()
            found = distribution(wanted.name)
            for extra in ("", *wanted.extras):
                if (found.name, extra) in seen:
                    continue
                seen.add((found.name, extra))
                needs = map(Requirement, found.requires or ())
                waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
            if not found.name.startswith("posthouse"):
                self._link(found)

    def _link(self, found: Distribution) -> None:
        for name in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            source, link = Path(str(found.locate_file(name))), self.site / name
            if source.exists() and not link.exists():
                link.symlink_to(source)

    def install(self, *wheels: Path) -> None:
        """Install wheels as an installer does."""
        command = [sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps"]
        subprocess.run([*command, "--python", str(self.python), *map(str, wheels)], check=True, capture_output=True)

    @property
    def python(self) -> Path:
        return self.scripts / "python"

    def run(self, folder: Path, command: str | Path, *arguments: str) -> str:
        """Run a program of the environment; return what it printed."""
        result = subprocess.run(
            [str(self.scripts / command), *arguments],
            cwd=folder,
            env={**clean(), "LETTERBOX_KEY": KEY},
            capture_output=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


def clean() -> dict[str, str]:
    """Return the environment's variables without those that would let in other packages or other options."""
    strange = ("PYTHON", "PYTEST", "VIRTUAL_ENV", "POSTHOUSE", "COV")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)} | {"PYTHONUTF8": "1"}


def build(folder: Path, wheels: Path) -> Path:
    """Build a distribution's wheel."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
    before = set(wheels.glob("*.whl"))
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = set(wheels.glob("*.whl")) - before
    return wheel


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the provider, as its author has it."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(PROVIDER, folder / "provider", ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    return folder


@pytest.fixture(scope="module")
def environment(home: Path) -> Environment:
    """Where the provider, its sign-in and Posthouse are installed from their wheels."""
    made = Environment(home / "environment")
    made.bring("posthouse[testing]", "httpx", "attrs")
    folders = (ROOT / "core", home / "provider", home / "provider" / "login")
    made.install(*(build(folder, home) for folder in folders))
    return made


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        (".", "letterbox (transport, posthouse-letterbox 2.1.0): gold"),
        ("login", "letterbox-login (authenticator, posthouse-letterbox-login 1.0.0): gold"),
    ],
)
def test_it_passes_the_kit_at_the_top_grade(home: Path, environment: Environment, folder: str, line: str) -> None:
    printed = environment.run(home / "provider" / folder, "python", "-m", "pytest", "-p", "no:cacheprovider")
    assert line in printed
    assert "not shown" not in printed


def test_the_environment_is_its_own(home: Path, environment: Environment) -> None:
    listed = json.loads(environment.run(home, "posthouse", "plugins", "list", "--json"))
    packages = {plugin["distribution"] for plugin in listed}
    assert packages == {"posthouse", "posthouse-letterbox", "posthouse-letterbox-login"}
    where = environment.run(home, "python", "-c", "import posthouse; print(posthouse.__file__)")
    assert Path(where.strip()).is_relative_to(environment.site)


def test_it_sends_through_the_public_door(home: Path, environment: Environment) -> None:
    stand_in = subprocess.Popen(
        [str(environment.python), str(home / "provider" / "tests" / "stand_in.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean(),
        encoding="utf-8",
    )
    assert stand_in.stdout is not None
    url = stand_in.stdout.readline().strip()
    settings = f'kind = "letterbox", url = "{url}", api_key = "env:LETTERBOX_KEY"'
    text = f'[accounts.office]\nsender = "office@example.org"\ntransport = {{ {settings} }}\n'
    (home / "posthouse.toml").write_text(text, "utf-8")
    config = ("--config", "posthouse.toml")

    tried = environment.run(home, "posthouse", *config, "test", "office")
    message = ("--to", "ada@example.com", "--bcc", "archive@example.com", "--subject", "Grüße", "--text", "It works.")
    sent = json.loads(environment.run(home, "posthouse", *config, "send", *message, "--json"))
    program = "import posthouse; m = posthouse.Mailer.from_config('posthouse.toml'); "
    program += "print(m.send(posthouse.Message(to='ada@example.com', subject='2', text='x')).outcome); m.close()"
    outcome = environment.run(home, "python", "-W", "error", "-c", program)

    letters = [json.loads(line) for line in stand_in.communicate(timeout=20)[0].splitlines()]
    assert "The account works." in tried
    assert (sent["transport"], outcome.strip()) == ("letterbox", "sent")
    assert [letter["subject"] for letter in letters] == ["Grüße", "2"]
    assert letters[0]["recipients"] == ["ada@example.com", "archive@example.com"]
    assert letters[0]["id"] == sent["message_id"]


def test_its_types_are_complete(home: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(home / "mypy"), "src", "login/src"]
    result = subprocess.run(command, cwd=home / "provider", capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout
