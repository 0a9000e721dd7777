"""What the next step is, is said in a sentence: so it can stand alone, and behind another one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for folder in ("core", "plugins/*", "contrib/*") for path in ROOT.glob(f"{folder}/src/*"))


def texts(node: ast.expr) -> Iterator[str]:
    """Yield what a hint can be, with ``{}`` for what is only known when the program runs."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def hints(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "hint":
                        yield from texts(keyword.value)


def reads_well(text: str) -> bool:
    """Return whether it begins as a sentence does, and ends as one or with a command to be typed."""
    begins = text[0].isupper() or text[0] in "{`"
    return begins and (text.endswith((".", "?", "}", "{}")) or ": " in text)


@pytest.mark.parametrize("folder", SOURCES, ids=lambda path: path.name)
def test_a_hint_is_a_sentence_or_ends_with_a_command(folder: Path) -> None:
    assert [text for text in hints(folder) if not reads_well(text)] == []


def test_hints_were_found_and_a_bad_one_would_be() -> None:
    assert sum(1 for folder in SOURCES for _ in hints(folder)) > 150
    assert not reads_well("set it.")
    assert not reads_well("Set it")
