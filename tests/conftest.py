"""Says what a run of all tests left out, so that nobody reads a pass into it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
collect_ignore = ["example-provider"]  # `test_example_provider` runs its tests, in an environment of their own

ONLY_ON_REQUEST = {"servers": "REAL SERVERS NOT RUN", "browser": "BROWSER NOT RUN"}
"""Folder and marker, and what is said when a run would have come by them."""


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the last lines of the summary
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Name what nobody asked for."""
    yield
    # From the command line alone: where several processes run the tests, this one collects nothing.
    named = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    for marker, headline in ONLY_ON_REQUEST.items():
        on_the_way = any((HERE / marker).is_relative_to(path) and (HERE / marker) != path for path in named)
        if on_the_way and f"not {marker}" in config.option.markexpr:
            terminalreporter.line(f"{headline}: not asked for; nox -s {marker} does")
