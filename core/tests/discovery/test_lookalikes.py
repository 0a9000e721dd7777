"""Names that can be taken for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse._discovery.lookalikes import DISTRIBUTIONS, KINDS, lookalike

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=4, max_size=20)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("posthouse-smpt", "posthouse-smtp"),
        ("posthouse-smt", "posthouse-smtp"),
        ("posthouse-smtpp", "posthouse-smtp"),
        ("posthuose-graph", "posthouse-graph"),
        ("p0sthouse-graph", "posthouse-graph"),
        ("posthousegraph", "posthouse-graph"),
        ("post-house-graph", "posthouse-graph"),
        ("posthouse-rnapi", "posthouse-mapi"),
        ("posthouse-mapl", "posthouse-mapi"),
    ],
)
def test_a_slip_is_seen(name: str, meant: str) -> None:
    assert lookalike(name, DISTRIBUTIONS) == meant


@pytest.mark.parametrize("name", ["acme-mail", "posthouse-carrier-pigeon", "posthouse-x", "smtplib-transport"])
def test_another_name_is_another_name(name: str) -> None:
    assert lookalike(name, DISTRIBUTIONS) == ""


def test_a_short_kind_is_near_everything_and_so_near_nothing() -> None:
    assert lookalike("ewz", KINDS["transport"]) == ""
    assert lookalike("stmp", KINDS["transport"]) == "smtp"


@given(NAMES, st.integers(0, 19), st.characters(codec="ascii", categories=["Ll"]))
def test_any_letter_too_many_too_few_or_wrong_is_seen(name: str, position: int, letter: str) -> None:
    position %= len(name)
    for other in (
        name[:position] + letter + name[position:],
        name[:position] + letter + name[position + 1 :],
        name[:position] + name[position + 1 :],
    ):
        if other != name and len(other) >= 4:
            assert lookalike(other, [name]) == name


@given(NAMES)
def test_a_name_is_not_taken_for_itself(name: str) -> None:
    assert lookalike(name, [name]) == ""
