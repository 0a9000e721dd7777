"""Apartments, while Outlook does not answer at all."""

from __future__ import annotations

import faulthandler
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from posthouse_mapi import com

from .standin.office import ONLY_WINDOWS
from .standin.world import Fault, World

pytestmark = ONLY_WINDOWS

FIRST_USE = """
import sys
from posthouse_mapi import com
assert "pythoncom" not in sys.modules
for _ in range(2):
    with com.apartment() as system:
        print(system.get(system.dispatch("Scripting.Dictionary"), "Count"))
"""


class Deaf(threading.Event):
    """What is waited for without letting anything in meanwhile."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait()


@pytest.fixture
def watched() -> Iterator[None]:
    """End the tests if Python itself stands still, as no other time limit could."""
    faulthandler.dump_traceback_later(100, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.usefixtures("watched")
def test_who_leaves_a_hanging_outlook_keeps_nobody_from_making_objects(outlook: World) -> None:
    system, deaf = com.system_com(), Deaf()
    reached, leaves = threading.Event(), threading.Event()
    outlook.script("Application.Version", Fault(hang=deaf))

    def leave() -> None:
        system.initialize()
        application = system.dispatch("Outlook.Application")
        reached.set()
        outlook.waits.wait()
        leaves.set()
        system.uninitialize()  # tells Outlook that the application is needed no more
        del application

    def hang() -> None:
        system.initialize()
        reached.wait()
        application = system.dispatch("Outlook.Application")
        system.get(application, "Version")
        del application
        system.uninitialize()

    threads = [threading.Thread(target=target, name="posthouse-mapi") for target in (leave, hang)]
    for thread in threads:
        thread.start()
    assert leaves.wait(30)
    threads[0].join(1)  # there is no event for being inside of the system's function
    objects: Any = import_module("pythoncom")
    assert objects.CreateStreamOnHGlobal() is not None
    assert all(thread.is_alive() for thread in threads)
    deaf.set()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_thread_that_brings_pywin32_into_the_program_has_an_apartment_like_any_other() -> None:
    done = subprocess.run([sys.executable, "-c", FIRST_USE], capture_output=True, text=True, timeout=60)
    assert (done.stdout.split(), done.returncode) == (["0", "0"], 0), done.stderr
