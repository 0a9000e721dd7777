"""What a settings class says of its fields."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from attrs import frozen

from posthouse.errors import MessageError
from posthouse.schema import setting, setting_info, settings_of


def _refuse(settings: Any, attribute: Any, value: str) -> None:
    if value == "message":
        raise MessageError("found a bad word", hint="take another")
    if value == "type":
        raise TypeError


@frozen(kw_only=True)
class Base:
    last: str = setting("", label="Last", order=9, validator=_refuse)
    first: int = setting(label="First", help="Comes first.", minimum=1, unit="bytes", placeholder="10")
    bare: str = ""


@frozen(kw_only=True)
class Derived(Base):
    choice: str = setting("a", label="Choice", choices=("a", "b"), order=1)


def test_fields_in_the_order_of_a_form_with_their_types() -> None:
    assert [(field.name, field.type) for field in settings_of(Derived)] == [
        ("first", int),
        ("bare", str),
        ("choice", str),
        ("last", str),
    ]


def test_info() -> None:
    info = setting_info(attrs.fields(Base).first)
    assert (info.label, info.help, info.minimum, info.unit, info.placeholder) == (
        "First",
        "Comes first.",
        1,
        "bytes",
        "10",
    )
    assert setting_info(attrs.fields(Base).bare).label == "Bare"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"first": 0}, "first: found 0, expected 1 or more bytes"),
        ({"first": 1, "choice": "c"}, 'choice: found "c", expected "a" or "b"'),
        ({"first": 1, "last": "message"}, "last: found a bad word"),
        ({"first": 1, "last": "type"}, r"last: refused \(TypeError\)"),
    ],
)
def test_instance_made_by_hand(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Derived(**fields)
