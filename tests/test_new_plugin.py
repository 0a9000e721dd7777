"""What ``posthouse plugins new`` writes is complete: built, installed, typed, at the top grade of the kit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(folder: Path, *command: str, **variables: str) -> str:
    """Run a module of Python in a folder; return what it printed."""
    env = os.environ | {"PYTHONIOENCODING": "utf-8"} | variables
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=env,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, and beside it, as `site`, where its wheel is installed."""
    home = tmp_path_factory.mktemp("new")
    run(home, "posthouse.cli", "plugins", "new", "acme-api", "--label", "Acme & Söhne")
    folder = home / "posthouse-acme-api"
    run(folder, "hatchling", "build", "--target", "wheel", "--directory", str(home / "wheels"))
    (wheel,) = (home / "wheels").glob("*.whl")
    run(home, "uv", "pip", "install", "--offline", "--no-deps", "--target", str(home / "site"), str(wheel))
    return folder


def test_its_tests_pass_at_the_top_grade(written: Path) -> None:
    printed = run(written, "pytest", "-p", "no:cacheprovider", PYTHONPATH=str(written.parent / "site"))
    assert "acme-api (transport, posthouse-acme-api 0.1.0): gold" in printed
    assert "not shown" not in printed


def test_its_types_are_complete(written: Path) -> None:
    run(written, "mypy", "--strict", "--cache-dir", str(written.parent / "mypy"), "src")


def test_it_is_found_once_it_is_installed(written: Path) -> None:
    printed = run(written.parent, "posthouse.cli", "plugins", "list", PYTHONPATH=str(written.parent / "site"))
    (line,) = [line for line in printed.splitlines() if "acme-api" in line]
    assert line.split() == ["transport", "acme-api", "posthouse-acme-api", "0.1.0", "ready"]
