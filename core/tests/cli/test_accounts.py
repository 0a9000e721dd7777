"""`posthouse accounts`: every edit is checked before it is written, comments stay, no secret is an argument."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from posthouse.cli import account_form
from posthouse.cli.commands import accounts
from posthouse.cli.prompts import can_ask


def account(file: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))["accounts"][name]
    return found


def test_list(run) -> None:
    assert run("accounts", "list").stdout.splitlines() == [
        "main\tmemory\t\tOffice <office@example.org>\tnone\tdefault",
        "other\tmemory\t\tother@example.org\tpassword\t",
    ]
    first, second = json.loads(run("accounts", "list", "--json").stdout)
    assert (first["name"], first["default"], second["label"], second["enabled"]) == (
        "main",
        True,
        "The other one",
        True,
    )


def test_show_says_where_each_value_came_from_and_hides_secrets(run, file: Path) -> None:
    file.write_text(file.read_text().replace('"env:ADA_PASSWORD"', '"geheim-4711"'))
    result = run("accounts", "show", "other")
    assert "accounts.other.sender\tother@example.org\tposthouse.toml line 10" in result.stdout
    assert "accounts.other.auth.password\t***\t" in result.stdout
    assert "accounts.main" not in result.stdout
    entries = {entry["path"]: entry for entry in json.loads(run("accounts", "show", "main", "--json").stdout)}
    assert entries["accounts.main.delivery.connections"] == {
        "path": "accounts.main.delivery.connections",
        "value": 1,
        "origin": "default",
    }


def test_a_shared_sign_in_is_shown_with_the_account(run, file: Path) -> None:
    text = file.read_text().replace('auth = { kind = "password", username = "ada", password = "env:ADA_PASSWORD" }', "")
    file.write_text(text + 'auth = "shared"\n[auth.shared]\nkind = "password"\nusername = "eve"\n')
    assert "auth.shared.username\teve\t" in run("accounts", "show", "other").stdout


@pytest.mark.parametrize("command", [["show"], ["edit"], ["remove"], ["default"]])
def test_an_unknown_account_is_an_error(run, command: list[str]) -> None:
    more = ["label=x"] if command == ["edit"] else []
    result = run("accounts", *command, "nobody", *more)
    assert result.exit_code == 78
    assert "no account 'nobody'; accounts: main, other" in result.stderr


def test_add_writes_what_the_options_say(run, file: Path) -> None:
    before = file.read_text()
    result = run(
        *("accounts", "add", "new", "--transport", "memory", "transport.box=main", "--sender", "Büro <b@example.org>"),
        *("--label", "Neu", "--username", "ada", "--password-env", "ADA_PASSWORD", "delivery.per_minute=30"),
    )
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert account(file, "new") == {
        "label": "Neu",
        "sender": "Büro <b@example.org>",
        "transport": {"kind": "memory", "box": "main"},
        "auth": {"kind": "password", "username": "ada", "password": "env:ADA_PASSWORD"},
        "delivery": {"per_minute": 30},
    }
    assert file.read_text().startswith(before.rstrip("\n"))
    assert run("send", "--account", "new", "--to", "a@b.example", "--text", "x").exit_code == 0


def test_the_first_account_makes_the_file_and_is_the_default(run, file: Path) -> None:
    new = file.with_name("new.toml")
    options = ["--transport", "memory", "transport.box=main", "--sender", "a@example.org"]
    result = run("--config", str(new), "accounts", "add", "first", *options, "--json")
    assert json.loads(result.stdout) == {"account": "first", "path": str(new)}
    assert tomllib.loads(new.read_text())["default"] == "first"
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_without_a_file_the_users_own_is_made(run, file: Path, tmp_path: Path) -> None:
    file.unlink()
    run("accounts", "add", "first", "--transport", "memory", "transport.box=main")
    assert run("config", "path").stdout.strip() == str(tmp_path / "home" / "posthouse" / "posthouse.toml")


def test_an_unknown_preset_is_an_error(run, file: Path) -> None:
    result = run("accounts", "add", "new", "--preset", "no-such-preset")
    assert result.exit_code == 78
    assert "no preset 'no-such-preset'" in result.stderr
    assert "new" not in tomllib.loads(file.read_text())["accounts"]


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["main", "--transport", "memory"], 78, "There is an account 'main' already"),
        (["new"], 64, "--preset or --transport"),
        (["new", "--transport", "memory"], 78, "accounts.new.transport.box: missing"),
        (["new", "--transport", "memory", "transport.box=main", "transport.size=0"], 78, "accounts.new.transport.size"),
        (["new", "--transport", "memory", "transport.box=main", "transport.sice=1"], 78, "did you mean 'size'?"),
        (["new", "--transport", "carrier-pigeon"], 78, "No installed package brings it"),
        (["new", "--transport", "memory", "transport.box=main", "--sender", "nobody"], 78, "accounts.new.sender"),
        (["new", "--transport", "memory", "transport.box=main", "sendre=x@y.example"], 78, "did you mean 'sender'?"),
        (["new", "--transport", "memory", "transport.box=main", "--auth", "pasword"], 78, "'pasword'"),
        (["new", "--transport", "memory", "--port", "99999"], 64, "99999"),
        (["new", "--transport", "memory", "--password-env", "A", "--password-file", "B"], 64, "only one"),
        (["new", "--transport", "memory", "geheim-4711"], 64, "Argument 1"),
        (["new", "--transport", "memory", "transport=x", "transport.box=y"], 64, "'transport'"),
    ],
)
def test_what_cannot_work_is_not_written(run, file: Path, arguments: list[str], code: int, complaint: str) -> None:
    before = file.read_bytes()
    result = run("accounts", "add", *arguments)
    assert result.exit_code == code, result.stderr
    assert complaint in result.stderr
    assert file.read_bytes() == before


@pytest.mark.parametrize("argument", ["auth.password=geheim-4711", 'auth={kind="password", password="geheim-4711"}'])
@pytest.mark.parametrize("command", [["add", "new", "--transport", "memory", "transport.box=main", "auth.username=a"],
                                     ["edit", "other"]])  # fmt: skip
def test_a_secret_is_never_an_argument(run, file: Path, command: list[str], argument: str) -> None:
    before = file.read_bytes()
    if argument.startswith("auth={"):
        command = [word for word in command if not word.startswith("auth.")]
    result = run("accounts", *command, argument)
    assert result.exit_code == 78
    assert "visible to others" in result.stderr
    assert "--password" in result.stderr
    assert file.read_bytes() == before


def test_edit_keeps_comments_and_order(run, file: Path) -> None:
    before = file.read_text()
    result = run("accounts", "edit", "main", "label=Das Büro", "transport.size=3", "delivery.connections=2")
    assert result.exit_code == 0, result.stderr
    assert account(file, "main") == {
        "sender": "Office <office@example.org>",
        "transport": {"kind": "memory", "box": "main", "size": 3},
        "label": "Das Büro",
        "delivery": {"connections": 2},
    }
    after = file.read_text()
    for comment in ("# Who sends what", "# everybody reads this"):
        assert comment in before
        assert comment in after
    run("accounts", "edit", "main", "--unset", "label", "--unset", "delivery", "transport.size=1")
    assert "label" not in account(file, "main")
    assert "delivery" not in account(file, "main")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 64),
        (["label"], 64),
        (["transport.size=many"], 78),
        (["transport.kind=nothing"], 78),
        (["--unset", "transport"], 78),
        (["enabled=perhaps"], 78),
    ],
)
def test_a_bad_edit_changes_nothing(run, file: Path, arguments: list[str], code: int) -> None:
    before = file.read_bytes()
    assert run("accounts", "edit", "main", *arguments).exit_code == code
    assert file.read_bytes() == before


def test_an_old_problem_elsewhere_does_not_stop_an_edit(run, file: Path) -> None:
    file.write_text(file.read_text() + '\n[accounts.broken]\ntransport = { kind = "carrier-pigeon" }\n')
    assert run("accounts", "edit", "main", "label=x").exit_code == 0
    assert run("accounts", "remove", "broken").exit_code == 0


def test_remove(run, file: Path) -> None:
    result = run("accounts", "remove", "main")
    assert result.exit_code == 78
    assert "default" in result.stderr
    assert run("accounts", "default", "other").exit_code == 0
    assert json.loads(run("accounts", "remove", "main", "--json").stdout)["account"] == "main"
    assert list(tomllib.loads(file.read_text())["accounts"]) == ["other"]


def test_default(run) -> None:
    assert run("accounts", "default").stdout == "main\n"
    assert run("accounts", "default", "other").exit_code == 0
    chosen = json.loads(run("accounts", "default", "--json").stdout)
    assert chosen == {"account": "other", "reason": "the default"}


# --- with a person at the terminal ------------------------------------------------------------------------------------


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is there to answer."""
    for module in (accounts, account_form):
        if hasattr(module, "can_ask"):
            monkeypatch.setattr(module, "can_ask", lambda: True)


