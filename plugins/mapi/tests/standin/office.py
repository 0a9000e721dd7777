"""The test's hands on the stand-in for Outlook, whose process it can start, ask and end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import pytest

from .registry import registered

__all__ = ["ONLY_WINDOWS", "Office", "running_office"]

ONLY_WINDOWS = pytest.mark.skipif(
    sys.platform != "win32", reason="WINDOWS NOT RUN: this is another system; nox -s windows brings Wine"
)

_CLSID = "{6B0B2E0C-6C5B-4A5C-9D0E-5B6F2B0C7A11}"
_FOLDER = Path(__file__).resolve().parents[1]
_PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
from standin.process import main
main({clsid!r}, {port_file!r})
"""
_SECONDS = 20.0


class Office:
    """Outlook as it runs, or does not.

    Args:
        port_file: where the server says how it is reached.
    """

    def __init__(self, port_file: Path) -> None:
        self.port_file = port_file
        self._connection: Any = None
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def command(self) -> list[str]:
        """What starts it: few words, since Wine takes 260 characters at most."""
        script = self.port_file.with_name("start.py")
        script.write_text(_PROGRAM.format(folder=str(_FOLDER), clsid=_CLSID, port_file=str(self.port_file)), "utf-8")
        return [sys.executable, str(script)]

    def start(self) -> None:
        """Start it, as a person does; without that, COM does as soon as a program wants it."""
        self.port_file.unlink(missing_ok=True)
        self._processes.append(subprocess.Popen(self.command, stdin=subprocess.DEVNULL))

    def renew(self) -> None:
        """Begin anew; start it if a test ended it."""
        if not self.port_file.exists():
            self.start()
        self.reset()

    def release(self) -> None:
        """Let go of what hangs in it, if it still runs."""
        if self.port_file.exists():
            self.reset()

    def __getattr__(self, name: str) -> Any:
        """Return what calls a function of the server's `Office`."""

        def call(*arguments: Any, **keywords: Any) -> Any:
            connection = self._connected()
            connection.send((name, arguments, keywords))
            return connection.recv()

        return call

    def end(self) -> None:
        """End its process without a word, as a crash does."""
        connection = self._connected()
        connection.send(("end", (), {}))
        try:
            connection.recv()
        except (EOFError, OSError):
            self.forget()

    def forget(self) -> None:
        """Let go of a process that has ended, so that the next one can be reached."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self.port_file.unlink(missing_ok=True)

    def close(self) -> None:
        """End what still runs."""
        with suppress(AssertionError, OSError, EOFError):  # it may have ended by itself
            if self._connection is not None or self.port_file.exists():
                self.end()
        for process in self._processes:
            process.kill()
            process.wait(_SECONDS)

    def _connected(self) -> Connection[Any, Any]:
        if self._connection is None:
            end = time.monotonic() + _SECONDS
            while not self.port_file.exists():
                assert time.monotonic() < end, "the stand-in does not start"
                time.sleep(0.02)
            found = json.loads(self.port_file.read_text("ascii"))
            self._connection = Client(("127.0.0.1", found["port"]), authkey=bytes.fromhex(found["key"]))
        return self._connection  # type: ignore[no-any-return]


@contextmanager
def running_office(port_file: Path) -> Iterator[Office]:
    """Register the stand-in; end it if it runs in the end."""
    office = Office(port_file)
    with registered(_CLSID, "standin.server", subprocess.list2cmdline(office.command), str(_FOLDER)):
        try:
            yield office
        finally:
            office.close()
