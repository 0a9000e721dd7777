"""The extension ``dkim`` passes the conformance kit."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from posthouse.testing import ExtensionContract

from .conftest import Zone


class TestDkim(ExtensionContract):
    kind = "dkim"

    @pytest.fixture
    def written(self, zone: Zone) -> dict[str, Any]:
        options: dict[str, Any] = tomllib.loads(zone.toml)["extensions"]["dkim"]
        return options