@pytest.mark.usefixtures("person")
def test_a_person_is_asked_for_what_is_missing(run, file: Path, memory_keyring) -> None:
    answers = [
        "no-provider",
        "",
        "memory",
        "main",
        "Ada <ada@example.org>",
        "password",
        "",
        "geheim-4711",
        "geheim-4711",
    ]
    result = run("accounts", "add", "new", input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert account(file, "new") == {
        "sender": "Ada <ada@example.org>",
        "transport": {"kind": "memory", "box": "main"},
        "auth": {"kind": "password", "username": "ada@example.org", "password": "keyring:posthouse/new"},
    }
    assert memory_keyring.entries == {("posthouse", "new"): "geheim-4711"}


@pytest.mark.usefixtures("person")
def test_where_no_password_can_be_kept_its_place_is_asked(run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.keyrings.write", refuse)
    monkeypatch.setattr("posthouse.keyrings.read", refuse)
    options = ["--transport", "memory", "transport.box=main", "--sender", "a@b.example", "--auth", "password"]
    answers = ["", "geheim-4711", "geheim-4711", "oops", "env:", "env:ADA_PASSWORD"]
    result = run("accounts", "add", "new", *options, input="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert account(file, "new")["auth"]["password"] == "env:ADA_PASSWORD"


@pytest.mark.usefixtures("person")
def test_what_the_options_say_is_not_asked(run, file: Path) -> None:
    result = run(
        *("accounts", "add", "new", "--transport", "memory", "transport.box=main", "--sender", "a@b.example"),
        *("--auth", "none"),
        input="",
    )
    assert result.exit_code == 0, result.output
    assert account(file, "new")["auth"] == {"kind": "none"}


@pytest.mark.usefixtures("person")
def test_no_answer_changes_nothing(run, file: Path) -> None:
    before = file.read_bytes()
    result = run("accounts", "add", "new", input="")
    assert result.exit_code == 130
    assert file.read_bytes() == before


def test_without_a_keyring_the_password_is_sealed(run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from posthouse import sealing

    monkeypatch.setattr("posthouse.keyrings.write", refuse)
    monkeypatch.setattr("posthouse.keyrings.read", refuse)
    result = run("accounts", "edit", "other", "--password", input="geheim-4711\ngeheim-4711\n")
    assert result.exit_code == 78
    assert "secrets new-key --print" in result.stderr
    monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())
    assert run("accounts", "edit", "other", "--password", input="geheim-4711\ngeheim-4711\n").exit_code == 0
    assert sealing.unseal(account(file, "other")["auth"]["password"]) == "geheim-4711"


def refuse(*arguments: str) -> None:
    from posthouse.errors import ConfigurationError

    raise ConfigurationError("The keyring cannot be used.", code="secret.keyring")


@pytest.mark.usefixtures("person")
def test_remove_asks_a_person(run, file: Path) -> None:
    run("accounts", "default", "other")
    before = file.read_bytes()
    assert run("accounts", "remove", "main", input="n\n").exit_code == 130
    assert file.read_bytes() == before
    assert run("accounts", "remove", "main", "--yes").exit_code == 0


def test_in_a_pipe_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert not can_ask()
