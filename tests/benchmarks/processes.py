"""The contenders' processes: started before the first round, asked once per round, ended after the last."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from .cases import Entry, Op
from .samples import Sample
from .sinks import ROOT
from .transcript import Copy
from .verification import verify, verify_verbatim

__all__ = ["BrokenContenderError", "Contender", "Measured", "missing", "start"]

NODEMAILER = Path(__file__).with_name("nodemailer")
PATIENCE = 120.0  # seconds
NEEDS = {"django_backend": "django", "redmail_client": "redmail", "aiosmtplib_client": "aiosmtplib"}


@dataclass(frozen=True)
class Measured:
    """What one batch took: seconds, seconds of CPU, seconds of each message; or bytes of memory."""

    count: int
    wall: float = 0.0
    cpu: float = 0.0
    each: tuple[float, ...] = ()
    peak: int = 0


class BrokenContenderError(Exception):
    """A contender failed; what it said went to standard error."""


class Contender(Protocol):
    """A client that is ready to send."""

    def run(self, op: Op, count: int) -> Measured:
        """Send that many new messages."""

    def verify(self, copies: Iterator[Copy]) -> int:
        """Check the server's copies of what was sent since the last call; return how many there are.

        Raises:
            WrongCopyError: they are not what was sent.
        """

    def close(self) -> None:
        """End."""


def missing(entry: Entry) -> str:
    """Return why a contender cannot take part, in words; empty if it can."""
    if entry.client == "smtp-source":
        return "" if _smtp_source() else "smtp-source is not installed (Debian's package postfix has it)"
    if entry.client == "nodemailer":
        return _install_nodemailer()
    needed = "pybase64" if entry.options.get("pybase64") else NEEDS.get(entry.client)
    return f"the package {needed} is not installed" if needed and find_spec(needed) is None else ""


def start(entry: Entry, sample: Sample, port: int, ca: str, folder: Path) -> Contender:
    """Start a contender's process and open its connections."""
    if entry.client == "smtp-source":
        return SmtpSource(entry, sample, port, folder)
    if entry.client == "nodemailer":
        command = ["node", str(NODEMAILER / "client.js")]
    else:
        command = [sys.executable, "-m", "tests.benchmarks.contenders.client", entry.client]
    job = {"sample": sample.as_json(), "port": port, "ca": ca, "connections": entry.connections}
    return Worker(entry.label, command, sample, {**job, "options": dict(entry.options)})


class Worker:
    def __init__(self, label: str, command: list[str], sample: Sample, job: dict[str, Any]) -> None:
        self._label = label
        self._sample = sample
        self._next = 0
        self._verified = 0
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT
        )
        self._write(job)

    def run(self, op: Op, count: int) -> Measured:
        self._write({"op": op.value, "first": self._next, "count": count})
        self._next += count
        answer = self._read()
        return Measured(count, **{**answer, "each": tuple(answer.get("each", ()))})

    def verify(self, copies: Iterator[Copy]) -> int:
        numbers = range(self._verified, self._next)
        self._verified = self._next
        return verify(self._sample, numbers, copies)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _write(self, value: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(value) + "\n")
        except BrokenPipeError as error:
            raise BrokenContenderError("its process ended") from error

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self._process.kill()
            raise BrokenContenderError("its process ended" if ready else f"it took longer than {PATIENCE:g} s")
        answer: dict[str, Any] = json.loads(line)
        return answer


class SmtpSource:
    """Postfix's smtp-source: one process per batch, all messages alike, rendered beforehand."""

    def __init__(self, entry: Entry, sample: Sample, port: int, folder: Path) -> None:
        self._content = f"From: {sample.sender[1]}\nSubject: {sample.subject}\n\n{sample.text}".encode("ascii")
        path = folder / "smtp-source.eml"
        path.write_bytes(self._content)
        self._recipients = len(sample.recipients)
        self._sent = 0
        program = _smtp_source()
        assert program is not None
        recipients = ("-r", str(self._recipients)) if self._recipients > 1 else ()
        self._before = [program, "-d", "-s", str(entry.connections), "-F", str(path), *recipients]
        self._after = ["-f", sample.sender[1], "-t", "reader@example.org", f"127.0.0.1:{port}"]

    def run(self, op: Op, count: int) -> Measured:
        assert op is Op.SEND
        self._sent += count
        began = time.perf_counter()
        process = subprocess.Popen([*self._before, "-m", str(count), *self._after])
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise BrokenContenderError(f"it ended with exit code {process.returncode}")
        return Measured(count, wall, used.ru_utime + used.ru_stime)

    def verify(self, copies: Iterator[Copy]) -> int:
        count, self._sent = self._sent, 0
        return verify_verbatim(self._content, count, self._recipients, copies)

    def close(self) -> None:
        pass


@cache
def _smtp_source() -> str | None:
    return shutil.which("smtp-source", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))


@cache
def _install_nodemailer() -> str:
    """Install Nodemailer beside its lock, unless that was done; return why it cannot be, in words."""
    if (NODEMAILER / "node_modules" / "nodemailer").is_dir():
        return ""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return "Node.js with npm is not installed"
    done = subprocess.run(["npm", "ci"], cwd=NODEMAILER, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"npm ci failed: {done.stderr.strip().splitlines()[-1:]}"
