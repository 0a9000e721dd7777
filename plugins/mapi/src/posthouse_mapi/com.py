"""The one door to COM: what this plugin asks of pywin32, and nothing more; and the apartments of its threads."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from posthouse.errors import PluginError

__all__ = ["Com", "Pywin32", "apartment", "apartment_on_windows", "system_com"]

_importing = threading.Lock()


class Com(Protocol):
    """What the threads of this plugin need of COM."""

    error: type[Exception]
    """What every other member raises; it has ``hresult``, ``strerror`` and ``excepinfo``."""

    def initialize(self) -> None:
        """Make a single-threaded apartment of this thread."""

    def uninitialize(self) -> None:
        """Leave the apartment, once its objects are released."""

    def pump(self) -> None:
        """Let messages in that wait for this thread, as an apartment must from time to time."""

    def dispatch(self, prog_id: str) -> Any:
        """Return an object of this class, bound late; starts its program if need be."""

    def get(self, target: Any, name: str) -> Any:
        """Return a property."""

    def put(self, target: Any, name: str, value: Any) -> None:
        """Set a property to a value."""

    def put_reference(self, target: Any, name: str, value: Any) -> None:
        """Set a property that takes an object."""

    def call(self, target: Any, name: str, *arguments: Any) -> Any:
        """Call a method."""


class Pywin32:
    """COM, by pywin32; apartments by COM itself.

    pywin32 leaves an apartment with a lock in its hands that it needs for every new object, too. If Outlook does not
    answer at that moment, which may last for ever, the whole program stands still as soon as it makes another object.
    """

    def __init__(self) -> None:
        with _importing:
            first = "pythoncom" not in sys.modules
            import pythoncom
            import win32com.client.dynamic

            if first:  # to import it made an apartment of this thread, of which nobody but pywin32 would know
                pythoncom.CoUninitialize()
        self._ole = _ole32()
        self._pythoncom = pythoncom
        self._dynamic = win32com.client.dynamic
        self.error: type[Exception] = pythoncom.com_error

    def initialize(self) -> None:
        """Make a single-threaded apartment of this thread."""
        self._ole.CoInitialize(None)

    def uninitialize(self) -> None:
        """Leave the apartment."""
        self._ole.CoUninitialize()

    def pump(self) -> None:
        """Let messages in."""
        self._pythoncom.PumpWaitingMessages()

    def dispatch(self, prog_id: str) -> Any:
        """Return an object, bound late whatever type libraries somebody has generated code for."""
        return self._dynamic.Dispatch(prog_id)._oleobj_

    def get(self, target: Any, name: str) -> Any:
        """Return a property."""
        return self._invoke(target, name, self._pythoncom.DISPATCH_PROPERTYGET)

    def put(self, target: Any, name: str, value: Any) -> None:
        """Set a property to a value."""
        self._invoke(target, name, self._pythoncom.DISPATCH_PROPERTYPUT, value)

    def put_reference(self, target: Any, name: str, value: Any) -> None:
        """Set a property by DISPATCH_PROPERTYPUTREF; a plain put would hand over the object's default value."""
        self._invoke(target, name, self._pythoncom.DISPATCH_PROPERTYPUTREF, value)

    def call(self, target: Any, name: str, *arguments: Any) -> Any:
        """Call a method."""
        return self._invoke(target, name, self._pythoncom.DISPATCH_METHOD, *arguments)

    def _invoke(self, target: Any, name: str, how: int, *arguments: Any) -> Any:
        """Call IDispatch itself.

        What pywin32 makes of it (``win32com.client.dynamic``) turns whatever stops it from finding a name or setting a
        property into an AttributeError: a busy Outlook then looks like one that lacks the member.
        """
        return target.Invoke(target.GetIDsOfNames(name), 0, how, True, *arguments)


def _ole32() -> Any:
    """Return COM's own functions."""
    if sys.platform == "win32":
        return ctypes.WinDLL("ole32.dll")
    raise ImportError("COM is a part of Windows")


def system_com() -> Com:
    """Return COM as this system has it.

    Raises:
        ImportError: pywin32 is missing or broken.
    """
    return Pywin32()


@contextmanager
def apartment() -> Iterator[Com]:
    """Make a single-threaded apartment of this thread, and leave it at the end.

    Raises:
        PluginError: pywin32 is missing (``plugin.broken``).
    """
    try:
        com = system_com()
    except ImportError as error:
        raise PluginError(
            f"pywin32 cannot be used: {error}.", code="plugin.broken", hint="Install it: pip install pywin32"
        ) from error
    com.initialize()
    try:
        yield com
    finally:
        com.uninitialize()


@contextmanager
def apartment_on_windows() -> Iterator[object]:
    """Make an apartment for what needs one on Windows only, and give what lets messages of the system in."""
    if sys.platform == "win32":
        with apartment() as com:
            yield com.pump
    else:
        yield None
