"""Outlook.Application as a process of its own: the stand-in's object model behind real COM.

`main` serves the class until it is told to end; COM itself starts it by the class's LocalServer32. The test reaches the
world behind the model by a connection that is not COM's, since COM's thread may be hanging: port and key are in the
file.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any

import pythoncom

from .server import Served, class_object
from .world import AccountFacts, Fault, World

IS_HANDLED = 0


class Controls:
    """What the test holds in its hands: the world, and how COM itself answers to calls."""

    def __init__(self) -> None:
        self.refusals: deque[int] = deque()
        self.refused = 0

    def reset(self) -> None:
        """Let go of what hangs, and begin anew."""
        Served.world.never.set()
        Served.world = World()
        self.refusals.clear()
        self.refused = 0

    def set(self, **values: Any) -> None:
        """Change attributes of the world."""
        for name, value in values.items():
            setattr(Served.world, name, value)

    def set_accounts(self, *accounts: tuple[str, str]) -> None:
        """Let the profile have these accounts: address and name."""
        Served.world.accounts = [AccountFacts(*account) for account in accounts]
        Served.world.default_store = accounts[0][0]

    def script(self, member: str, **fault: Any) -> None:
        """Let the next use of a member meet a fault; ``hang=True`` waits until the test ends."""
        hang = Served.world.never if fault.pop("hang", False) else None
        Served.world.script(member, Fault(hang=hang, **fault))

    def refuse(self, *answers: int) -> None:
        """Let COM refuse the next calls before they reach Outlook: 1 rejects them, 2 asks to try later."""
        self.refusals += answers

    def answer(self) -> int:
        """Return what becomes of the call that comes in."""
        if not self.refusals:
            return IS_HANDLED
        self.refused += 1
        return self.refusals.popleft()

    def refused_calls(self) -> int:
        """Return how many calls COM has refused."""
        return self.refused

    def mails(self) -> list[dict[str, Any]]:
        """Return what is in the folders."""
        return [asdict(mail) for mail in Served.world.mails]

    def get(self, name: str) -> Any:
        """Return an attribute of the world."""
        return getattr(Served.world, name)

    def has_begun_to_wait(self, seconds: float) -> bool:
        """Wait until a call hangs; return whether one does."""
        return bool(Served.world.waits.wait(seconds))

    def end(self) -> None:
        """End at once, as a crash does."""
        os._exit(1)


class MessageFilter:
    """IMessageFilter, which pywin32 does not know: it answers to calls before they reach the object.

    https://learn.microsoft.com/windows/win32/api/objidl/nn-objidl-imessagefilter
    """

    def __init__(self, answer: Callable[[], int]) -> None:
        functions: Any = ctypes
        number, pointer, make = ctypes.c_ulong, ctypes.c_void_p, functions.WINFUNCTYPE
        query = make(ctypes.c_long, pointer, pointer, ctypes.POINTER(pointer))
        count = make(number, pointer)
        incoming = make(number, pointer, number, pointer, number, pointer)
        outgoing = make(number, pointer, pointer, number, number)
        self._methods = (
            query(self._query),
            count(lambda _: 1),
            count(lambda _: 1),
            incoming(lambda *_: answer()),
            outgoing(lambda *_: 0xFFFFFFFF),  # of calls that this process makes itself
            outgoing(lambda *_: 2),
        )
        self._table = (pointer * len(self._methods))(*(ctypes.cast(method, pointer) for method in self._methods))
        self._object = pointer(ctypes.addressof(self._table))

    def register(self) -> None:
        """Let this thread's apartment use it."""
        functions: Any = ctypes
        functions.OleDLL("ole32").CoRegisterMessageFilter(ctypes.byref(self._object), None)

    @staticmethod
    def _query(this: int, _: int, out: Any) -> int:
        out[0] = this  # whoever asks wants the filter, or IUnknown
        return 0


def obey(listener: Listener, controls: Controls) -> None:
    """Do what the test says, one connection after the other."""
    while True:
        with listener.accept() as connection:
            try:
                while True:
                    name, arguments, keywords = connection.recv()
                    connection.send(getattr(controls, name)(*arguments, **keywords))
            except (EOFError, ConnectionError):
                continue


def main(clsid: str, port_file: str) -> None:
    """Serve until the process is ended."""
    controls, key, ready = Controls(), secrets.token_bytes(16), Path(port_file)
    Served.died = controls.end
    pythoncom.CoInitialize()
    message_filter = MessageFilter(controls.answer)
    message_filter.register()
    with class_object(clsid), Listener(("127.0.0.1", 0), authkey=key) as listener:
        threading.Thread(target=obey, args=(listener, controls), daemon=True).start()
        half = ready.with_suffix(".half")
        half.write_text(json.dumps({"port": listener.address[1], "key": key.hex()}), "ascii")
        half.replace(ready)
        pythoncom.PumpMessages()
