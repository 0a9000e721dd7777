"""Makes sure that nothing is contacted while something is done."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

__all__ = ["forbidden"]


@contextmanager
def forbidden() -> Iterator[None]:
    """Fail the case if a name is looked up or a connection is opened."""
    contacted: list[str] = []

    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        contacted.append(repr(arguments[-1] if arguments else options))
        raise OSError("the conformance kit forbids to contact anybody here")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, refuse, raising=False)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield
    assert not contacted, f"contacted {', '.join(contacted)}"
