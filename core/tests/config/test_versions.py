"""Presets and versions of settings in the file: each part is read for the version that it was written for."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse import presets
from posthouse.config import Configuration, parse
from posthouse.presets import Preset


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = {"kind": "acme", "server": "acme.example", "port": 1, "settings_version": "2.0"}
    known = {"acme": Preset(name="acme", label="Acme", transport=transport)}
    monkeypatch.setattr(presets, "_all", lambda: known)


def transport(text: str) -> tuple[Configuration, Any]:
    configuration = parse(f'[accounts.a]\npreset = "acme"\n{text}', "posthouse.toml")
    return configuration, configuration.accounts["a"].transport


def test_the_version_of_a_preset_is_not_that_of_the_table() -> None:
    configuration, selection = transport("transport = { port = 2 }\n")
    assert dict(selection.options) == {"server": "acme.example", "port": 2}
    assert dict(selection.options.preset) == {"server": "acme.example", "settings_version": "2.0"}
    assert configuration.origin("accounts.a.transport.server") == "preset acme"


def test_the_table_says_its_own() -> None:
    _, selection = transport('transport = { port = 2, settings_version = "3.0" }\n')
    assert dict(selection.options) == {"server": "acme.example", "port": 2, "settings_version": "3.0"}
    assert selection.options.preset["settings_version"] == "2.0"


def test_a_preset_for_another_kind_fills_nothing_of_its_version() -> None:
    _, selection = transport('transport = { kind = "other", port = 2 }\n')
    assert dict(selection.options) == {"port": 2}
    assert dict(selection.options.preset) == {}
