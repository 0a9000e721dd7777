"""Grades, what each case counts for, and how a case says that it was not shown or does not apply."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

import pytest
from attrs import frozen

__all__ = ["Case", "DoesNotApply", "Grade", "NotShown", "case", "case_of", "not_shown"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_ATTRIBUTE = "_posthouse_case"


class Grade(StrEnum):
    """How far a provider can be trusted. Each grade needs all cases of the grades before it.

    A grade is reached if every case that counts for it, and applies, passed. A case that was not shown or not run does
    not pass.
    """

    NONE = "none"
    """A case of bronze failed: do not use it."""
    BRONZE = "bronze"
    """Safe to install and to try: it is what it says it is, loads and contacts nothing unasked, tells no secret,
    and a message arrives whole, at the envelope's recipients alone."""
    SILVER = "silver"
    """Fails well: each trouble of a server becomes the right error or outcome, nothing is lost, nothing is sent twice,
    and the test of an account helps."""
    GOLD = "gold"
    """Made for daily work: cancelled, hurried and used by many at once it does not stumble, and large messages, batches
    and settings of older versions are no trouble."""


@frozen
class Case:
    """What a case counts for.

    Attributes:
        grade: the first grade that needs it.
        hook: the hook that the plugin must have for the case to apply; empty for any.
        capability: the capability that it must declare; empty for any.
    """

    grade: Grade
    hook: str = ""
    capability: str = ""


class NotShown(pytest.skip.Exception):  # type: ignore[misc, name-defined]
    """The author's peer cannot do what the case needs."""


class DoesNotApply(pytest.skip.Exception):  # type: ignore[misc, name-defined]
    """The plugin does not claim what the case is about."""


def case(grade: Grade, *, hook: str = "", capability: str = "") -> Callable[[_Function], _Function]:
    """Make a test function a case that counts for a grade."""

    def mark(function: _Function) -> _Function:
        setattr(function, _ATTRIBUTE, Case(grade, hook, capability))
        return pytest.mark.asyncio(function) if inspect.iscoroutinefunction(function) else function

    return mark


def case_of(function: Any) -> Case | None:
    """Return what a test function counts for; None if it is no case of the kit."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Case) else None


def not_shown(peer: object, method: str) -> NoReturn:
    """Say that a peer does not do what a case needs: it is impossible, or its author did not override the method."""
    reason = getattr(peer, "impossible", {}).get(method)
    if reason:
        raise DoesNotApply(f"{method}: {reason}")
    raise NotShown(f"override {type(peer).__name__}.{method}")
