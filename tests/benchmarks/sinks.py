"""The servers that are sent to, and their copies of what they received."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path
from typing import Protocol

import trustme

from .transcript import Copy, messages

__all__ = ["Sink", "delayed", "postfix_sink", "recording_sink"]

ROOT = Path(__file__).resolve().parents[2]
CAPACITY = 1024 * 1024 * 1024  # octets of one connection
START_SECONDS = 10.0


class Sink(Protocol):
    """A server that is running."""

    port: int
    ca: str

    def take(self) -> Iterator[Copy]:
        """Yield what was received since the last call. Nothing must be under way."""

    def forget(self) -> None:
        """Drop what was received since the last call."""


@contextmanager
def recording_sink(folder: Path, *, tls: bool = False) -> Iterator[Sink]:
    """Run `sink.c`, which offers SIZE and CHUNKING.

    Raises:
        OSError, subprocess.CalledProcessError: there is no C compiler, or no OpenSSL to compile with.
    """
    program = folder / "sink"
    source = Path(__file__).with_name("sink.c")
    if not program.exists():
        subprocess.run(["cc", "-O2", "-o", program, source, "-lssl", "-lcrypto", "-lpthread"], check=True)
    copies = folder / f"copies-{time.monotonic_ns()}"
    copies.mkdir()
    command = [str(program), str(copies), str(CAPACITY), *(_certificate(folder) if tls else ())]
    with _running(command) as process:
        assert process.stdout is not None
        yield RecordingSink(int(process.stdout.readline()), str(folder / "ca.pem") if tls else "", copies)
    shutil.rmtree(copies)


class RecordingSink:
    def __init__(self, port: int, ca: str, copies: Path) -> None:
        self.port = port
        self.ca = ca
        self._copies = copies

    def take(self) -> Iterator[Copy]:
        for octets in self._octets():
            yield from messages(octets)

    def forget(self) -> None:
        for _ in self._octets():
            pass

    def _octets(self) -> Iterator[bytes]:
        for path in sorted(self._copies.iterdir()):
            with path.open("r+b") as file, mmap(file.fileno(), 0) as mapped:
                octets = mapped[8 : 8 + int.from_bytes(mapped[:8], sys.byteorder)]
                mapped[:8] = bytes(8)
            yield octets


@contextmanager
def postfix_sink(folder: Path) -> Iterator[Sink]:
    """Run Postfix's smtp-sink.

    Raises:
        FileNotFoundError: it is not installed.
    """
    if (program := shutil.which("smtp-sink", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))) is None:
        raise FileNotFoundError("smtp-sink is not installed (Debian's package postfix has it)")
    copies = folder / f"copies-{time.monotonic_ns()}"
    copies.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = ("-u", "root") if os.geteuid() == 0 else ()
    with _running([program, *user, "-d", str(copies / "m"), f"127.0.0.1:{port}", "64"]):
        _wait_for(port)
        yield PostfixSink(port, copies)
    shutil.rmtree(copies)


class PostfixSink:
    ca = ""

    def __init__(self, port: int, copies: Path) -> None:
        self.port = port
        self._copies = copies

    def take(self) -> Iterator[Copy]:
        for path in self._copies.iterdir():
            yield _copy(path.read_bytes())
            path.unlink()

    def forget(self) -> None:
        for path in self._copies.iterdir():
            path.unlink()


def _copy(dump: bytes) -> Copy:
    """Take off what smtp-sink puts before a message: the envelope as headers, and a Received header of three lines."""
    head, _, rest = dump.partition(b"Received: ")
    arguments = [line for line in head.splitlines() if line.startswith(b"X-Rcpt-Args: ")]
    recipients = tuple(line[line.index(b"<") + 1 : line.index(b">")].decode() for line in arguments)
    return Copy(recipients, rest.split(b"\n", 3)[3])


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """Put a long way before a port; yield the port at its near end."""
    with _running([sys.executable, "-m", "tests.benchmarks.delay", str(port), str(seconds)]) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def _certificate(folder: Path) -> tuple[str, str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    own = authority.issue_cert("127.0.0.1", "localhost")
    own.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "certificate.pem").write_bytes(b"".join(blob.bytes() for blob in own.cert_chain_pems))
    return str(folder / "certificate.pem"), str(folder / "key.pem")


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
