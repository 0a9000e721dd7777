"""``posthouse plugins new``: a transport to begin from."""

from __future__ import annotations

import ast
import errno
import json
import sys
import tomllib
from pathlib import Path

import copier
import pytest

from .conftest import Run


def test_writes_a_distribution(run: Run) -> None:
    result = run("plugins", "new", "acme-api", "--label", "Acme & Söhne", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    written = json.loads(result.stdout)
    folder = Path(written["folder"])
    assert folder == Path("posthouse-acme-api")
    assert (
        sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == written["files"]
    )

    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "posthouse-acme-api"
    assert project["entry-points"] == {"posthouse.transports.v1": {"acme-api": "posthouse_acme_api"}}
    assert "Acme & Söhne" in project["description"]
    for path in folder.rglob("*.py"):
        ast.parse(path.read_text("utf-8"))
    for path in folder.rglob("*.*"):
        assert path.suffix != ".jinja"
        if path.is_file() and path.name != "test.yml":  # the matrix has placeholders of its own
            assert "{{" not in path.read_text("utf-8")


def test_says_what_to_do_next(run: Run) -> None:
    result = run("plugins", "new", "acme-api", "--into", "elsewhere")
    assert result.exit_code == 0
    assert result.stdout.endswith('Next:\n  cd elsewhere\n  pip install --editable ".[test]"\n  pytest\n')
    assert Path("elsewhere/src/posthouse_acme_api/__init__.py").is_file()


def test_what_to_do_next_can_be_pasted(run: Run) -> None:
    result = run("plugins", "new", "acme-api", "--into", "my own/ü")
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("  cd ")]
    assert line in ("  cd 'my own/ü'", '  cd "my own\\ü"')


def test_the_first_step_works_with_every_pip(run: Run) -> None:
    """Groups of dependencies came with pip 25.1; an extra is as old as wheels."""
    assert run("plugins", "new", "acme-api").exit_code == 0
    folder = Path("posthouse-acme-api")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["optional-dependencies"] == {"test": ["posthouse[testing]>=1.0"]}
    assert 'pip install --editable ".[test]"' in (folder / "README.md").read_text("utf-8")
    assert '".[test]"' in (folder / ".github" / "workflows" / "test.yml").read_text("utf-8")
    for path in folder.rglob("*"):
        assert path.is_dir() or "--group" not in path.read_text("utf-8")


@pytest.mark.parametrize("into", ["precious/x", "precious/x/y", "n" * 300])
def test_where_nothing_can_be_written(run: Run, into: str) -> None:
    Path("precious").write_text("mine")
    result = run("plugins", "new", "acme", "--into", into)
    assert result.exit_code == 78
    assert f"Nothing can be written to {Path(into)}: " in "".join(result.stderr.splitlines())
    assert "--into FOLDER" in result.stderr
    assert "Internal error" not in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["posthouse.toml", "precious"]
    assert Path("precious").read_text() == "mine"


def test_a_disk_that_is_full_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str, folder: Path, **__: object) -> None:
        (folder / "README.md").write_text("half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copier, "run_copy", full)
    result = run("plugins", "new", "acme")
    assert result.exit_code == 78
    assert "posthouse-acme: No space left on device." in result.stderr
    assert not Path("posthouse-acme").exists()


def test_a_copier_that_cannot_fill_it_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_old(*_: object, **__: object) -> None:
        raise copier.errors.UnsupportedVersionError("The template needs another copier.")

    monkeypatch.setattr(copier, "run_copy", too_old)
    result = run("plugins", "new", "acme")
    assert result.exit_code == 78
    assert "The template needs another copier." in result.stderr
    assert not Path("posthouse-acme").exists()


@pytest.mark.parametrize(
    "kind", ["Acme", "acme_api", "acme--api", "-acme", "acme-", "1acme", "acme/../x", "{{7*7}}", "ü", ""]
)
def test_a_kind_that_nobody_could_name(run: Run, kind: str) -> None:
    result = run("plugins", "new", "--", kind)
    assert result.exit_code == 64
    assert "is no kind" in result.stderr
    assert [path.name for path in Path().iterdir()] == ["posthouse.toml"]


@pytest.mark.parametrize("label", ['a "b"', "a\\b", "{{ 7 * 7 }}", "{% raw %}", "a\nb", ""])
def test_a_label_that_would_be_code(run: Run, label: str) -> None:
    result = run("plugins", "new", "acme", "--label", label)
    assert result.exit_code == 64
    assert "label" in result.stderr
    assert not Path("posthouse-acme").exists()


def test_a_kind_that_is_taken(run: Run) -> None:
    result = run("plugins", "new", "memory")
    assert result.exit_code == 64
    assert "already" in result.stderr


def test_nothing_is_overwritten(run: Run) -> None:
    Path("posthouse-acme").mkdir()
    Path("posthouse-acme/mine").write_text("mine")
    assert run("plugins", "new", "acme").exit_code == 64
    assert [path.name for path in Path("posthouse-acme").iterdir()] == ["mine"]


def test_without_copier_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "copier", None)
    result = run("plugins", "new", "acme")
    assert result.exit_code == 78
    assert 'pip install "posthouse[authors]"' in result.stderr
    assert not Path("posthouse-acme").exists()
