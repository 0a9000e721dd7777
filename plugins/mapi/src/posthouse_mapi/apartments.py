"""The single-threaded apartment that mail programs expect their callers to be in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from posthouse.errors import PluginError
from posthouse_mapi.com import system_com

__all__ = ["single_threaded"]


@contextmanager
def single_threaded() -> Iterator[object]:
    """Make an apartment of this thread where there are such things; on other systems, do nothing.

    Gives what lets messages of the system in, to be called from time to time.

    Raises:
        PluginError: pywin32 is missing.
    """
    if sys.platform == "win32":
        try:
            com = system_com()
        except ImportError as error:
            raise PluginError(
                f"pywin32 cannot be used: {error}.", code="plugin.broken", hint="Install it: pip install pywin32"
            ) from error
        com.initialize()
        try:
            yield com.pump
        finally:
            com.uninitialize()
    else:
        yield None
