"""What a person at a terminal sees and types: a dialogue without echo, a bar beside clean JSON, tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from posthouse_sandbox import Sandbox

pty = pytest.importorskip("pty", reason="pseudo terminals are a POSIX thing")


class Terminal:
    """The person's end of a pseudo terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.seen = ""

    def wait_for(self, text: str) -> None:
        """Read until the text appears after what was waited for before."""
        start = len(self.seen)
        while text not in self.seen[start:]:
            if not self._read():
                raise AssertionError(f"{text!r} did not appear in {self.seen!r}")

    def answer(self, prompt: str, text: str) -> None:
        self.wait_for(prompt)
        os.write(self._descriptor, f"{text}\n".encode())

    def read_to_the_end(self) -> str:
        while self._read():
            pass
        return self.seen

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux says EIO when the other end was closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@contextmanager
def at_terminal(
    *arguments: str, stdout: IO[Any] | None = None, environment: Mapping[str, str] = {}
) -> Iterator[tuple[subprocess.Popen[bytes], Terminal]]:
    """Run ``posthouse`` at a terminal; stdout may go to a file."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-m", "posthouse.cli", *arguments],
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env=env
        | {"TERM": "xterm-256color", "COLUMNS": "100", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        | dict(environment),
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_an_account_is_described_in_a_dialogue(sandbox: Sandbox, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from posthouse import sealing

    monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())
    door = sandbox.door("starttls-auth")
    settings = [f"transport.port={door.port}", f"transport.ca_file={sandbox.ca_file}"]
    with at_terminal("--config", "posthouse.toml", "accounts", "add", "office", *settings) as (process, terminal):
        terminal.answer("Provider", "")
        terminal.answer("Transport", "starttls")
        terminal.answer("Server", door.host)
        terminal.answer("Sender:", "Anna <anna@sandbox.example>")
        terminal.answer("Sign-in", "password")
        terminal.answer("User name", "")
        terminal.answer("Password:", "geheim-4711")
        terminal.answer("confirmation:", "geheim-4711")
        seen = terminal.read_to_the_end()
        assert process.wait(30) == 0, seen
    assert "geheim" not in seen
    assert "Try it: posthouse test office" in seen
    written = tomllib.loads((work / "posthouse.toml").read_text("utf-8"))["accounts"]["office"]
    assert sealing.unseal(written["auth"].pop("password")) == "geheim-4711"
    assert written["auth"] == {"kind": "password", "username": "anna@sandbox.example"}
    assert written["transport"]["host"] == door.host


def test_a_bar_on_the_terminal_and_json_in_the_file(configured: Sandbox, work: Path) -> None:
    (work / "list.csv").write_text("email\n" + "".join(f"a{n}@example.org\n" for n in range(40)))
    send = ("send", "--account", "smtp-plain", "--recipients", "list.csv", "--text", "x", "--json")
    with (work / "receipts").open("wb") as file, at_terminal(*send, stdout=file) as (process, terminal):
        seen = terminal.read_to_the_end()
        assert process.wait(30) == 0
    assert "40/40" in seen
    assert "message_id" not in seen
    lines = (work / "receipts").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["sent"] * 40


def test_a_person_is_told_what_happened(configured: Sandbox, work: Path) -> None:
    with at_terminal("send", "--account", "starttls-auth", "--to", "ada@example.org", "--text", "x") as (_, terminal):
        seen = terminal.read_to_the_end()
    assert "Sent to 1 recipient through starttls-auth (starttls, TLSv1.3, SCRAM-SHA-256)" in seen
    assert "Message-ID: <" in seen
    with at_terminal("accounts", "list") as (_, terminal):
        seen = terminal.read_to_the_end()
    assert "Account" in seen
    assert "smtps-auth-plain" in seen


def test_errors_are_red(configured: Sandbox) -> None:
    with at_terminal("send", "--account", "smtp-plain", "--to", "unknown@example.org", "--text", "x") as (_, terminal):
        assert "\x1b[31mError" in terminal.read_to_the_end()


def test_nobody_gets_colours_who_wants_none(configured: Sandbox) -> None:
    send = ("send", "--account", "smtp-plain", "--to", "unknown@example.org", "--text", "x")
    with at_terminal(*send, environment={"NO_COLOR": "1"}) as (_, terminal):
        assert "\x1b[" not in terminal.read_to_the_end()
    with at_terminal("test", "smtp-plain", environment={"NO_COLOR": "1"}) as (_, terminal):
        assert "\x1b[" not in terminal.read_to_the_end()


def test_a_link_that_was_not_opened_stands_in_one_piece(configured: Sandbox, tmp_path: Path) -> None:
    message = ("--to", "ada@example.org", "--text", "x" * 300)
    nowhere = {"PATH": str(tmp_path), "DISPLAY": ":0"}
    with at_terminal("compose", "--method", "mailto", *message, environment=nowhere) as (process, terminal):
        seen = terminal.read_to_the_end()
        assert process.wait(30) == 69
    assert f"mailto:ada@example.org?body={'x' * 300}" in seen
    assert "xdg-open is not installed" in seen
