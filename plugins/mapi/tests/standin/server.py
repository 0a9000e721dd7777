"""The object model behind real COM: a class factory, in a thread of this process with an apartment of its own.

What a client in another apartment, or another process, does with it goes through COM's proxies as it does with Outlook.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from typing import Any

import pythoncom
import pywintypes
import win32com.server.util
from win32com.server.exception import COMException
from win32com.server.policy import DesignatedWrapPolicy

from .errors import NO_MEMBER, ModelError
from .members import ComClass
from .model import Application
from .registry import registered
from .world import World

__all__ = ["ModelPolicy", "Served", "application", "class_object", "serving"]

_CLSID = "{6B0B2E0C-6C5B-4A5C-9D0E-5B6F2B0C7A10}"
_WM_QUIT = 0x0012
_BY_VALUE, _BY_REFERENCE = pythoncom.DISPATCH_PROPERTYPUT, pythoncom.DISPATCH_PROPERTYPUTREF


class Served:
    """What the factory of this process hands out."""

    world = World()

    died: Callable[[], None] = staticmethod(lambda: None)
    """What happens where Outlook ends: nothing, in a process that goes on."""


class ModelPolicy(DesignatedWrapPolicy):  # type: ignore[misc] # pywin32 has no types
    """Makes COM objects of the model's classes, and COM's errors of its own."""

    def _invokeex_(self, dispid: int, lcid: int, flags: int, args: Any, kwargs: Any, provider: Any) -> Any:
        try:
            self._check_put(dispid, flags)
            result = super()._invokeex_(dispid, lcid, flags, tuple(map(_local, args)), kwargs, provider)
        except ModelError as error:
            if not Served.world.alive:
                Served.died()
            raise COMException(error.text, scode=error.number, source="Microsoft Outlook") from error
        return win32com.server.util.wrap(result, usePolicy=ModelPolicy) if isinstance(result, ComClass) else result

    def _check_put(self, dispid: int, flags: int) -> None:
        """See that an object is put by reference, and nothing else is."""
        name = self._dispid_to_put_.get(dispid)
        if name is not None and flags & (_BY_VALUE | _BY_REFERENCE):
            by_reference = name in self._obj_._reference_attrs_
            if not flags & (_BY_REFERENCE if by_reference else _BY_VALUE):
                raise ModelError(NO_MEMBER)


def application() -> Application:
    """Return what a program gets that asks for Outlook; it is started where it was not running."""
    Served.world.alive = True
    try:
        Served.world.before(Served.world.fault("Dispatch"))
    except ModelError as error:
        raise COMException(error.text, scode=error.number) from error
    return Application(Served.world)


@contextmanager
def class_object(clsid: str) -> Iterator[None]:
    """Offer the class to other apartments and processes, in a thread that has an apartment."""
    identifier = pywintypes.IID(clsid)
    cookie = pythoncom.CoRegisterClassObject(
        identifier, pythoncom.MakePyFactory(identifier), pythoncom.CLSCTX_LOCAL_SERVER, pythoncom.REGCLS_MULTIPLEUSE
    )
    try:
        yield
    finally:
        pythoncom.CoRevokeClassObject(cookie)


@contextmanager
def serving(world: World) -> Iterator[None]:
    """Let ``Outlook.Application`` be this world, for all other threads."""
    _start()
    setattr(world, "wait", lambda event: _wait(world, event))  # noqa: B010 - a method
    Served.world = world
    try:
        yield
    finally:
        world.never.set()
        _let_clients_end()


@cache
def _start() -> None:
    """Serve from now on until Python ends, as Outlook does: Wine does not bear a class that often comes and goes."""
    ready, threads = threading.Event(), []

    def serve() -> None:
        pythoncom.CoInitialize()
        threads.append(import_module("win32api").GetCurrentThreadId())
        try:
            with class_object(_CLSID):
                ready.set()
                pythoncom.PumpMessages()
        finally:
            pythoncom.CoUninitialize()

    def stop() -> None:
        import_module("win32api").PostThreadMessage(threads[0], _WM_QUIT, 0, 0)
        server.join(10)
        keys.close()

    keys = ExitStack()
    keys.enter_context(registered(_CLSID, __name__))
    server = threading.Thread(target=serve, name="outlook", daemon=True)
    server.start()
    assert ready.wait(30)
    atexit.register(stop)


def _wait(world: World, event: threading.Event) -> None:
    """Hang as a dialog does: other calls still come in."""
    world.waits.set()
    while not event.wait(0.01):
        pythoncom.PumpWaitingMessages()


def _let_clients_end() -> None:
    """Wait for threads that were given up in a call: COM does not get over a server that ends while it answers."""
    for thread in threading.enumerate():
        if thread.name == "posthouse-mapi":
            thread.join(10)


def _local(value: Any) -> Any:
    """Return the model's object behind an interface that leads back to this process; any other value as it is."""
    return win32com.server.util.unwrap(value) if type(value).__name__ == "PyIDispatch" else value
