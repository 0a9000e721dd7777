"""`posthouse login`: the page, the code, the browser; and when a sign-in runs out, in `posthouse accounts show`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from memory_plugins.persons import DESK

from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse.providers import Expiry

from ..conftest import Install  # noqa: TID252 - the fixtures of the folder above


@pytest.fixture(autouse=True)
def opened(install: Install, file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let the default account need a person, and note what a browser would open."""
    install("posthouse-persons", role="authenticator", kind="persons", module="memory_plugins.persons")
    text = file.read_text()
    file.write_text(text.replace('box = "main" }\n', 'box = "main" }\nauth = { kind = "persons" }\n', 1))
    urls: list[str] = []
    monkeypatch.setattr("webbrowser.open", urls.append)
    yield urls
    DESK.__init__()  # type: ignore[misc]


def test_a_browser_is_opened(run, opened: list[str]) -> None:
    result = run("login")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["Go to the page.", "Signed in as ada."]
    assert "https://login.example/page" in result.stderr
    assert opened == ["https://login.example/page"]


@pytest.mark.parametrize("option", ["--no-browser", "--device", "--json"])
def test_no_browser_is_opened(run, opened: list[str], option: str) -> None:
    assert run("login", "main", option).exit_code == 0
    assert opened == []
    assert DESK.seen is not None
    assert DESK.seen.device is (option == "--device")


def test_json_has_a_line_for_each_prompt(run) -> None:
    first, last = [json.loads(line) for line in run("login", "--json").stdout.splitlines()]
    assert (first["url"], first["user_code"], first["expires_at"]) == ("https://login.example/page", "ABC", 1e9)
    assert last["message"] == "Signed in as ada."


def test_who_declines_exits_with_not_permitted(run) -> None:
    DESK.error = AuthenticationError("Declined.", code="authentication.declined", hint="Begin it again.")
    result = run("login")
    assert result.exit_code == 77
    assert "Begin it again." in result.stderr


def test_an_account_without_persons_is_a_configuration_error(run) -> None:
    result = run("login", "other")
    assert result.exit_code == 78
    assert "needs no person" in result.stderr


def test_show_says_when_a_sign_in_runs_out(run) -> None:
    DESK.expires = [Expiry(what="client secret", at=2e9)]
    lines = run("accounts", "show", "main").stdout.splitlines()
    (line,) = [line for line in lines if ".expires." in line]
    assert line.split("\t")[:2] == ['accounts.main.auth.expires."client secret"', "2033-05-18"]
    assert "expires" not in run("accounts", "show", "other").stdout


def test_show_shows_what_it_can(run) -> None:
    DESK.error = ConfigurationError("The certificate cannot be used.")
    result = run("accounts", "show", "main")
    assert result.exit_code == 0
    assert "accounts.main.sender" in result.stdout
