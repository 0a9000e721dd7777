"""Fixtures: a configuration file, and ``posthouse`` run in this process with the memory plugins installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner, Result
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError
from memory_plugins.memory_transport import Box

from posthouse.cli.app import posthouse

Run = Callable[..., Result]

PASSWORD = "geheim-4711"

CONFIGURATION = """\
# Who sends what
default = "main"

[accounts.main]
sender = "Office <office@example.org>"  # everybody reads this
transport = { kind = "memory", box = "main" }

[accounts.other]
label = "The other one"
sender = "other@example.org"
transport = { kind = "memory", box = "main" }
auth = { kind = "password", username = "ada", password = "env:ADA_PASSWORD" }
"""


@pytest.fixture
def file(tmp_path: Path, box: Box, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file in the current folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("ADA_PASSWORD", PASSWORD)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    path = work / "posthouse.toml"
    path.write_text(CONFIGURATION, "utf-8")
    return path


@pytest.fixture
def run(file: Path) -> Run:
    """Run ``posthouse`` with arguments, in the folder of the configuration file."""

    def run(*arguments: str, input: str | bytes | None = None) -> Result:  # noqa: A002 - as CliRunner calls it
        result = CliRunner().invoke(posthouse, list(arguments), input=input, prog_name="posthouse")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.stderr
        assert PASSWORD not in result.output
        return result

    return run


class MemoryKeyring(KeyringBackend):
    """A keyring that forgets."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError


@pytest.fixture
def memory_keyring(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """A keyring of its own for the test."""
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend
