"""Fixtures: a stand-in for Entra ID, and a folder for tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse import sealing
from posthouse_sandbox import Authority, Sandbox
from posthouse_sandbox.entra import EntraDoor, Platform

# This folder's path holds a hyphen, so what its tests share has an absolute name.
sys.path.insert(0, str(Path(__file__).parent / "importable"))

from azure_oauth2_setup import ANNA, Entra, new_process


@pytest.fixture(autouse=True)
def token_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep tokens in a folder of the test, sealed with a key of its own, and in no memory from other tests."""
    folder = tmp_path / "tokens"
    monkeypatch.setenv("POSTHOUSE_TOKENS", str(folder))
    monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())
    new_process()
    yield folder
    new_process()


@pytest.fixture
def entra(tmp_path: Path, sandbox_ca: Authority) -> Iterator[Entra]:
    door = EntraDoor(auto_approve=ANNA)
    door.directory.application.redirect_uris["https://host.example/callback"] = Platform.PUBLIC
    with Sandbox(tmp_path / "sandbox", doors=[door], authority=sandbox_ca) as sandbox:
        yield Entra(door, sandbox)
