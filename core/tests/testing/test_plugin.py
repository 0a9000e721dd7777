"""The grade at the end of a run: what it needs, what is missing for the next one, and when it fails the run."""

from __future__ import annotations

import pytest

from .conftest import Examine

pytest_plugins = "pytester"


def without(method: str) -> tuple[str, str]:
    """Let the author not show something, as if the method of the base class had not been there."""
    return "class TestAcme(", f"AcmePeer.{method} = Peer.{method}\n\n\nclass TestAcme("


IMPORT_PEER = ("HttpServer, TransportContract", "HttpServer, Peer, TransportContract")


def test_what_is_not_shown_costs_the_grade(examine: Examine) -> None:
    changes = IMPORT_PEER, without("break_after_content")
    examined = examine("acme", *changes, options=("--posthouse-grade=silver",))
    assert examined.grade == "none"  # one of the cases about secrets needs it too
    assert examined.exit_code == 1
    assert "override AcmePeer.break_after_content" in examined.output
    assert "--posthouse-grade=silver: not reached by acme" in examined.output


def test_what_is_impossible_does_not(examine: Examine) -> None:
    reason = ("    hasty =", '    impossible = MappingProxyType({"throttle": "Acme has no limits"})\n    hasty =')
    examined = examine("acme", IMPORT_PEER, without("throttle"), reason, options=("--posthouse-grade=gold",))
    assert (examined.grade, examined.exit_code) == ("gold", 0)
    assert "throttle: Acme has no limits: test_throttling does not apply" in examined.output


def test_a_capability_that_is_missing_is_named(examine: Examine) -> None:
    examined = examine("acme", ("            unicode_addresses=True,\n", ""), options=("--posthouse-grade=gold",))
    assert examined.exit_code == 0
    assert "no capability unicode_addresses: test_unicode_addresses does not apply" in examined.output


def test_without_a_peer_little_is_shown(examine: Examine) -> None:
    examined = examine("acme", ("    @pytest.fixture\n    def peer", "    def peer_of_nobody"))
    assert (examined.grade, examined.exit_code) == ("none", 0)
    assert examined.having("failed") == set()
    assert "override the fixture TestAcme.peer" in examined.output


def test_a_selection_of_cases_is_no_grade(examine: Examine) -> None:
    examined = examine("acme", options=("-k", "test_describes_itself"))
    assert examined.grade == "none"
    assert examined.having("passed") == {"test_describes_itself"}
    assert examined.cases["test_large_attachment"]["ending"] == "not run"
    assert "no grade, since not every case was run" in examined.output


def test_a_run_without_a_contract_has_no_grade(project: pytest.Pytester) -> None:
    project.makepyfile("def test_something():\n    assert True")
    silent = project.runpytest_inprocess()
    assert (silent.ret, "conformance" in silent.stdout.str()) == (0, False)
    asked = project.runpytest_inprocess("--posthouse-grade=bronze")
    assert asked.ret == 1
    asked.stdout.fnmatch_lines("*--posthouse-grade=bronze: no contract was run")
