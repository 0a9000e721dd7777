"""The extension ``otel`` passes the conformance kit."""

from __future__ import annotations

from posthouse.testing import ExtensionContract


class TestOtel(ExtensionContract):
    kind = "otel"
