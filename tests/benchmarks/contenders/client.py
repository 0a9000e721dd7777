"""What a contender is, and the process that it runs in.

``python -m tests.benchmarks.contenders.client MODULE`` reads a `Job` as one line of JSON, then one line per batch,
``{"op", "first", "count"}``, and answers each with one line:

=============  =========================================================================================================
``send``       ``{"wall", "cpu"}``, seconds from the first message's making to the last answer
``single``     the same, and ``"each"``: the seconds of every single message, sent one after the other
``memory``     ``{"peak"}``: by how many bytes sending made the process grow beyond what it held before
=============  =========================================================================================================
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from ..samples import Sample, load

__all__ = ["Client", "Job"]


@dataclass(frozen=True)
class Job:
    """What to send, and where.

    Attributes:
        sample: the message, but for its number.
        port: of the server, on the loopback interface.
        ca: file of the test CA if the server speaks TLS; empty otherwise.
        connections: how many may be used.
        options: for this contender alone.
    """

    sample: Sample
    port: int
    ca: str
    connections: int
    options: dict[str, Any]
    host: str = "127.0.0.1"


class Client(Protocol):
    """A mail client with open connections, as it is used in practice."""

    def send(self, numbers: range) -> None:
        """Send these messages as fast as the client can; return when the server took the last one."""

    def send_one(self, number: int) -> None:
        """Send one message, and return when the server took it."""

    def close(self) -> None:
        """Say goodbye."""


def main(module: str) -> None:
    lines = iter(sys.stdin)
    given = json.loads(next(lines))
    client: Client = import_module(f"tests.benchmarks.contenders.{module}").open_client(
        Job(**{**given, "sample": load(given["sample"])})
    )
    for answer in answers(client, lines):
        print(json.dumps(answer), flush=True)
    client.close()


def answers(client: Client, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        batch = json.loads(line)
        numbers = range(batch["first"], batch["first"] + batch["count"])
        if batch["op"] == "memory":
            before = start_of_peak()
            client.send(numbers)
            yield {"peak": status("VmHWM") - before}
            continue
        each: list[float] = []
        wall, cpu = time.perf_counter(), time.process_time()
        if batch["op"] == "send":
            client.send(numbers)
        else:
            for number in numbers:
                began = time.perf_counter()
                client.send_one(number)
                each.append(time.perf_counter() - began)
        yield {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "each": each}


def start_of_peak() -> int:
    """Make the kernel forget the largest size that this process had, and return the present one."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return status("VmRSS")


def status(name: str) -> int:
    """Return a figure of this process in bytes (proc(5))."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


if __name__ == "__main__":
    main(sys.argv[1])
