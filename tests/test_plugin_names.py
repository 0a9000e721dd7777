"""The names that doctor compares others with are those that this repository brings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from posthouse._discovery.lookalikes import DISTRIBUTIONS, KINDS

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = [
    tomllib.loads(path.read_text("utf-8"))["project"]
    for folder in ("core", "plugins/*", "contrib/*")
    for path in sorted(ROOT.glob(f"{folder}/pyproject.toml"))
]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project["name"])
def test_distributions_and_kinds_are_known(project: dict[str, Any]) -> None:
    assert project["name"] in DISTRIBUTIONS
    for group, points in project.get("entry-points", {}).items():
        if group.startswith("posthouse."):
            role = group.split(".")[1].removesuffix("s")
            assert points.keys() <= KINDS[role]
