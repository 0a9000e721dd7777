"""Every case of the kit can fail: a good provider passes them all, and one spoiled in one place fails the very case."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from posthouse.testing import TransportContract
from posthouse.testing.grades import case_of

from .conftest import Examine

pytest_plugins = "pytester"

TRANSPORTS = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text("utf-8"))


def test_a_good_transport_is_gold(examine: Examine) -> None:
    examined = examine("acme", options=("--posthouse-grade=gold",))
    assert examined.having("failed") == set(), examined.output
    assert (examined.grade, examined.exit_code) == ("gold", 0)
    assert ": gold" in examined.output


@pytest.mark.parametrize("mutant", TRANSPORTS.values(), ids=TRANSPORTS.keys())
def test_a_spoiled_transport_fails_the_very_case(examine: Examine, mutant: dict[str, Any]) -> None:
    changes = [(change["old"], change["new"]) for change in mutant.get("changes", ())]
    examined = examine("acme", *changes, distribution=mutant.get("distribution", ""))
    assert examined.having("failed") == set(mutant["fails"]), examined.output


def test_each_case_of_a_transport_is_shown_to_fail() -> None:
    cases = {name for name in dir(TransportContract) if case_of(getattr(TransportContract, name))}
    assert {name for mutant in TRANSPORTS.values() for name in mutant["fails"]} == cases
