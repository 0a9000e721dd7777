"""Renders a message to the bytes that travel, and reads finished messages.

`fallbacks` counts what was left to the standard library's `email`, by reason; `fallbacks.total()` is their number.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posthouse.mime.composer import render
    from posthouse.mime.fallback import fallbacks
    from posthouse.mime.rendered import Rendered

__all__ = ["Rendered", "fallbacks", "render"]

_HOME = {"Rendered": "rendered", "fallbacks": "fallback", "render": "composer"}


def __getattr__(name: str) -> Any:  # lazily, since reading an address needs only its encoded words
    if name not in _HOME:
        raise AttributeError(f"module 'posthouse.mime' has no attribute {name!r}")
    value = getattr(import_module(f"posthouse.mime.{_HOME[name]}"), name)
    globals()[name] = value
    return value
