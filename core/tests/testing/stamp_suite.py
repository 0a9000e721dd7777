"""The conformance tests of the extension in stamp.py, as its author would write them."""

from __future__ import annotations

from posthouse.testing import ExtensionContract


class TestStamp(ExtensionContract):
    kind = "stamp"
