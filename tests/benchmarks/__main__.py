"""`python -m tests.benchmarks`: measure, compare, judge."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .bars import verdicts
from .cases import CASES
from .discovery import DISCOVERY, measure_discovery
from .imports import IMPORTS, measure_imports
from .measuring import Result, measure
from .report import figures, tables, verdict_table, write_page

ROUNDS, QUICK_ROUNDS = 7, 2
OTHERS = ((IMPORTS, measure_imports), (DISCOVERY, measure_discovery))
"""What is measured in interpreters of its own, without a server."""
QUICK_EFFORT = 0.35


def main(arguments: list[str]) -> int:
    """Run the benchmarks; return 1 if a bar was missed or a copy was wrong."""
    names = [case.name for case in (*CASES, *(case for case, _ in OTHERS))]
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="two short rounds, and fewer peers; leaves the page as it is"
    )
    parser.add_argument("--case", action="append", choices=names, help="only this case (may be repeated)")
    parser.add_argument("--rounds", type=int, help=f"how many (default {ROUNDS})")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n".join(f"{case.name:15} {case.title}" for case in (*CASES, *(case for case, _ in OTHERS))))
        return 0
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    results = run(options.case or names, rounds, quick=options.quick)
    judged = verdicts(figures(results), {result.case.name for result in results})
    print(tables(results))
    print(verdict_table(judged))
    if not options.case and not options.quick:
        write_page(results, judged, rounds)
    wrong = [f"{result.case.name}, {label}: {why}" for result in results for label, why in result.wrong.items()]
    missed = [f"{verdict.bar.case}, {verdict.bar.entry}" for verdict in judged if not verdict.held]
    for line in (*wrong, *(f"bar missed: {text}" for text in missed)):
        print(line, file=sys.stderr)
    return 1 if wrong or missed else 0


def run(names: list[str], rounds: int, *, quick: bool) -> list[Result]:
    """Run the cases of these names, in the order in which they are listed."""
    results = []
    # In memory where that is possible, so that no disk is measured.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="posthouse-bench-", dir=memory if memory.is_dir() else None) as folder:
        for case in CASES:
            if case.name in names:
                chosen = case.without_slow() if quick else case
                # Over distance the first round trip of a batch counts for more the shorter the batch is.
                effort = QUICK_EFFORT if quick and not case.delay else 1.0
                results.append(measure(chosen, rounds, effort, Path(folder), say))
        results += [measure_other(rounds, say) for case, measure_other in OTHERS if case.name in names]
    return results


def say(line: str) -> None:
    """Show progress, apart from the tables."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
