"""What the project holds itself to. Ratios are medians over rounds in which both sides sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .cases import BASELINE, TIMES

__all__ = ["BARS", "Bar", "Verdict", "verdicts"]

FASTER = f"{TIMES} the messages per second of"
LONGER = f"{TIMES} the time of"
MEGABYTES = "MB above the caller's data"
MILLISECONDS = "ms"


@dataclass(frozen=True)
class Bar:
    """One promise.

    Attributes:
        case: name of the case.
        entry: label of the contender that promises.
        value: the figure that must be reached, or with ``at_most`` not be exceeded.
        aim: what is aimed at.
        unit: of both.
        against: label of the contender that it is compared with; empty for an absolute figure.
        at_most: True if less is better.
    """

    case: str
    entry: str
    value: float
    aim: float
    unit: str = FASTER
    against: str = BASELINE
    at_most: bool = False


BARS = (
    Bar("small", "Posthouse", 10, 18),
    Bar("small-4", "Posthouse, 4 connections", 18, 34),
    Bar("small-4", "Posthouse, 4 connections", 8, 8, against="Nodemailer, pool of 4"),
    Bar("recipients", "Posthouse", 50, 100),
    Bar("far", "Posthouse", 3.8, 4),
    Bar("far", "Posthouse, CHUNKING", 40, 130),
    Bar("far-recipients", "Posthouse", 90, 100),
    Bar("far-recipients", "Posthouse, CHUNKING", 800, 3000),
    Bar("file-10", "Posthouse", 18, 60),
    Bar("memory", "Posthouse", 2, 0.2, MEGABYTES, "", at_most=True),
    Bar("single", "Posthouse, Mailer", 1.0, 0.5, LONGER, at_most=True),
    Bar("import", "import posthouse", 1.3, 1.0, LONGER, "import aiosmtplib", at_most=True),
    Bar("discovery", "Posthouse", 30, 5, MILLISECONDS, "", at_most=True),
)


@dataclass(frozen=True)
class Verdict:
    """A bar and what was measured; None if it was not."""

    bar: Bar
    measured: float | None

    @property
    def held(self) -> bool:
        if self.measured is None:
            return False
        return self.measured <= self.bar.value if self.bar.at_most else self.measured >= self.bar.value


def verdicts(figures: Mapping[tuple[str, str, str], float], cases: set[str]) -> list[Verdict]:
    """Judge the bars of the cases that were run.

    Args:
        figures: by case, entry and what it is compared with.
        cases: their names.
    """
    return [Verdict(bar, figures.get((bar.case, bar.entry, bar.against))) for bar in BARS if bar.case in cases]
