"""`posthouse demo` as a person starts it, through every transport of the workspace."""

import json
import re
import subprocess
import sys
import tomllib
from email import message_from_bytes
from pathlib import Path

import pytest

from posthouse_sandbox.demo.run import installed_transports
from posthouse_sandbox.demo.sample import SAMPLE


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "posthouse.cli", "demo", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, check=False)


SMTP = {
    "smtp": ("smtp", "TLSv1.3", "none"),
    "smtp-auth": ("smtp", "TLSv1.3", "SCRAM-SHA-256"),
    "smtp-auth-xoauth2": ("smtp", "TLSv1.3", "XOAUTH2"),
    "smtp-plain": ("smtp", "none", "none"),
    "smtp-plain-auth": ("smtp", "none", "SCRAM-SHA-256"),
    "starttls": ("starttls", "TLSv1.3", "none"),
    "starttls-auth": ("starttls", "TLSv1.3", "SCRAM-SHA-256"),
    "starttls-auth-xoauth2": ("starttls", "TLSv1.3", "XOAUTH2"),
    "exchange": ("starttls", "TLSv1.3", "LOGIN"),
    "exchange-xoauth2": ("starttls", "TLSv1.3", "XOAUTH2"),
    "smtps": ("smtps", "TLSv1.3", "none"),
    "smtps-auth": ("smtps", "TLSv1.3", "SCRAM-SHA-256"),
    "smtps-auth-xoauth2": ("smtps", "TLSv1.3", "XOAUTH2"),
}


MICROSOFT = {"graph", "ews"}
"""What has stand-ins of its own, with as many accounts as they like."""


ELSEWHERE = {"mapi": "it works on Windows only; here it can be configured, and nothing else"}
"""What needs another system, with the reason that the demo gives."""
SAID = "".join(f"Not exercised: transport {kind}, because {reason}.\n" for kind, reason in ELSEWHERE.items())


def test_transports_are_those_that_the_core_discovers() -> None:
    assert installed_transports() == dict.fromkeys(["smtp", "smtps", "starttls", *MICROSOFT], "") | ELSEWHERE


def test_every_message_arrives_intact_and_stays_where_it_says(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, SAID)
    head, *rows, verdict, messages, configuration = done.stdout.splitlines()
    assert head.split() == ["Account", "Transport", "Security", "Authentication", "Reply", "Time"]
    assert verdict == f"{len(rows)} of {len(rows)} messages arrived intact."
    found = [re.split(r" {2,}", row) for row in rows]
    assert {row[0]: tuple(row[1:4]) for row in found if row[1] not in MICROSOFT} == SMTP
    assert {row[4] for row in found if row[1] not in MICROSOFT} == {"250 2.0.0"}
    assert {row[1] for row in found} >= MICROSOFT
    assert {row[2] for row in found if row[1] in MICROSOFT} == {"TLSv1.3"}
    assert all(row[-1].endswith("s") for row in found)

    folder = tmp_path / "posthouse-demo"
    assert messages == f"Received messages: {folder / 'inbox'}"
    assert configuration == f"Configuration:     {folder / 'posthouse.toml'}"
    accounts = tomllib.loads((folder / "posthouse.toml").read_text("utf-8"))["accounts"]
    assert list(accounts) == [row[0] for row in found]
    copies = [message_from_bytes(path.read_bytes()) for path in (folder / "inbox").glob("*.eml")]
    assert len(copies) == len(rows)
    assert all(len(list(copy.walk())) >= 6 for copy in copies)


def test_json_says_the_same(tmp_path: Path) -> None:
    done = run("--directory", "here", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["intact"] is True
    assert report["not_exercised"] == [{"transport": kind, "reason": reason} for kind, reason in ELSEWHERE.items()]
    assert report["directory"] == str(tmp_path / "here")
    found = {
        each["account"]: (each["transport"], each["security"], each["authentication"]) for each in report["messages"]
    }
    assert {name: facts for name, facts in found.items() if facts[0] not in MICROSOFT} == SMTP
    for each in report["messages"]:
        assert each["outcome"] == "sent"
        assert [recipient["address"] for recipient in each["recipients"]] == list(SAMPLE.recipients)
        assert Path(each["file"]).parent == tmp_path / "here" / "inbox"
        assert each["message_id"].encode() in Path(each["file"]).read_bytes()


@pytest.mark.parametrize("spoil", ["file", "theirs"])
def test_directory_that_cannot_be_used_is_a_clear_error(tmp_path: Path, spoil: str) -> None:
    directory = tmp_path / "here"
    if spoil == "file":
        directory.write_text("a file")
    else:
        directory.mkdir()
        (directory / "posthouse.toml").write_text('default = "office"\n')
    done = run("--directory", "here", cwd=tmp_path)
    assert done.returncode in (64, 78)
    assert "here" in done.stderr
    assert "Internal error" not in done.stderr
    assert "Traceback" not in done.stderr
    if spoil == "theirs":
        assert "posthouse demo --directory DIRECTORY" in done.stderr
        assert (directory / "posthouse.toml").read_text() == 'default = "office"\n'


BROKEN = """
import sys
from attrs import evolve
from posthouse import AsyncMailer
from posthouse.cli.app import posthouse

send = AsyncMailer.send

async def send_changed(self, message, **route):
    if route["account"] == "smtps":
        message = evolve(message, subject="Something else", bcc=())
    return await send(self, message, **route)

AsyncMailer.send = send_changed
posthouse.main(sys.argv[1:], "posthouse")
"""


def test_message_that_is_changed_on_its_way_makes_the_demo_fail(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", BROKEN, "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 70
    verdict = re.search(r"^(\d+) of (\d+) messages arrived intact\.$", done.stdout, re.MULTILINE)
    assert verdict is not None
    assert int(verdict[1]) == int(verdict[2]) - 1
    assert "smtps: Subject: " in done.stderr
    assert "smtps: envelope recipients: " in done.stderr
