"""Wine: where it is, and a Windows of its own for one run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["Wine", "find_wine", "fresh_windows"]

_DEBIAN = Path("/usr/lib/wine/wine64")  # the package wine64 alone puts nothing on PATH
_SECONDS_TO_START = 120
_SECONDS_TO_READ = 5
_BROWSER = r"HKEY_CURRENT_USER\Software\Wine\WineBrowser"


class Wine:
    """One Windows, in a folder.

    Args:
        program: wine64.
        prefix: the folder that holds its drive C and its registry.
    """

    def __init__(self, program: Path, prefix: Path) -> None:
        self.program = program
        self.prefix = prefix
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DISPLAY", "PYTHON", "WINE"))},
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",  # do not offer to install .NET and a browser
            "PYTHONUTF8": "1",
        }

    def run(self, *command: str | Path, cwd: Path | None = None, timeout: float | None = None) -> int:
        """Run a Windows program to its end, pass on what it prints, and return its exit code.

        Its output is a pipe, wherever ours goes: Python for Windows does not start under Wine with a Unix file for one.

        Raises:
            subprocess.TimeoutExpired: it took longer than ``timeout`` seconds.
        """
        process = subprocess.Popen(
            [self.program, *command],
            cwd=cwd,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        passing = threading.Thread(target=_pass_on, args=(process.stdout,), daemon=True)
        passing.start()
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        # A process of Windows that runs on, such as its desktop, keeps the pipe open.
        passing.join(_SECONDS_TO_READ)
        return code

    def stop(self) -> None:
        """End everything that runs in this Windows, and wait until it has ended."""
        for option in ("-k", "-w"):
            subprocess.run([_server(self.program), option], env=self._environment, timeout=60, check=False)


def find_wine() -> Path | None:
    """Return Wine's program for 64 bit, or None."""
    found = shutil.which("wine64") or shutil.which("wine")
    if found:
        return Path(found)
    return _DEBIAN if _DEBIAN.is_file() else None


@contextlib.contextmanager
def fresh_windows(program: Path, parent: Path) -> Iterator[Wine]:
    """Make a Windows 10 in a new folder, and remove it when done.

    Raises:
        RuntimeError: Wine does not start.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="prefix-", dir=parent, ignore_cleanup_errors=True) as folder:
        wine = Wine(program, Path(folder))
        try:
            # Wine 8 says that it is Windows 7 otherwise, which CPython has left behind.
            code = wine.run("winecfg", "/v", "win10", timeout=_SECONDS_TO_START)
            if code:
                raise RuntimeError(f"winecfg ended with exit code {code}")
            # Wine's mail program makes a mailto: link, which must not open the person's own.
            wine.run("reg", "add", _BROWSER, "/v", "Mailers", "/d", "true", "/f", timeout=_SECONDS_TO_START)
            yield wine
        finally:
            wine.stop()


def _pass_on(output: IO[bytes]) -> None:
    """Write everything that comes to where our own output goes, as it comes."""
    with output:  # where nobody reads ours any more, it must not wait for us
        while content := os.read(output.fileno(), 1 << 16):
            sys.stdout.buffer.write(content)
            sys.stdout.flush()


def _server(program: Path) -> str:
    beside = program.resolve().with_name("wineserver")
    return str(beside if beside.is_file() else shutil.which("wineserver") or beside)
