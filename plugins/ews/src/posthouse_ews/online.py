"""Exchange Online, where EWS is coming to its end. Hosts and dates are in `online.toml`."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

__all__ = ["Ending", "ending_at", "is_microsofts"]


@frozen
class Ending:
    """Why an address does not stay.

    Attributes:
        cause: what ends, and when.
        next: what to do about it.
    """

    cause: str
    next: str


def ending_at(url: str) -> Ending | None:
    """Return what the owner of an account at this address should know; None on premises."""
    data = _data()
    if (urlsplit(url).hostname or "").rstrip(".").lower() not in data["hosts"]:
        return None
    return Ending(data["cause"], data["next"])


def is_microsofts(host: str) -> bool:
    """Return whether Autodiscover may lead to this host from any domain."""
    data = _data()
    return host.lower() in (*data["hosts"], *data["autodiscover"])


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    return tomllib.loads(files("posthouse_ews").joinpath("online.toml").read_text("utf-8"))
