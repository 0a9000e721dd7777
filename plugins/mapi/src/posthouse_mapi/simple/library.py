"""``mapi32.dll``: the functions of Simple MAPI as it exports them, called with numbers."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from posthouse.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PROTOTYPES", "Library", "load_library"]

_SYSTEM32_ONLY = 0x800  # LOAD_LIBRARY_SEARCH_SYSTEM32: nobody puts another mapi32.dll in its place

_HANDLE = ctypes.c_size_t  # LHANDLE and ULONG_PTR: as wide as a pointer
_NUMBER = ctypes.c_uint32
PROTOTYPES: dict[str, tuple[Any, ...]] = {
    # lhSession, ulUIParam, lpMessage, flFlags, ulReserved
    "MAPISendMailW": (_HANDLE, _HANDLE, ctypes.c_void_p, _NUMBER, _NUMBER),
    "MAPISendMail": (_HANDLE, _HANDLE, ctypes.c_void_p, _NUMBER, _NUMBER),
    # ulUIParam, lpszProfileName, lpszPassword, flFlags, ulReserved, lplhSession
    "MAPILogon": (_HANDLE, ctypes.c_char_p, ctypes.c_char_p, _NUMBER, _NUMBER, ctypes.c_void_p),
    # lhSession, ulUIParam, flFlags, ulReserved
    "MAPILogoff": (_HANDLE, _HANDLE, _NUMBER, _NUMBER),
}
"""Arguments of each function; every one returns a ULONG."""


@frozen
class Library:
    """The functions that were found.

    Attributes:
        place: where they were found, for people.
        functions: by name.
        code_page: how text is encoded where a function is not a Unicode one.
    """

    place: str
    functions: dict[str, Callable[..., int]]
    code_page: str = "mbcs"

    def has(self, name: str) -> bool:
        """Whether there is a function of this name."""
        return name in self.functions

    def call(self, name: str, *arguments: Any) -> int:
        """Call a function and return its result; the working directory, which mail programs change, is kept."""
        with _same_working_directory():
            return self.functions[name](*arguments)


def load_library() -> Library:
    """Load what Windows has for programs of this bitness. The mail program itself is loaded with the first call.

    Raises:
        ConnectError: there is none (``connect.no-mapi``).
    """
    if sys.platform == "win32":
        try:
            library = ctypes.WinDLL("mapi32.dll", winmode=_SYSTEM32_ONLY)
        except OSError as error:
            raise ConnectError(
                f"mapi32.dll cannot be loaded: {error}",
                code="connect.no-mapi",
                hint="Repair Windows (sfc /scannow), or run fixmapi.exe as administrator.",
            ) from error
        return Library("mapi32.dll", {name: _function(library, name) for name in PROTOTYPES if hasattr(library, name)})
    raise ConnectError(
        f"Simple MAPI is a part of Windows, and this is {sys.platform}.",
        code="connect.not-windows",
        hint="Use another transport on this machine.",
    )


def _function(library: Any, name: str) -> Callable[..., int]:
    function: Callable[..., int] = getattr(library, name)
    function.argtypes, function.restype = PROTOTYPES[name], _NUMBER  # type: ignore[attr-defined]
    return function


@contextmanager
def _same_working_directory() -> Iterator[None]:
    before = Path.cwd()
    try:
        yield
    finally:
        with suppress(OSError):  # gone meanwhile: what the call returned matters more
            os.chdir(before)
