import stringprep

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp.utils import saslprep as scramp_saslprep

from posthouse_sandbox.smtp.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX"), ("a\u00a0b", "a b")],
)
def test_examples_of_rfc_4013(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "\ue000", "\ufdd0", "a\u200e"])
def test_prohibited_characters_and_mixed_directions(text: str) -> None:
    with pytest.raises(ValueError, match="RFC"):
        saslprep(text)


# Characters younger than Unicode 3.2 are left out: RFC 4013 section 2.5 lets a server choose, and scramp refuses them.
assigned = st.characters(exclude_categories=["Cs"]).filter(lambda char: not stringprep.in_table_a1(char))


@given(st.text(assigned, max_size=12))
def test_it_agrees_with_an_independent_implementation(text: str) -> None:
    try:
        expected = scramp_saslprep(text)
    except Exception:
        expected = None
    try:
        prepared = saslprep(text)
    except ValueError:
        prepared = None
    assert prepared == expected


def test_young_characters_are_taken_as_they_are() -> None:
    assert saslprep("pass\U0001f40e") == "pass\U0001f40e"
