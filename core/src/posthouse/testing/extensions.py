"""The contract of an extension, to subclass."""

from __future__ import annotations

from posthouse.testing.cases.description import DescriptionCases
from posthouse.testing.cases.extending import ExtendingCases
from posthouse.testing.cases.imports import ImportCases
from posthouse.testing.cases.secrets import SecretSettingsCases
from posthouse.testing.cases.settings import SettingsCases

__all__ = ["ExtensionContract"]


class ExtensionContract(DescriptionCases, ImportCases, ExtendingCases, SettingsCases, SecretSettingsCases):
    """Every case for an extension. Subclass it with ``kind``; it needs no peer.

    The fixture ``written`` gives its settings where some are required, ``sender`` says whose messages it is shown.

    ::

        class TestFooter(ExtensionContract):
            kind = "footer"
    """
