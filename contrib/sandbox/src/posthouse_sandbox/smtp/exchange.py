"""The refusals of Exchange, to be had on demand: by name, as a scripted fault."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import cast

from attrs import frozen

from posthouse_sandbox.faults import Fault, parse

__all__ = ["ExchangeRefusal", "exchange_refusals"]


@frozen
class ExchangeRefusal:
    """One answer that Exchange is known to give.

    Attributes:
        name: what this project calls it.
        command: what it answers: ``"EHLO"``, ``"AUTH"``, ``"MAIL"`` or ``"DATA"``; the operation to script it for.
        reply: the reply line.
    """

    name: str
    command: str
    reply: str

    @property
    def fault(self) -> Fault:
        """The refusal as a fault: ``sandbox.faults.script("exchange", refusal.fault, refusal.command)``."""
        (fault,) = parse(self.reply)
        return fault


@cache
def exchange_refusals() -> dict[str, ExchangeRefusal]:
    """Return every known refusal by its name."""
    text = files("posthouse_sandbox.smtp").joinpath("exchange.toml").read_text("utf-8")
    entries = cast("dict[str, dict[str, str]]", tomllib.loads(text))
    return {name: ExchangeRefusal(name, **entry) for name, entry in entries.items()}
