"""What `import posthouse` costs, beside `import aiosmtplib`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

from .cases import Case, Op, Server
from .measuring import Result
from .processes import Measured

__all__ = ["IMPORTS", "measure_imports"]

IMPORTS = Case("import", "import times", "", Server.POSTFIX, (), op=Op.SINGLE)
STATEMENTS = (
    "import aiosmtplib",
    "import posthouse",
    "from posthouse import Mailer, Message",
    "import smtplib, email.message",
)
CODE = """
import time
began, used = time.perf_counter(), time.process_time()
{statement}
print(time.perf_counter() - began, time.process_time() - used)
"""
IN_ONE_ROUND = 5


def measure_imports(rounds: int, say: Callable[[str], None]) -> Result:
    """Import each in interpreters of its own, taking turns."""
    result = Result(IMPORTS)
    if find_spec("aiosmtplib") is None:
        result.excluded["import aiosmtplib"] = "the package aiosmtplib is not installed"
    for number in range(rounds):
        say(f"import: round {number + 1} of {rounds}")
        for statement in STATEMENTS:
            if statement not in result.excluded:
                result.rounds.setdefault(statement, []).append(_imported(statement))
    return result


def _imported(statement: str) -> Measured:
    """Return the time of the quickest of a few imports, since nothing makes one quicker than it is."""
    command = [sys.executable, "-c", CODE.format(statement=statement)]
    times = []
    for _ in range(IN_ONE_ROUND):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        times.append(tuple(map(float, done.stdout.split())))
    wall, cpu = min(times)
    return Measured(1, wall, cpu, each=tuple(wall for wall, _ in times))
