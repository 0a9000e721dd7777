"""``posthouse plugins new``: a transport to begin from."""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from pathlib import Path

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
    assert "cd elsewhere; " in result.stdout
    assert Path("elsewhere/src/posthouse_acme_api/__init__.py").is_file()


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
