"""What somebody new does: describe an account, test it, send; and what the test says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from posthouse_sandbox import Sandbox


def add(posthouse, sandbox: Sandbox, *more: str):
    door = sandbox.door("starttls-auth")
    return posthouse(
        *("accounts", "add", "office", "--transport", "starttls", "--host", door.host, "--port", str(door.port)),
        *("--sender", "Anna <anna@sandbox.example>", "--username", "anna@sandbox.example"),
        *("--password-file", str(sandbox.directory / "passwords" / "anna@sandbox.example"), *more),
    )


def test_add_test_send(posthouse, sandbox: Sandbox, work: Path) -> None:
    assert add(posthouse, sandbox, f"transport.ca_file={sandbox.ca_file}", "--json").returncode == 0
    assert posthouse("config", "check").stderr == ""
    assert posthouse("secrets", "check").stdout.split("\t")[2] == "ok"
    report = posthouse("test", "office", "--to", "--json")
    assert report.returncode == 0, report.stdout
    stages = [check["stage"] for check in json.loads(report.stdout)["checks"]]
    assert stages.index("connect") < stages.index("tls") < stages.index("authentication") < stages.index("recipient")
    sent = posthouse("send", "--to", "ada@example.org", "--subject", "Hello", "--text", "It works.")
    assert (sent.returncode, sent.stdout, sent.stderr) == (0, "", "")
    assert [received.recipients for received in sandbox.inbox.messages] == [
        ("anna@sandbox.example",),
        ("ada@example.org",),
    ]


def test_the_test_names_cause_and_next_step(posthouse, sandbox: Sandbox) -> None:
    assert add(posthouse, sandbox).returncode == 0
    result = posthouse("test", "office")  # the certificate's authority is not named
    assert result.returncode == 76
    assert "FAILED" in result.stdout
    assert "ca_file" in result.stdout
    assert len(sandbox.inbox) == 0


def test_verbose_logs_no_password(posthouse, configured: Sandbox) -> None:
    passwords = [file.read_text() for file in (configured.directory / "passwords").iterdir()]
    result = posthouse("-v", "send", "--account", "starttls-auth-plain", "--to", "ada@example.org", "--text", "x")
    assert result.returncode == 0
    import base64

    for password in passwords:
        encoded = base64.b64encode(f"\0anna@sandbox.example\0{password}".encode()).decode()
        assert password not in result.stderr
        assert encoded not in result.stderr
