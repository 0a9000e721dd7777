"""The pytest plugin of the kit: options, and the grades at the end. Loaded wherever Posthouse is installed."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["pytest_addoption", "pytest_configure", "pytest_runtest_makereport"]

_CASE = "_posthouse_case"  # what `grades.case` leaves on a function; nothing of the kit is loaded to look for it
_PROPERTY = "posthouse"
_FACTS = ("posthouse_import",)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the kit's options."""
    group = parser.getgroup("posthouse", "Posthouse conformance kit")
    group.addoption(
        "--posthouse-grade",
        choices=["bronze", "silver", "gold"],
        help="fail the run if a contract class stays below this grade, or there is none",
    )
    group.addoption("--posthouse-report", metavar="FILE", help="write the grades to a file, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Listen to what becomes of the cases; with xdist, where the reports of all workers come together."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Examiner(config), "posthouse-examiner")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Write onto the report which case it is about, and why it was skipped."""
    if isinstance(item, pytest.Function) and hasattr(item.function, _CASE):
        from posthouse.testing.papers import papers_of

        item.user_properties.append((_PROPERTY, papers_of(item, call.excinfo)))
    return (yield)


class _Examiner:
    """Collects the results, and gives the grades."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._standings: dict[str, Any] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down how a case went."""
        properties: dict[str, Any] = dict(report.user_properties)
        if _PROPERTY in properties:
            from posthouse.testing.papers import take_down

            facts = {name: properties[name] for name in _FACTS if name in properties}
            take_down(self._standings, report, properties[_PROPERTY], facts)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report, and fail the run that stays below the grade that was asked for."""
        if path := self._config.getoption("--posthouse-report"):
            plain = [standing.as_dict() for standing in self._standings.values()]
            Path(path).write_text(json.dumps(plain, indent=2, ensure_ascii=False) + "\n", "utf-8")
        if self._complaint() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the grades."""
        complaint = self._complaint()
        if not self._standings and not complaint:
            return
        terminalreporter.section("Posthouse conformance")
        for standing in self._standings.values():
            for line in standing.lines():
                terminalreporter.line(line)
        if complaint:
            terminalreporter.line(complaint, red=True)

    def _complaint(self) -> str:
        """Return why the run fails; empty if it does not."""
        wanted = self._config.getoption("--posthouse-grade")
        if not wanted:
            return ""
        from posthouse.testing.grades import Grade

        below = [one.title for one in self._standings.values() if not one.at_least(Grade(wanted))]
        if not self._standings:
            return f"--posthouse-grade={wanted}: no contract was run"
        return f"--posthouse-grade={wanted}: not reached by {', '.join(below)}" if below else ""
