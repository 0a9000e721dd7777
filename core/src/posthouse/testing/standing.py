"""How a plugin stands: what became of its cases, the grade that follows, and what is missing for the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from attrs import define, field, frozen

from posthouse.testing.grades import Grade

__all__ = ["Ending", "Result", "Standing"]

_LADDER = (Grade.BRONZE, Grade.SILVER, Grade.GOLD)


class Ending(StrEnum):
    """What became of a case; of one that runs several times, the worst."""

    PASSED = "passed"
    DOES_NOT_APPLY = "does not apply"
    NOT_RUN = "not run"
    NOT_SHOWN = "not shown"
    FAILED = "failed"


_WORST_LAST = list(Ending)


@frozen
class Result:
    """What became of a case.

    Attributes:
        grade: the grade that it counts for.
        ending: how it ended.
        reason: why it did not apply, was not shown, or failed; one line.
    """

    grade: Grade
    ending: Ending = Ending.NOT_RUN
    reason: str = ""

    @property
    def counts(self) -> bool:
        """True if it does not stand in the way of its grade."""
        return self.ending in (Ending.PASSED, Ending.DOES_NOT_APPLY)


@define
class Standing:
    """One contract class.

    Attributes:
        title: which plugin.
        results: by the case's name, in the order of the cases.
        facts: what was measured and is not judged.
    """

    title: str
    results: dict[str, Result] = field(factory=dict)
    facts: dict[str, Any] = field(factory=dict)

    def note(self, name: str, ending: Ending, reason: str) -> None:
        """Take down how a case ended."""
        before = self.results[name]
        if before.ending is Ending.NOT_RUN or _WORST_LAST.index(ending) > _WORST_LAST.index(before.ending):
            self.results[name] = Result(before.grade, ending, reason)

    @property
    def grade(self) -> Grade:
        """The highest grade that is reached."""
        reached = Grade.NONE
        for grade in _LADDER:
            if any(self._missing(grade)):
                break
            reached = grade
        return reached

    @property
    def next(self) -> Grade | None:
        """The grade above; None at the top."""
        above = [Grade.NONE, *_LADDER].index(self.grade)
        return _LADDER[above] if above < len(_LADDER) else None

    def at_least(self, grade: Grade) -> bool:
        """Tell whether a grade is reached."""
        return not any(name for each in _LADDER[: _LADDER.index(grade) + 1] for name in self._missing(each))

    def lines(self) -> Iterator[str]:
        """Yield what a person should know."""
        selection = any(result.ending is Ending.NOT_RUN for result in self.results.values())
        yield f"{self.title}: {'no grade, since not every case was run' if selection else self.grade}"
        counts = {ending: sum(result.ending is ending for result in self.results.values()) for ending in Ending}
        yield "  " + ", ".join(f"{count} {_plural(ending, count)}" for ending, count in counts.items() if count)
        if loading := self.facts.get("posthouse_import"):
            ratio = loading["plugin"] / loading["core"]
            judged = "within" if ratio <= loading["budget"] else "above"
            yield (
                f"  import: {loading['plugin'] * 1000:.0f} ms, {ratio:.1f} times that of Posthouse's contract, "
                f"{judged} the budget of {loading['budget']:.1f}"
            )
        idle: dict[str, list[str]] = {}
        for name, result in self.results.items():
            if result.ending is Ending.DOES_NOT_APPLY:
                idle.setdefault(result.reason, []).append(name)
        for reason, names in idle.items():
            yield f"  {reason}: {', '.join(names)} {_plural(Ending.DOES_NOT_APPLY, len(names))}"
        if self.next is not None and not selection:
            wanting: dict[str, list[str]] = {}
            for name in self._missing(self.next):
                wanting.setdefault(_was(self.results[name]), []).append(name)
            yield from (f"  for {self.next}: {', '.join(names)} {was}" for was, names in wanting.items())

    def as_dict(self) -> Mapping[str, Any]:
        """Return it as plain data, as ``--posthouse-report`` writes it."""
        return {
            "title": self.title,
            "grade": self.grade.value,
            "next": self.next.value if self.next else None,
            "cases": {
                name: {"grade": result.grade.value, "ending": result.ending.value, "reason": result.reason}
                for name, result in self.results.items()
            },
            "facts": self.facts,
        }

    def _missing(self, grade: Grade) -> Iterator[str]:
        return (name for name, result in self.results.items() if result.grade is grade and not result.counts)


def _plural(ending: Ending, count: int) -> str:
    return "do not apply" if ending is Ending.DOES_NOT_APPLY and count > 1 else ending.value


def _was(result: Result) -> str:
    verb = "failed" if result.ending is Ending.FAILED else f"was {result.ending.value}"
    return f"{verb}: {result.reason}" if result.reason else verb
