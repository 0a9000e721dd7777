"""A progress bar for many messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from posthouse.receipts import Outcome

__all__ = ["progress_bar"]


class _RateColumn(ProgressColumn):
    """Messages per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="progress.data.speed")


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[Counter[Outcome]], None]]:
    """Show a bar on stderr; yields a function that is told the outcomes so far."""
    columns = (
        TextColumn("Sending"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[trouble]}", style="red", markup=False),
    )
    # rich would otherwise send what is printed to stdout, the receipts, to the terminal as well
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as progress:
        task = progress.add_task("", total=total, trouble="")

        def advance(counts: Counter[Outcome]) -> None:
            failed = sum(count for outcome, count in counts.items() if outcome is not Outcome.SENT)
            progress.update(task, completed=sum(counts.values()), trouble=f"{failed} not sent" if failed else "")

        yield advance
