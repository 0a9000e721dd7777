"""Code that may hang, crash, or end Python: run in a process of its own, with a limit on its time.

What is done there is a function of ours that takes and returns plain data; the plugin's own output is thrown away.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NoReturn

from attrs import frozen

from posthouse.errors import PosthouseError

__all__ = ["Outcome", "child", "run_apart"]

_START = "from posthouse._discovery.probing import child; child()"


@frozen(kw_only=True)
class Outcome:
    """What became of it.

    Attributes:
        result: what the function returned; None if it did not.
        trouble: why it did not, in one line; empty if it did.
        code: the error's code, where the function raised one of ours.
    """

    result: Any = None
    trouble: str = ""
    code: str = ""


def run_apart(function: str, arguments: Mapping[str, Any], seconds: float) -> Outcome:
    """Call ``"module:function"`` in another process.

    Args:
        function: is called with the arguments as keywords.
        arguments: plain data.
        seconds: after which the process is ended.
    """
    order = json.dumps({"function": function, "arguments": arguments, "path": sys.path})
    command = [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-c", _START]
    with subprocess.Popen(  # noqa: S603 - this very Python
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(order.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return Outcome(trouble=f"did not finish within {seconds:g} s")
        except BaseException:  # Ctrl-C must not wait for what hangs
            _end(process)
            raise
    try:
        return Outcome(**json.loads(said))
    except (ValueError, TypeError):
        return Outcome(trouble=_ending(process.returncode))


def child() -> NoReturn:
    """Do in the new process what was ordered on stdin. Ends at once, whatever threads there are by then."""
    order = json.loads(sys.stdin.buffer.read())
    sys.path[:] = order["path"]
    answer = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    said: dict[str, Any]
    try:
        module, _, name = order["function"].partition(":")
        said = {"result": getattr(import_module(module), name)(**order["arguments"])}
    except PosthouseError as error:
        said = {"trouble": error.message, "code": error.code}
    with os.fdopen(answer, "wb") as file:
        file.write(json.dumps(said, default=str).encode())
    os._exit(0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started; nobody waits for what holds its pipes open."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code} ({signal.strsignal(-code)})"
    return f"ended Python with exit code {code}"
