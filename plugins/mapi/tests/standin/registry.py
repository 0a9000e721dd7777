"""The registry keys of a class that Python serves."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

__all__ = ["in_wine", "registered"]


def in_wine() -> bool:
    """Whether this Windows is Wine."""
    library: Any = ctypes
    return sys.platform == "win32" and hasattr(library.WinDLL("ntdll"), "wine_get_version")


@contextmanager
def registered(clsid: str, module: str, command: str = "", folder: str = "") -> Iterator[None]:
    """Let ``Outlook.Application`` mean the stand-in, for as long as this lasts.

    For this user only, and by a class id of its own, so that a real Outlook is what it was afterwards. Wine looks for
    classes in the machine's part of the registry only.

    Args:
        clsid: the class.
        module: has ``application``, and the policy by which it is made an object of COM.
        command: starts the process that serves it; by default it is served already.
        folder: where that process finds the module.
    """
    winreg: Any = import_module("winreg")
    root = winreg.HKEY_LOCAL_MACHINE if in_wine() else winreg.HKEY_CURRENT_USER
    values = {
        r"Outlook.Application\CLSID": clsid,
        rf"CLSID\{clsid}": "A stand-in for Outlook",
        rf"CLSID\{clsid}\ProgID": "Outlook.Application",
        rf"CLSID\{clsid}\LocalServer32": command or f'"{sys.executable}" -c "raise SystemExit(1)"',
        rf"CLSID\{clsid}\PythonCOM": f"{module}.application",
        rf"CLSID\{clsid}\PythonCOMPolicy": f"{module}.ModelPolicy",
        rf"CLSID\{clsid}\PythonCOMPath": folder,
    }
    before = _value(winreg, root, r"Outlook.Application\CLSID")
    for key, value in values.items():
        winreg.SetValue(root, rf"Software\Classes\{key}", winreg.REG_SZ, value)
    try:
        yield
    finally:
        for key in (*reversed(values), "Outlook.Application"):
            with suppress(OSError):
                winreg.DeleteKey(root, rf"Software\Classes\{key}")
        if before:
            winreg.SetValue(root, r"Software\Classes\Outlook.Application\CLSID", winreg.REG_SZ, before)


def _value(winreg: Any, root: Any, key: str) -> str:
    try:
        return str(winreg.QueryValue(root, rf"Software\Classes\{key}"))
    except OSError:
        return ""
