"""Loads a plugin in a child process, and reports what that loaded, contacted and cost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

from attrs import frozen

__all__ = ["Loading", "loading"]

_SCRIPT = """
import json, sys, threading, time
start = time.perf_counter()
import posthouse.hookspecs, posthouse.providers, posthouse.schema
core = time.perf_counter() - start
before = set(sys.modules)
events = []
FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "urllib.",
             "http.", "smtplib.", "ftplib.", "os.remove", "os.rename", "os.mkdir", "webbrowser.")
def audit(event, arguments):
    if event.startswith(FORBIDDEN) and event != "socket.__new__":
        events.append(event)
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        events.append(f"open for writing: {arguments[0]}")
sys.addaudithook(audit)
start = time.perf_counter()
from importlib.metadata import EntryPoint
plugin = EntryPoint("kit", sys.argv[1], "kit").load()
plugin.describe()
own = time.perf_counter() - start
names = sorted({name for name in set(sys.modules) - before})
threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
print(json.dumps({"names": names, "events": events, "threads": threads, "core": core, "own": own}))
"""


@frozen(kw_only=True)
class Loading:
    """What loading a plugin did.

    Attributes:
        names: the modules that were loaded, besides those that Posthouse's contract needs.
        events: what it did that only a working plugin may do: sockets, processes, files written.
        threads: the threads that it left running.
        core: seconds to import the contract, in the same process.
        own: seconds to import the plugin and describe it, on top of that.
        failure: why it could not be loaded; empty if it could.
    """

    names: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    core: float = 0.0
    own: float = 0.0
    failure: str = ""


@cache
def loading(module: str) -> Loading:
    """Load the plugin behind an entry point's value in a fresh interpreter, and describe it."""
    command = [sys.executable, "-B", "-W", "error", "-c", _SCRIPT, module]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=60, check=False)  # noqa: S603
    if done.returncode:
        return Loading(failure=done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}")
    said = json.loads(done.stdout.strip().rpartition("\n")[2])
    return Loading(
        names=tuple(said["names"]),
        events=tuple(said["events"]),
        threads=tuple(said["threads"]),
        core=said["core"],
        own=said["own"],
    )


def _environment() -> Mapping[str, str]:
    """Return the environment, with this process's search path: a plugin may be installed there for a test only."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
