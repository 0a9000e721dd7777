"""Every case of the kit can fail: a good provider passes them all, and one spoiled in one place fails the very case."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from posthouse.testing import AuthenticatorContract, ExtensionContract, TransportContract
from posthouse.testing.grades import case_of

from .conftest import Examine

pytest_plugins = "pytester"

PROVIDERS = {"acme": TransportContract, "gate": AuthenticatorContract, "stamp": ExtensionContract}
MUTANTS: dict[str, dict[str, Any]] = {
    name: tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text("utf-8")) for name in PROVIDERS
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_good_provider_is_gold(examine: Examine, name: str) -> None:
    examined = examine(name, role=PROVIDERS[name].role, options=("--posthouse-grade=gold",))
    assert examined.having("failed") == set(), examined.output
    assert (examined.grade, examined.exit_code) == ("gold", 0)
    assert ": gold" in examined.output


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "mutant"),
    [pytest.param(name, mutant, id=f"{name}-{key}") for name in MUTANTS for key, mutant in MUTANTS[name].items()],
)
def test_a_spoiled_provider_fails_the_very_case(examine: Examine, name: str, mutant: dict[str, Any]) -> None:
    changes = [(change["old"], change["new"]) for change in mutant.get("changes", ())]
    loading = any(case.startswith("test_import") for case in mutant["fails"])
    options = () if loading else ("-k", "not test_import")  # these start a process, which takes longer than all others
    role, distribution = PROVIDERS[name].role, mutant.get("distribution", "")
    examined = examine(name, *changes, role=role, distribution=distribution, options=options)
    assert examined.having("failed") == set(mutant["fails"]), examined.output


def test_each_case_is_shown_to_fail() -> None:
    """What all contracts share is shown for transports."""
    cases = {name for contract in PROVIDERS.values() for name in dir(contract) if case_of(getattr(contract, name))}
    assert {name for mutants in MUTANTS.values() for mutant in mutants.values() for name in mutant["fails"]} == cases
