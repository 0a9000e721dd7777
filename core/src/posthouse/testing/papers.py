"""What travels on a test's report, so that the grades are the same whichever process ran the case."""

from __future__ import annotations

import re
from typing import Any

import pytest

from posthouse.errors import PluginError
from posthouse.testing.grades import DoesNotApply, Grade, NotShown, case_of
from posthouse.testing.plugins import find
from posthouse.testing.standing import Ending, Result, Standing

__all__ = ["in_order", "papers_of", "take_down"]

_KIND = re.compile(r"^(AssertionError|Failed): ")


def papers_of(item: pytest.Function, excinfo: pytest.ExceptionInfo[BaseException] | None) -> dict[str, Any]:
    """Return as plain data which case an item is, of which contract class, and why it was skipped."""
    cls = item.cls
    cases = {name: found.grade.value for name in in_order(cls) if (found := case_of(getattr(cls, name)))}
    skipped = {DoesNotApply: Ending.DOES_NOT_APPLY, NotShown: Ending.NOT_SHOWN}
    ending = skipped.get(excinfo.type) if excinfo else None
    return {
        "contract": f"{item.module.__name__}.{cls.__qualname__}",
        "title": _title(cls.role, cls.kind),
        "name": item.originalname,
        "cases": cases,
        "ending": ending.value if ending else "",
        "reason": str(excinfo.value) if excinfo and ending else "",
    }


def take_down(
    standings: dict[str, Standing], report: pytest.TestReport, papers: dict[str, Any], facts: dict[str, Any]
) -> None:
    """Add what a report says to its contract's standing."""
    standing = standings.get(papers["contract"])
    if standing is None:
        results = {name: Result(Grade(grade)) for name, grade in papers["cases"].items()}
        standing = standings[papers["contract"]] = Standing(papers["title"], results)
    standing.facts |= facts
    if report.failed:
        standing.note(papers["name"], Ending.FAILED, _first_line(report))
    elif report.skipped:
        ending = Ending(papers["ending"] or Ending.NOT_SHOWN)
        standing.note(papers["name"], ending, papers["reason"] or _first_line(report))
    elif report.when == "call":
        standing.note(papers["name"], Ending.PASSED, "")


def in_order(cls: type) -> list[str]:
    """Return the names of a class's attributes, those of its first base first."""
    return list(dict.fromkeys(name for base in (*cls.__bases__, cls) for one in base.__mro__ for name in vars(one)))


def _title(role: str, kind: str) -> str:
    try:
        plugin = find(role, kind)
    except PluginError:
        return f"{kind} ({role})"
    return f"{kind} ({role}, {plugin.distribution} {plugin.version})"


def _first_line(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return _KIND.sub("", str(text).partition("\n")[0])
