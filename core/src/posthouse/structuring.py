"""Settings as they were written → an instance of a settings class, and back without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from posthouse.errors import Problem

__all__ = ["redact", "structure", "unstructure", "weaknesses"]

T = TypeVar("T")


def structure(cls: type[T], options: Mapping[str, Any], *, path: str = "", source: str = "") -> T:
    """Return an instance of a settings class.

    Args:
        cls: an attrs class made with `posthouse.schema.setting`.
        options: the settings as written. A `posthouse.accounts.Options` knows the folder that relative paths start
            from, and whether all values are text because they came from a URL; pass it on as it is.
        path: where the settings stand, for messages: ``accounts.office.transport``.
        source: the file or URL, for messages.

    Raises:
        ConfigurationError: its ``problems`` name every setting that is unknown, missing, of the wrong type or not
            allowed, with what was found (never a secret) and what was expected.
    """
    raise NotImplementedError


def unstructure(settings: Any) -> dict[str, Any]:
    """Return settings as plain data that can be shown: a secret as its reference, or ``"***"``."""
    raise NotImplementedError


def redact(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings whose class is unknown as plain data that can be shown: every text but a reference is hidden."""
    raise NotImplementedError


def weaknesses(settings: Any, *, path: str = "") -> tuple[Problem, ...]:
    """Return a warning for each secret that is not well kept: written into the file, or in a file others can read."""
    raise NotImplementedError
