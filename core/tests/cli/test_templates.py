"""Placeholders: names only, no injection, nothing unknown."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.cli.templates import Template, html_template
from posthouse.errors import MessageError

COLUMNS = ("to", "name", "first name", "straße")


def fill(text: str, **values: str) -> str:
    return Template(text, "text", COLUMNS).fill(dict.fromkeys(COLUMNS, "") | values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dear {name},", "Dear Ada,"),
        ("{NAME}{Name}", "AdaAda"),
        ("{Straße}", "Hauptstr. 1"),
        ("{first name}!", "A.!"),
        ("{{other}} and {{two words}}", "{other} and {two words}"),
        ("{ name }", "Ada"),
        ("body { color: red } @media{a{color:red}} {} { } {\n} {a\nb} {name:>9} } {", None),
    ],
)
def test_names_are_filled_and_other_braces_stay(text: str, expected: str | None) -> None:
    filled = fill(text, name="Ada", **{"first name": "A.", "straße": "Hauptstr. 1"})
    assert filled == (text if expected is None else expected)


@pytest.mark.parametrize("text", ["{nmae}", "{self}", "{__class__}", "{name} {missing}", "{name!r}", "{0}", "{na.me}"])
def test_an_unknown_placeholder_is_an_error(text: str) -> None:
    with pytest.raises(MessageError, match="no such column; columns: to, name") as caught:
        fill(text)
    assert caught.value.code == "message.placeholder"


def test_a_misspelt_placeholder_is_told_its_neighbour() -> None:
    with pytest.raises(MessageError) as caught:
        fill("{nmae}")
    assert caught.value.hint == "Did you mean {name}?"


def test_double_braces_around_a_column_are_an_error_rather_than_a_thousand_wrong_mails() -> None:
    with pytest.raises(MessageError) as caught:
        fill("Dear {{name}}")
    assert caught.value.hint == "Write {name}."


@given(st.text(), st.text())
def test_a_value_is_never_read_as_a_template(name: str, street: str) -> None:
    assert fill("{name}|{straße}", name=name, straße=street) == f"{name}|{street}"


@given(st.text())
def test_a_value_in_html_is_text(name: str) -> None:
    filled = html_template("<p title='{name}'>{name}</p>", COLUMNS).fill({"name": name})
    inner = filled.removeprefix("<p title='").removesuffix("</p>")
    assert not set(inner.replace("'>", "", 1)) & set("<>'\"")
    assert html.unescape(filled) == f"<p title='{name}'>{name}</p>" or "&" in name


@given(st.text())
def test_any_text_is_a_template_or_a_message_error(text: str) -> None:
    try:
        template = Template(text, "text", COLUMNS)
    except MessageError:
        return
    assert isinstance(template.fill(dict.fromkeys(COLUMNS, "")), str)


def test_accents_may_be_written_in_either_form() -> None:
    decomposed, composed = "gro\u0308ße", "größe"
    assert Template(f"{{{decomposed}}}", "text", (composed,)).fill({composed: "12"}) == "12"
