"""The benchmark of discovery measures what it says; no times are judged here."""

from __future__ import annotations

import pytest

from . import discovery
from .discovery import DISCOVERY, STATEMENTS, measure_discovery
from .report import tables


def test_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "IN_ONE_ROUND", 1)
    result = measure_discovery(1, lambda _: None)
    assert result.rounds.keys() == STATEMENTS.keys()
    assert all(measured.wall > 0 for rounds in result.rounds.values() for measured in rounds)
    assert DISCOVERY.title.capitalize() in tables([result])
