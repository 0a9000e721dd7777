"""The one door to what Windows knows of itself: the registry, the session, bitness. Tests open a false one."""

from __future__ import annotations

import platform
import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Elsewhere", "Machine", "Windows", "this_machine"]


class Machine(Protocol):
    """What is asked of a machine."""

    @property
    def system(self) -> str:
        """Its name: ``"Windows"``, ``"Linux"``."""

    @property
    def bits(self) -> int:
        """Of this process: 32 or 64."""

    @property
    def session(self) -> int | None:
        """Number of this process's session; 0 is where services run, without a desktop. None if unknown."""

    def value(self, key: str, name: str = "", *, bits: int = 64) -> str | int | None:
        r"""Return a value of the registry, None if there is none or it may not be read.

        Args:
            key: path that begins with ``HKCR\``, ``HKCU\`` or ``HKLM\``.
            name: of the value; the key's default value if empty.
            bits: which of the two registries: 32 or 64.
        """

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file."""


class Windows:
    """This machine, if it runs Windows."""

    system = "Windows"
    bits = struct.calcsize("P") * 8

    @property
    def session(self) -> int | None:
        """Number of this process's session."""
        ctypes: Any = import_module("ctypes")  # what is below exists on Windows only, and so for type checkers
        found = ctypes.c_uint32()
        kernel = ctypes.WinDLL("kernel32")
        return found.value if kernel.ProcessIdToSessionId(kernel.GetCurrentProcessId(), ctypes.byref(found)) else None

    def value(self, key: str, name: str = "", *, bits: int = 64) -> str | int | None:
        """Return a value of the registry; variables in it are expanded."""
        winreg: Any = import_module("winreg")
        hive, _, path = key.partition("\\")
        roots = {"HKCR": winreg.HKEY_CLASSES_ROOT, "HKCU": winreg.HKEY_CURRENT_USER, "HKLM": winreg.HKEY_LOCAL_MACHINE}
        view = winreg.KEY_WOW64_64KEY if bits == 64 else winreg.KEY_WOW64_32KEY
        try:
            with winreg.OpenKey(roots[hive], path, 0, winreg.KEY_READ | view) as opened:
                found, kind = winreg.QueryValueEx(opened, name)
        except OSError:
            return None
        if kind == winreg.REG_EXPAND_SZ:
            found = winreg.ExpandEnvironmentStrings(found)
        return found if isinstance(found, str | int) else None

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file."""
        return Path(path).is_file()


class Elsewhere:
    """This machine, if it does not run Windows: nothing is registered there."""

    bits = struct.calcsize("P") * 8
    session: int | None = None

    @property
    def system(self) -> str:
        """Its name: ``"Linux"``, ``"Darwin"``."""
        return platform.system() or sys.platform

    def value(self, key: str, name: str = "", *, bits: int = 64) -> str | int | None:
        """There is no registry."""
        return None

    def has_file(self, path: str) -> bool:
        """Return whether there is such a file."""
        return Path(path).is_file()


def this_machine() -> Machine:
    """Return the door to the machine that this runs on."""
    return Windows() if sys.platform == "win32" else Elsewhere()
