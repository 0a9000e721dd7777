"""Rounds: in each, every contender of a case sends one batch, one after the other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median

from .cases import Case, Entry, Op, Server
from .processes import BrokenContenderError, Contender, Measured, missing, start
from .samples import sample
from .sinks import CAPACITY, Sink, delayed, postfix_sink, recording_sink
from .verification import WrongCopyError

__all__ = ["Result", "measure", "rate", "ratio"]

MOST = 2000
"""Messages in one batch."""
MOST_WARMING = 1.0
"""Seconds; a contender that takes longer for its batch is not warmed up once more."""
BARE = 4
"""Messages without files, to warm up."""


@dataclass
class Result:
    """What was measured in a case.

    Attributes:
        case: the case.
        rounds: by entry, one batch per round.
        verified: by entry, how many messages were compared with the server's copy.
        excluded: by entry, why it has no figures.
        wrong: by entry, what about the server's copy is wrong.
    """

    case: Case
    rounds: dict[str, list[Measured]] = field(default_factory=dict)
    verified: dict[str, int] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def measure(case: Case, rounds: int, effort: float, folder: Path, say: Callable[[str], None]) -> Result:
    """Run a case.

    Args:
        case: what to run.
        rounds: how many, at most.
        effort: factor on how long each contender is busy in a round.
        folder: for files that live as long as the run.
        say: called with a line of progress.
    """
    result = Result(case)
    bare = BARE if case.op is Op.MEMORY else 0
    content = replace(sample(case.kind, case.recipients, folder), bare=bare, strangers=case.strangers)
    for entry in case.entries:
        if why := missing(entry):
            result.excluded[entry.label] = why
    try:
        with _way(case, folder) as (sink, port):
            begin = partial(start, sample=content, port=port, ca=sink.ca, folder=folder)
            # The sink keeps a batch, and those before it that only warm up.
            most = min(MOST, CAPACITY // (4 * content.size))
            run = _in_fresh_processes if case.op is Op.MEMORY else partial(_in_warm_processes, most=most)
            run(result, begin, sink, min(rounds, case.most_rounds), effort, say)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        result.excluded = {entry.label: f"the server cannot run: {error}" for entry in case.entries}
    for label in result.wrong:
        result.rounds.pop(label, None)
    return result


def _in_warm_processes(
    result: Result,
    begin: Callable[[Entry], Contender],
    sink: Sink,
    rounds: int,
    effort: float,
    say: Callable[[str], None],
    most: int,
) -> None:
    case = result.case
    with ExitStack() as stack:
        taking_part: dict[str, tuple[Contender, int]] = {}
        for entry in case.entries:
            if entry.label not in result.excluded:
                say(f"{case.name}: {entry.label}")
                contender = stack.enter_context(closing(begin(entry)))
                with _judged(result, entry.label, contender, sink):
                    taking_part[entry.label] = (contender, _calibrate(contender, case, effort, most))
        for number in range(rounds):
            say(f"{case.name}: round {number + 1} of {rounds}")
            order = [label for label in taking_part if label not in result.wrong]
            first = number % len(order)
            for label in order[first:] + order[:first]:
                contender, count = taking_part[label]
                with _judged(result, label, contender, sink):
                    result.rounds.setdefault(label, []).append(contender.run(case.op, count))


def _in_fresh_processes(
    result: Result,
    begin: Callable[[Entry], Contender],
    sink: Sink,
    rounds: int,
    effort: float,
    say: Callable[[str], None],
) -> None:
    """A process that sent such a message once has the memory for the next one, so each round needs another one."""
    for number in range(rounds):
        say(f"{result.case.name}: round {number + 1} of {rounds}")
        for entry in result.case.entries:
            if entry.label not in result.excluded:
                with closing(begin(entry)) as contender, _judged(result, entry.label, contender, sink):
                    contender.run(Op.SEND, BARE)  # loads what is loaded late, and connects
                    result.rounds.setdefault(entry.label, []).append(contender.run(Op.MEMORY, 1))


def ratio(result: Result, label: str, against: str, figure: Callable[[Measured], float]) -> float | None:
    """Return the median over rounds of one contender's figure by another's; None if one of them has none."""
    pairs = zip(result.rounds.get(label, ()), result.rounds.get(against, ()), strict=False)
    found = [figure(one) / figure(other) for one, other in pairs]
    return median(found) if found else None


def rate(measured: Measured) -> float:
    """Return messages per second."""
    return measured.count / measured.wall


def _calibrate(contender: Contender, case: Case, effort: float, most: int) -> int:
    """Warm up, and find out how many messages keep a contender busy for as long as the case wants."""
    goal = case.seconds * effort
    contender.run(case.op, 1)  # connects, and loads what is loaded late
    count, took = 1, 0.0
    while took < goal / 3 and count < most:
        took = contender.run(case.op, count).wall
        count = max(1, min(most, count * 16, round(count * goal / took)))
    if took < MOST_WARMING:
        contender.run(case.op, count)  # just-in-time compilers want more than a few
    return count


@contextmanager
def _judged(result: Result, label: str, contender: Contender, sink: Sink) -> Iterator[None]:
    """Compare what was sent with the server's copies, and note what is wrong."""
    try:
        yield
        result.verified[label] = result.verified.get(label, 0) + contender.verify(sink.take())
    except (BrokenContenderError, WrongCopyError, ValueError) as error:
        result.wrong.setdefault(label, str(error))
        sink.forget()  # or the next contender would be blamed


@contextmanager
def _way(case: Case, folder: Path) -> Iterator[tuple[Sink, int]]:
    """Start the server, and the long way to it; yield the server and the port to connect to."""
    with ExitStack() as stack:
        if case.server is Server.POSTFIX:
            sink = stack.enter_context(postfix_sink(folder))
        else:
            sink = stack.enter_context(recording_sink(folder, tls=case.server is Server.RECORDING_TLS))
        port = stack.enter_context(delayed(sink.port, case.delay)) if case.delay else sink.port
        yield sink, port
