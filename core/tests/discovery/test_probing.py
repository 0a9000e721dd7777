"""What may hang, crash or end Python does so in a process of its own."""

from __future__ import annotations

import os
import select
from pathlib import Path

import pytest

from posthouse._discovery.probing import Outcome, run_apart

MODULE = """
import os, signal, subprocess, sys, threading, time

def add(one, other):
    print("noise")
    sys.stderr.write("more noise")
    os.system("echo and noise of others")
    return {"sum": one + other}

def hang():
    time.sleep(600)

def leave_something_running():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    open("child", "w").write(str(child.pid))
    time.sleep(600)

def end():
    os._exit(3)

def crash():
    os.kill(os.getpid(), signal.SIGSEGV)

def refuse():
    from posthouse.errors import PluginError
    raise PluginError("It does not work.", code="plugin.contract")

def thread():
    threading.Thread(target=time.sleep, args=(600,)).start()
    return {}
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd_functions.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


def test_what_is_returned_comes_back_whatever_was_printed() -> None:
    assert run_apart("odd_functions:add", {"one": 1, "other": 2}, 60) == Outcome(result={"sum": 3})


def test_an_error_of_ours_comes_back() -> None:
    outcome = run_apart("odd_functions:refuse", {}, 60)
    assert (outcome.trouble, outcome.code) == ("It does not work.", "plugin.contract")


def test_a_thread_that_goes_on_keeps_nobody_waiting() -> None:
    assert run_apart("odd_functions:thread", {}, 60) == Outcome(result={})


def test_what_hangs_is_ended() -> None:
    assert run_apart("odd_functions:hang", {}, 1).trouble == "did not finish within 1 s"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs a handle on a process that is not a child (Linux)")
def test_what_it_started_is_ended_with_it() -> None:
    assert run_apart("odd_functions:leave_something_running", {}, 5).trouble == "did not finish within 5 s"
    try:
        handle = os.pidfd_open(int(Path("child").read_text()))
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], 30)
    os.close(handle)
    assert ended


@pytest.mark.parametrize(
    ("function", "trouble"),
    [("end", "ended Python with exit code 3"), ("crash", "was killed by signal 11 (Segmentation fault)")],
)
def test_how_it_ended_is_said(function: str, trouble: str) -> None:
    assert run_apart(f"odd_functions:{function}", {}, 60).trouble == trouble
