"""Tables of what was measured, and the page in the documentation."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

from .bars import MEGABYTES, Verdict
from .cases import BASELINE, TIMES, Op
from .measuring import Result, rate, ratio
from .processes import Measured

__all__ = ["figures", "number", "tables", "verdict_table", "write_page"]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "performance.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
MEGABYTE = 1024 * 1024


def figures(results: Iterable[Result]) -> dict[tuple[str, str, str], float]:
    """Return what bars are about, by case, entry and what it is compared with."""
    found: dict[tuple[str, str, str], float] = {}
    for result in results:
        op = result.case.op
        for label in result.rounds:
            if op is Op.MEMORY:
                found[result.case.name, label, ""] = _peak(result.rounds[label])
                continue
            if op is Op.SINGLE:
                found[result.case.name, label, ""] = median(map(_single, result.rounds[label])) * 1000  # ms
            for against in result.rounds:
                value = ratio(result, label, against, rate if op is Op.SEND else _single)
                assert value is not None
                found[result.case.name, label, against] = value
    return found


def tables(results: Iterable[Result]) -> str:
    """Return a table per case, in Markdown."""
    return "\n".join(_table(result) for result in results)


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Return a table of the bars."""
    rows = []
    for verdict in verdicts:
        bar = verdict.bar
        measured = "not measured" if verdict.measured is None else f"{verdict.measured:.3g}"
        sign = "≤" if bar.at_most else "≥"
        unit = f"{bar.unit} {bar.against}".strip()
        held = "yes" if verdict.held else "**no**"
        rows.append((bar.case, bar.entry, f"{sign} {bar.value:g} {unit}", f"{bar.aim:g}", measured, held))
    return _markdown(("case", "who", "bar", "aim", "measured", "held"), rows)


def write_page(results: Sequence[Result], verdicts: Sequence[Verdict], rounds: int) -> None:
    """Put the figures into the page, between its two marks; the words around them stay."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{PAGE} has lost the marks {BEGIN!r} and {END!r}")
    measured = f"{_circumstances(rounds)}\n\n### The bars\n\n{verdict_table(verdicts)}\n{tables(results)}\n"
    PAGE.write_text(f"{before}{BEGIN}\n{measured}{END}{after}", "utf-8")
    if find_spec("matplotlib") is None:
        print("The plot was not drawn: the package matplotlib is not installed.", file=sys.stderr)
        return
    from .plot import draw

    draw(results, PAGE.with_suffix(".svg"))


def _circumstances(rounds: int) -> str:
    return (
        f"Measured on {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), "
        f"Python {'.'.join(map(str, sys.version_info[:3]))}, at most {rounds} rounds."
    )


def _table(result: Result) -> str:
    case = result.case
    columns, row = {
        Op.SEND: (("", f"{TIMES} {BASELINE}", "messages/s", "CPU s per 1000", "compared"), _send_row),
        Op.SINGLE: (("", "time", "median µs", "95 %", "99 %", "CPU s per 1000", "compared"), _single_row),
        Op.MEMORY: (("", MEGABYTES, "compared"), _memory_row),
    }[case.op]
    rows = [row(result, label) for label in result.rounds]
    lines = [f"### {case.title[0].upper()}{case.title[1:]} (`{case.name}`)", "", _markdown(columns, rows)]
    lines += [f"Not measured: {label}, since {why}.\n" for label, why in result.excluded.items()]
    lines += [f"**Does not count: {label}: {why}.**\n" for label, why in result.wrong.items()]
    return "\n".join(lines)


def _send_row(result: Result, label: str) -> tuple[str, ...]:
    rounds = result.rounds[label]
    against = ratio(result, label, BASELINE, rate)
    return (
        label,
        number(against),
        f"{median(map(rate, rounds)):,.0f}" if median(map(rate, rounds)) >= 10 else number(median(map(rate, rounds))),
        number(_cpu(rounds)),
        f"{result.verified[label]}",
    )


def _single_row(result: Result, label: str) -> tuple[str, ...]:
    rounds = result.rounds[label]
    baseline = BASELINE if BASELINE in result.rounds else next(iter(result.rounds))
    against = ratio(result, label, baseline, _single)
    each = [seconds * 1e6 for measured in rounds for seconds in measured.each]
    cuts = quantiles(each * 2, n=100, method="inclusive")  # twice, since of a single one there are no percentiles
    return (
        label,
        f"{number(against)} {TIMES} {baseline}",
        *(f"{cuts[percent - 1]:,.0f}" for percent in (50, 95, 99)),
        number(_cpu(rounds)),
        f"{result.verified.get(label, 0) or ''}",
    )


def _memory_row(result: Result, label: str) -> tuple[str, ...]:
    return label, number(_peak(result.rounds[label])), f"{result.verified[label]}"


def _single(measured: Measured) -> float:
    return median(measured.each)


def _peak(rounds: Sequence[Measured]) -> float:
    return median(measured.peak for measured in rounds) / MEGABYTE


def _cpu(rounds: Sequence[Measured]) -> float:
    return median(measured.cpu / measured.count * 1000 for measured in rounds)


def number(value: float | None) -> str:
    """Return a figure as it stands in a table."""
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---", *("---:" for _ in columns[1:])], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
