"""The contract of an extension, to subclass."""

from __future__ import annotations

from typing import ClassVar

from posthouse.testing.contract import Contract

__all__ = ["ExtensionContract"]


class ExtensionContract(Contract):
    """Every case for an extension. Subclass it with ``kind``; it needs no peer.

    ::

    class TestFooter(ExtensionContract):
        kind = "footer"
    """

    role: ClassVar[str] = "extension"
