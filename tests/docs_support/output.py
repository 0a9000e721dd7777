"""What a page shows, and what a program printed: compared after what differs from run to run is replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["commands", "compare"]


def commands(source: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with what it prints."""
    for part in re.split(r"^\$ ", source, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        count = 1
        while lines[count - 1].endswith("\\\n"):
            count += 1
        yield "".join(lines[:count]), "".join(lines[count:])


_VOLATILE = (
    (r"\x1b\[[0-9;?]*[A-Za-z]", ""),
    (r"\r+\n", "\n"),
    (r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", "FINGERPRINT"),
    (r"[^\n]*\r(?=[^\n])", ""),  # a progress bar that was drawn over
    (r"\b\d+(?:\.\d+)? m?s\b", "TIME"),
    (r"(\d|localhost|example):\d{4,5}\b", r"\1:PORT"),
    (r"<[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+@", "<ID@"),
    (r"Received as [0-9a-f]{12}", "Received as ID"),
    (r"\d{8}T\d{6}\.\d+Z", "STAMP"),
    (r"-[0-9a-f]{12}\.(eml|json)", r"-ID.\1"),
    (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
    (r"\b[\d.]+/s \d\d:\d\d\b", "RATE"),
    (r"\b\d+ bytes\b", "N bytes"),
    (r"(?<![\d.])\d+\.\d+\.\d+(?=[\s):]|$)", "VERSION"),
    (r"[─━-]{3,}", "---"),
)


def normalised(text: str, folder: Path) -> str:
    """Return words, one space apart: a terminal may break lines where it likes."""
    text = text.replace(str(folder), "/srv/mail")
    for pattern, replacement in _VOLATILE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return " ".join(text.split())


def compare(expected: str, output: str, folder: Path) -> None:
    """Check that the output is what the page shows."""
    wanted, got = normalised(expected, folder), normalised(output, folder)
    pattern = ".*".join(map(re.escape, wanted.split("…")))
    assert re.fullmatch(pattern, got), f"the page shows\n{expected}\nand it is\n{output}"
