"""The configuration is looked for where the user said, and the error says where that was."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.config import candidates, find
from posthouse.errors import ConfigurationError


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def test_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = write(candidates()[-1])
    assert users.is_relative_to(tmp_path)
    assert find() == users
    write(tmp_path / "posthouse.toml")
    assert find() == Path("posthouse.toml")
    named = write(tmp_path / "named.toml")
    monkeypatch.setenv("POSTHOUSE_CONFIG", str(named))
    assert find() == named
    given = write(tmp_path / "given.toml")
    assert find(given) == given


def test_what_is_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "posthouse.toml")
    monkeypatch.setenv("POSTHOUSE_CONFIG", "missing.toml")
    for attempt in (find, lambda: find("missing.toml")):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert caught.value.code == "configuration.not-found"
        assert str(tmp_path / "missing.toml") in str(caught.value)


def test_error_lists_all_places(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find()
    for place in candidates():
        assert str(place.absolute()) in str(caught.value)


def test_empty_variable_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "posthouse.toml")
    monkeypatch.setenv("POSTHOUSE_CONFIG", "")
    assert find() == Path("posthouse.toml")
