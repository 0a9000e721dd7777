"""SASLprep by RFC 4013's own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_esmtp.sasl.saslprep import saslprep


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0627\u0644", "\u0627\u0644"),
        ("", ""),
        ("\u00ad", ""),
    ],
)
def test_maps_and_normalises(given_text: str, expected: str) -> None:
    assert saslprep(given_text) == expected


@pytest.mark.parametrize(
    "text", ["\u0007", "\u0627\u0031", "a\u0627", "\ue000", "\ufdd0x\U0001fffe", "\u200e", "\ud800"]
)
def test_refuses_what_is_prohibited(text: str) -> None:
    with pytest.raises(ValueError, match=r"prohibits|direction|right-to-left"):
        saslprep(text)


@given(st.text(max_size=20))
def test_is_stable_and_raises_nothing_else(text: str) -> None:
    try:
        prepared = saslprep(text)
    except ValueError:
        return
    assert saslprep(prepared) == prepared
