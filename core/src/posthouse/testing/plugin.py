"""The pytest plugin of the kit: options, and the grades at the end. Loaded wherever Posthouse is installed."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the kit's options."""
    group = parser.getgroup("posthouse", "Posthouse conformance kit")
    group.addoption(
        "--posthouse-grade",
        choices=["bronze", "silver", "gold"],
        help="fail the run if a contract class stays below this grade, or there is none",
    )
    group.addoption("--posthouse-report", metavar="FILE", help="write the grades to a file, as JSON")
