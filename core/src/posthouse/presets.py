"""Providers whose servers are known: ``preset = "gmail-smtp"`` fills what an account does not say itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Factory, frozen

__all__ = ["Preset", "get", "names"]


@frozen(kw_only=True)
class Preset:
    """What is known of a provider.

    Attributes:
        name: the word that ``preset`` names.
        label: what a person calls the provider.
        transport: options of the transport, ``kind`` included.
        auth: options of the sign-in.
        delivery: limits that the provider states.
        note: what to know before the first mail.
        url: the provider's own page about it.
    """

    name: str
    label: str
    transport: Mapping[str, Any] = Factory(dict)
    auth: Mapping[str, Any] = Factory(dict)
    delivery: Mapping[str, Any] = Factory(dict)
    note: str = ""
    url: str = ""


def names() -> tuple[str, ...]:
    """Return the names of all presets."""
    raise NotImplementedError


def get(name: str) -> Preset:
    """Return a preset.

    Raises:
        ConfigurationError: there is none of this name (``configuration.preset``); the hint names similar ones.
    """
    raise NotImplementedError
