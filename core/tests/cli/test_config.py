"""`posthouse config`: everything that is wrong at once, where each value came from, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_check_is_quiet_when_all_is_well(run) -> None:
    result = run("config", "check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert json.loads(run("config", "check", "--json").stdout) == {
        "ok": True,
        "source": "posthouse.toml",
        "problems": [],
        "warnings": [],
    }


def test_check_lists_every_problem_of_plugins_too(run, file: Path) -> None:
    file.write_text(
        '[accounts.a]\ntransport = { kind = "memory", bx = "main", size = 0 }\n'
        '[accounts.b]\ntransport = { kind = "pigeon" }\n'
    )
    result = run("config", "check")
    assert result.exit_code == 78
    for path in ("accounts.a.transport.bx", "accounts.a.transport.size", "accounts.b.transport"):
        assert path in result.stderr
    report = json.loads(run("config", "check", "--json").stdout)
    assert not report["ok"]
    assert {"accounts.a.transport.size", "accounts.b.transport"} <= {problem["path"] for problem in report["problems"]}


def test_check_reports_what_the_file_itself_has(run, file: Path) -> None:
    file.write_text('default = "nobody"\n[accounts.a]\nsendr = "x"\ntransport = { kind = "memory", box = "main" }\n')
    report = json.loads(run("config", "check", "--json").stdout)
    assert {problem["path"] for problem in report["problems"]} == {"default", "accounts.a.sendr"}
    file.write_text("not = = toml")
    assert run("config", "check").exit_code == 78


def test_a_secret_in_the_file_earns_a_warning(run, file: Path) -> None:
    file.write_text(file.read_text().replace('"env:ADA_PASSWORD"', '"geheim-4711"'))
    result = run("config", "check")
    assert result.exit_code == 0
    assert result.stderr.count("accounts.other.auth.password") == 1
    assert json.loads(run("config", "check", "--json").stdout)["warnings"][0]["path"] == "accounts.other.auth.password"


def test_show(run) -> None:
    lines = run("config", "show").stdout.splitlines()
    assert "default\tmain\tposthouse.toml line 2" in lines
    assert "accounts.main.transport.size\t1\tdefault" in lines
    assert "accounts.other.auth.password\tenv:ADA_PASSWORD\tposthouse.toml line 12" in lines
    below = json.loads(run("config", "show", "accounts.other.auth", "--json").stdout)
    assert [entry["path"].rpartition(".")[2] for entry in below] == ["kind", "username", "password"]


def test_show_of_nothing_is_an_error(run) -> None:
    assert run("config", "show", "accounts.nobody").exit_code == 78


def test_path(run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("config", "path").stdout == f"{file}\n"
    assert json.loads(run("config", "path", "--json").stdout)["looked_at"][0] == str(file)
    file.unlink()
    result = run("config", "path")
    assert result.exit_code == 78
    assert str(tmp_path / "home") in result.stderr
    monkeypatch.setenv("POSTHOUSE_CONFIG", str(file))
    assert run("accounts", "list").exit_code == 78


def test_presets(run) -> None:
    lines = run("config", "presets").stdout.splitlines()
    assert "gmail-smtp\tGmail and Google Workspace\tstarttls\tsmtp.gmail.com" in lines
    presets = json.loads(run("config", "presets", "--json").stdout)
    assert len(presets) == len(lines)
    one = json.loads(run("config", "presets", "gmail-smtp", "--json").stdout)
    assert one["transport"]["port"] == 587
    assert "kind = starttls" in run("config", "presets", "gmail-smtp").stdout
    assert run("config", "presets", "gmial").exit_code == 78


def check(run) -> dict[str, str]:
    result = run("config", "check", "--json")
    assert result.exit_code == 78
    return {problem["path"]: problem["message"] for problem in json.loads(result.stdout)["problems"]}


def test_check_reports_the_file_and_the_plugins_together(run, file: Path) -> None:
    file.write_text(
        'default = "nobody"\nunheard = 1\n'
        '[auth.unused]\nkind = "password"\nusername = "ada"\npasword = "x"\n'
        '[accounts.a]\nsendr = "x"\nforce_sender = true\ntransport = { kind = "memory", bx = "main" }\n'
        '[accounts.b]\ntransport = { kind = "pigeon" }\nauth = { kind = "password", usrname = "a", username = "a" }\n'
        '[accounts.c]\ntransport = { kind = "memory", box = "main" }\nauth = "nobody"\n'
    )
    problems = check(run)
    assert set(problems) == {
        "default",
        "unheard",
        "auth.unused.pasword",
        "accounts.a.sendr",
        "accounts.a.force_sender",
        "accounts.a.transport.bx",
        "accounts.a.transport.box",
        "accounts.b.transport",
        "accounts.b.auth.usrname",
        "accounts.c.auth",
    }
    assert "No installed package brings it" in problems["accounts.b.transport"]
    assert problems["accounts.a.transport.bx"].endswith("(line 10)")


def test_check_imports_nothing_where_nobody_can_tell_what_may_run(run, file: Path) -> None:
    file.write_text(
        '[plugins]\ndeny = "posthouse-memory"\n[accounts.a]\ntransport = { kind = "memory", bx = "main" }\n'
    )
    assert set(check(run)) == {"plugins.deny"}


def test_check_reports_a_shared_sign_in_once_and_a_missing_requirement(run, file: Path) -> None:
    account = 'transport = { kind = "memory", box = "main" }\nauth = "shared"\n'
    shared = '[auth.shared]\nkind = "password"\nusername = "ada"\npasword = "x"\n'
    file.write_text(f"{shared}[accounts.a]\n{account}[accounts.b]\n{account}")
    report = json.loads(run("config", "check", "--json").stdout)
    assert [problem["path"] for problem in report["problems"]].count("auth.shared.pasword") == 1
    file.write_text('sendr = 1\n[plugins]\nrequire = ["posthouse-nowhere"]\nextensions = ["nothing"]\n')
    assert set(check(run)) == {"sendr", "plugins.require"}
    file.write_text(f'[plugins]\nextensions = ["nothing"]\n{shared}[accounts.a]\n{account}')
    assert set(check(run)) == {"plugins.extensions", "auth.shared.pasword"}


def test_an_unknown_key_is_told_only_keys_that_exist(run, file: Path) -> None:
    file.write_text('[accounts.a]\nzzz = 1\nname = "a"\ntransport = { kind = "memory", box = "main" }\n')
    problems = check(run)
    assert "known here: transport, auth, label" in problems["accounts.a.zzz"]
    assert problems["accounts.a.name"].startswith("unknown key; the account's name stands in [accounts.NAME]")
