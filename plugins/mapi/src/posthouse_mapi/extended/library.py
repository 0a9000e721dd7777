"""pywin32's ``win32com.mapi``, as far as this plugin uses it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from attrs import frozen

from posthouse.errors import ConnectError
from posthouse_mapi.detection import not_windows
from posthouse_mapi.machine import this_machine

__all__ = ["Library", "load_library"]


@frozen
class Library:
    """What Extended MAPI is reached by.

    Attributes:
        mapi: the module ``win32com.mapi.mapi``.
        com: the module ``pythoncom``.
        service: whether this process is a service, which MAPI has to be told.
    """

    mapi: Any
    com: Any
    service: bool = False

    @property
    def error(self) -> type[Exception]:
        """What both modules raise; it has ``hresult``, ``strerror`` and ``excepinfo``."""
        found: type[Exception] = self.com.com_error
        return found

    def converter(self) -> Any:
        """Return Outlook's own converter of MIME; Office as Click-to-Run does not show it to other programs."""
        mapi, com = self.mapi, self.com
        return com.CoCreateInstance(
            mapi.CLSID_IConverterSession, None, com.CLSCTX_INPROC_SERVER, mapi.IID_IConverterSession
        )

    def stream_of(self, content: bytes) -> Any:
        """Return a stream in memory that stands at its beginning."""
        stream = self.com.CreateStreamOnHGlobal()
        stream.Write(content)
        stream.Seek(0, 0)
        return stream


def load_library() -> Library:
    """Import pywin32.

    Raises:
        PluginError: this is not Windows (``plugin.platform``).
        ConnectError: pywin32 has no MAPI here, or Windows has none (``connect.no-mapi``).
    """
    machine = this_machine()
    if machine.system != "Windows":
        raise not_windows(machine.system)
    try:
        com, mapi = import_module("pythoncom"), import_module("win32com.mapi.mapi")
    except ImportError as error:
        raise ConnectError(
            f"Extended MAPI cannot be loaded: {error}",
            code="connect.no-mapi",
            hint="Install classic Outlook, and pywin32 for a Python of Outlook's bitness.",
        ) from error
    return Library(mapi, com, service=machine.session == 0)
