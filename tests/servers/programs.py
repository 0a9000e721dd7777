"""Start a server program as a process of our own, know when it answers, and stop it by its process id."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import string
import subprocess
import time
from pathlib import Path
from typing import Self

START_ATTEMPTS = 3
START_SECONDS = 20.0
STOP_SECONDS = 10.0
LOG_SECONDS = 20.0
TEMPLATES = Path(__file__).parent / "templates"


def free_ports(names: list[str]) -> dict[str, int]:
    """One free loopback port per name; all are held at once, so that no two names get the same one."""
    with contextlib.ExitStack() as held:
        ports = {}
        for name in names:
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            ports[name] = listener.getsockname()[1]
        return ports


def render(template: str, target: Path, **values: object) -> None:
    """Write a template's text to *target*; `@{name}` is a placeholder, since `$` means something to the servers."""

    class AtTemplate(string.Template):
        delimiter = "@"

    target.write_text(AtTemplate((TEMPLATES / template).read_text("utf-8")).substitute(values), "utf-8")


def folder(path: Path, *, user: str = "root", group: str | None = None, mode: int = 0o755) -> Path:
    """Make a folder that belongs to *user*, whatever the umask is."""
    path.mkdir(parents=True, exist_ok=True)
    shutil.chown(path, user, group)
    path.chmod(mode)
    return path


class ServerProgram:
    """A server in the foreground, in a session of its own: a signal to its group reaches all of it and nothing else."""

    name: str
    home: Path
    ports: dict[str, int]

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log_files(self) -> list[Path]:
        """Where the server, and what it prints before it has a log, can be read."""
        raise NotImplementedError

    def configure(self) -> list[str]:
        """Find free ports and write the configuration; returns the command that starts the server in the foreground."""
        raise NotImplementedError

    def run_as(self) -> str | None:
        """The user to start as; None keeps the tests' own (root, for servers that drop privileges themselves)."""
        return None

    def answers(self) -> bool:
        """Whether the server says that it holds its ports (somebody else might), and each accepts a connection."""
        if "daemon started" not in self.log_since(0):
            return False
        for port in self.ports.values():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                return False
        return True

    def start(self) -> None:
        """Configure, start and wait until the server answers; a server that does not start shows its logs.

        Somebody else may take a port between the moment it was found free and the moment the server asks for it; not
        every server says so in its log, so whatever was the reason, it is tried again with other ports.
        """
        for attempt in range(START_ATTEMPTS):
            try:
                self._start_once()
            except RuntimeError:
                if attempt == START_ATTEMPTS - 1:
                    raise
            else:
                return

    def _start_once(self) -> None:
        command = self.configure()
        user = self.run_as()
        with (self.home / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                state = self._process.poll()
                self.stop()
                raise RuntimeError(f"{self.name} did not start (exit status {state}).\n{self.logs()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server and every process of its session, and wait for them to be gone."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                break

    def logs(self, lines: int = 60) -> str:
        """The end of every log, for a failed test's report."""
        texts = []
        for path in [*self.log_files, self.home / "output.log"]:
            if path.exists() and path.stat().st_size:
                tail = path.read_text("utf-8", "replace").splitlines()[-lines:]
                texts.append(f"----- {self.name}: {path.name}\n" + "\n".join(tail))
        return "\n".join(texts)

    def log_position(self) -> int:
        """Where the server's log ends now, for a search in what comes after."""
        path = self.log_files[0]
        return path.stat().st_size if path.exists() else 0

    def wait_for_log(self, pattern: str, start: int = 0) -> list[re.Match[str]]:
        """Wait until the server's log, from byte *start* on, matches *pattern*; every match up to then."""
        deadline = time.monotonic() + LOG_SECONDS
        while True:
            text = self.log_since(start)
            if found := list(re.finditer(pattern, text, re.MULTILINE)):
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} did not log {pattern!r} within {LOG_SECONDS} s")
            time.sleep(0.02)

    def log_since(self, start: int) -> str:
        """What the server has logged from byte *start* on."""
        path = self.log_files[0]
        return path.read_bytes()[start:].decode("utf-8", "replace") if path.exists() else ""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
