"""Questions to a person."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from posthouse.cli.output import note

__all__ = ["ask", "ask_choice", "ask_secret", "can_ask"]


def can_ask() -> bool:
    """Return whether a person is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, default: str | None = None, *, explanation: str = "") -> str:
    """Ask for a text; Enter takes the default, and without one an answer is needed."""
    if explanation:
        note(explanation, dim=True)
    answer: str = click.prompt(question, default=default, err=True, show_default=bool(default))
    return answer.strip()


def ask_choice(question: str, choices: Sequence[str], default: str) -> str:
    """Ask for one of some words."""
    answer: str = click.prompt(question, default=default, err=True, type=click.Choice(list(choices)))
    return answer


def ask_secret(question: str) -> str:
    """Ask for a secret without showing it, twice."""
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=True, err=True)
    return answer
