"""The provider file is complete, and what it says fits."""

from __future__ import annotations

import pytest

from posthouse import presets
from posthouse.accounts import DeliveryLimits
from posthouse.errors import ConfigurationError
from posthouse.structuring import structure


@pytest.mark.parametrize("name", presets.names())
def test_preset(name: str) -> None:
    preset = presets.get(name)
    assert preset.label
    assert preset.transport["kind"] in {"smtp", "smtps", "starttls"}
    assert preset.transport["host"]
    assert isinstance(preset.transport["port"], int)
    assert preset.transport["port"] == {"smtps": 465, "starttls": 587}.get(preset.transport["kind"], 1025)
    assert preset.auth.get("kind", "password") == "password"
    assert isinstance(structure(DeliveryLimits, preset.delivery), DeliveryLimits)
    assert preset.url.startswith("https://") or not preset.url


def test_unknown_preset_names_similar_ones() -> None:
    with pytest.raises(ConfigurationError, match="'gmail-smtp'") as caught:
        presets.get("gmail")
    assert caught.value.code == "configuration.preset"
    with pytest.raises(ConfigurationError, match="'sendgrid'"):
        presets.get("sengrid")
    with pytest.raises(ConfigurationError, match=r"known: .*postmark"):
        presets.get("§")
