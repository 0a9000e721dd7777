"""Fixtures: a sandbox for a test, and the authority that its servers' certificates come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from posthouse_sandbox import Authority, Sandbox

__all__ = ["sandbox", "sandbox_ca"]


@pytest.fixture(scope="session")
def sandbox_ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority for the whole test run."""
    from posthouse_sandbox import Authority

    return Authority(tmp_path_factory.mktemp("sandbox-ca"))


@pytest.fixture
def sandbox(tmp_path: Path, sandbox_ca: Authority) -> Iterator[Sandbox]:
    """A running sandbox with an empty inbox and every door, for synchronous and asynchronous tests alike."""
    from posthouse_sandbox import Sandbox

    with Sandbox(tmp_path / "sandbox", authority=sandbox_ca) as running:
        yield running
