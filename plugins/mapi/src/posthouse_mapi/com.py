"""The one door to COM: what this plugin asks of pywin32, and nothing more."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Com", "Pywin32", "system_com"]


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

    def put_reference(self, target: Any, name: str, value: Any) -> None:
        """Set a property that takes an object."""


class Pywin32:
    """COM, by pywin32."""

    def __init__(self) -> None:
        import pythoncom
        import win32com.client.dynamic

        self._pythoncom = pythoncom
        self._dynamic = win32com.client.dynamic
        self.error: type[Exception] = pythoncom.com_error

    def initialize(self) -> None:
        """Make a single-threaded apartment of this thread."""
        self._pythoncom.CoInitialize()

    def uninitialize(self) -> None:
        """Leave the apartment."""
        self._pythoncom.CoUninitialize()

    def pump(self) -> None:
        """Let messages in."""
        self._pythoncom.PumpWaitingMessages()

    def dispatch(self, prog_id: str) -> Any:
        """Return an object, bound late whatever type libraries somebody has generated code for."""
        return self._dynamic.Dispatch(prog_id)

    def put_reference(self, target: Any, name: str, value: Any) -> None:
        """Set a property by DISPATCH_PROPERTYPUTREF; a plain assignment would hand over the object's default value."""
        interface = target._oleobj_
        number = interface.GetIDsOfNames(name)
        interface.Invoke(number, 0, self._pythoncom.DISPATCH_PROPERTYPUTREF, False, value._oleobj_)


def system_com() -> Com:
    """Return COM as this system has it.

    Raises:
        ImportError: pywin32 is missing or broken.
    """
    return Pywin32()
