"""Fixtures: ``posthouse`` as a process of its own, the sandbox's servers, and servers that misbehave on purpose."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from posthouse_esmtp.testing import ScriptedServer
from posthouse_sandbox import Sandbox

Posthouse = Callable[..., "subprocess.CompletedProcess[str]"]
Scripted = Callable[..., ScriptedServer]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and no configuration anywhere."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def posthouse(work: Path) -> Posthouse:
    """Run ``posthouse`` in a process of its own; no traceback and no warning may come of it."""

    def posthouse(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "posthouse.cli", *arguments]
        env = os.environ | {"PYTHONIOENCODING": "utf-8"}
        result = subprocess.run(
            command, cwd=work, env=env, input=text, capture_output=True, encoding="utf-8", timeout=60, check=False
        )
        assert "Traceback" not in result.stderr
        assert "Internal error" not in result.stderr
        return result

    return posthouse


@pytest.fixture
def configured(work: Path, sandbox: Sandbox) -> Sandbox:
    """A running sandbox, and its configuration in the current folder."""
    (work / "posthouse.toml").write_text(sandbox.configuration(), "utf-8")
    return sandbox


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Start scripted servers, on a loop in a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers: list[ScriptedServer] = []

    def start(**options: Any) -> ScriptedServer:
        server = ScriptedServer(**options)
        servers.append(asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result())
        return server

    try:
        yield start
    finally:
        for server in servers:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def account(work: Path) -> Callable[..., Path]:
    """Write a configuration with one account for a server."""

    def account(server: ScriptedServer, more: str = "") -> Path:
        transport = f'{{ kind = "smtp", host = "{server.host}", port = {server.port}, command_timeout = 20 }}'
        path = work / "posthouse.toml"
        path.write_text(f'{more}\n[accounts.main]\nsender = "office@example.org"\ntransport = {transport}\n')
        return path

    return account


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let a process started by the test be interrupted, though the tests may run as a shell's background job."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
