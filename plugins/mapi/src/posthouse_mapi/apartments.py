"""The single-threaded apartment that mail programs expect their callers to be in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from posthouse_mapi.com import system_com

__all__ = ["single_threaded"]


@contextmanager
def single_threaded() -> Iterator[None]:
    """Make an apartment of this thread where there are such things; on other systems, do nothing."""
    if sys.platform != "win32":
        yield
    else:
        com = system_com()
        com.initialize()
        try:
            yield
        finally:
            com.uninitialize()
