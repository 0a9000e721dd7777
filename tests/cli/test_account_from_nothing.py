"""What somebody new does: describe an account, test it, send; and what the test says when something is wrong."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
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
    said = result.stderr
    for line in (
        "account 'starttls-auth-plain', chosen by the account that was named",
        "C: AUTH PLAIN ***",
        "C: RCPT TO:<ada@example.org>",
        "account 'starttls-auth-plain': connection opened by starttls (security TLSv1.3, authentication PLAIN)",
        "sent, 1 of 1 recipient(s) accepted: 250",
        "connection closed after 1 message(s)",
    ):
        assert line in said


def test_the_list_shows_the_port_and_the_shell_where_a_new_file_is(posthouse, work: Path) -> None:
    screen, terminal = os.openpty()
    command = [sys.executable, "-m", "posthouse.cli", "accounts", "add", "relay", "--transport", "smtp"]
    done = subprocess.run(
        [*command, "--host", "relay.example"],
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=60,
        check=True,
    )
    os.close(terminal)
    said = os.read(screen, 65536).decode()
    os.close(screen)
    assert done.stdout == b""
    created = re.sub(r"\x1b\[[0-9;]*m|\s", "", said)
    file = work.parent / "home" / "posthouse" / "posthouse.toml"
    assert created == f"Created{file},readablebyyoualone."
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert posthouse("accounts", "list").stdout == "relay\tsmtp\trelay.example:25\t\tnone\tdefault\n"
    again = posthouse("accounts", "add", "second", "--transport", "smtps", "--host", "two.example", "--json")
    assert json.loads(again.stdout) == {"account": "second", "path": str(file)}
    assert json.loads(posthouse("accounts", "list", "--json").stdout)[1]["server"] == "two.example:465"
