"""`posthouse test`: each check as it comes, then the verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from memory_plugins import memory_transport
from memory_plugins.memory_transport import Box

from posthouse.cli.commands.test import _show
from posthouse.errors import RefusedError, Stage
from posthouse.reports import Check, CheckStatus


def test_the_default_account_is_tested_and_nothing_is_sent(run, box: Box) -> None:
    result = run("test")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok       Open the box (")
    assert lines[1] == "         Seen:      signed in office@example.org office@example.org"
    assert lines[-1] == "The account works."
    assert not box.sent


@pytest.mark.parametrize(
    ("arguments", "recipient"),
    [
        (["main", "--to", "a@b.example"], "a@b.example"),
        (["main", "--to"], "office@example.org"),
        (["--to", "a@b.example", "main"], "a@b.example"),
    ],
)
def test_with_to_a_test_mail_is_sent(run, box: Box, arguments: list[str], recipient: str) -> None:
    result = run("test", *arguments, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["ok"], report["verdict"]) == (0, True, "The account works.")
    assert report["receipt"]["recipients"][0]["address"] == recipient
    assert box.sent[0].envelope.recipients == (recipient,)
    assert {"stage", "title", "status", "duration", "evidence", "cause", "hint"} <= report["checks"][0].keys()


def test_a_failed_check_says_cause_and_next_step(run, box: Box) -> None:
    box.on_connect.append(RefusedError("Not welcome.", stage=Stage.SENDER, hint="Ask the postmaster."))
    result = run("test", "main", "--to")
    assert result.exit_code == 69
    assert "FAILED   Send a test mail to office@example.org" in result.stdout
    assert "Cause:     Not welcome." in result.stdout
    assert "Next step: Ask the postmaster." in result.stdout
    assert result.stdout.splitlines()[-1] == "Send a test mail to office@example.org: Not welcome. Ask the postmaster."


def test_a_missing_password_is_found(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADA_PASSWORD")
    result = run("test", "other")
    assert result.exit_code == 78
    assert "ADA_PASSWORD is not set" in result.stdout


def test_an_unknown_account_is_an_error(run) -> None:
    result = run("test", "mian", "--json")
    assert result.exit_code == 78
    assert json.loads(result.stdout)["error"]["hint"] == "Did you mean 'main'?"


def test_control_characters_of_a_server_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;owned\x07 \u202egnp.exe"
    _show(Check(stage=Stage.GREETING, title="Greeting", status=CheckStatus.WARNING, evidence=evil, cause="a\nb"))
    shown = capsys.readouterr().out
    assert not set(shown) & set("\x1b\x07\u202e")
    assert "         Cause:     a\n                    b\n" in shown


def test_a_broken_plugin_is_an_error(run, monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.delattr(memory_transport, "connect")
    result = run("test")
    assert result.exit_code == 78
    assert "does not implement connect" in result.stderr
