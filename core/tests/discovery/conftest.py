"""A folder with installed plugins, for programs in processes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugin_sites import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty folder of ``sys.path`` and an empty folder to work in."""
    return Site(tmp_path)
