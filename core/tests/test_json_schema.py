"""Settings as JSON Schema: valid, complete, and of one mind with the reading of settings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from posthouse import presets
from posthouse.accounts import DeliveryLimits
from posthouse.addresses import Address
from posthouse.authenticators.none import NoneSettings
from posthouse.authenticators.password import PasswordSettings
from posthouse.errors import ConfigurationError
from posthouse.json_schema import DIALECT, account_schema, plugin_schema, settings_schema
from posthouse.presets import Preset
from posthouse.providers import AuthenticatorDescription, Capabilities, TransportDescription
from posthouse.schema import setting
from posthouse.secrets import Secret
from posthouse.structuring import structure, unstructure


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@frozen(kw_only=True)
class Key:
    domain: str = setting(label="Domain")
    selector: str | None = setting(None, label="Selector")


@frozen(kw_only=True)
class Everything:
    """Each type that a setting can have, and each thing that can be said of one."""

    server: str = setting(label="Server", help="Where it is.", placeholder="mail.example.org", order=-1)
    token: Secret = setting(label="Token")
    spare: Secret | None = setting(None, label="Spare", required_when={"colour": (Colour.BLUE,)})
    spares: tuple[Secret, ...] = setting((), label="Spares")
    number: int = setting(1, label="Number", minimum=0, maximum=100, unit="bytes", group="Numbers")
    least: int | None = setting(None, label="Least", minimum=5)
    ratio: float = setting(1.0, label="Ratio", minimum=0.5)
    flag: bool = setting(False, label="Flag", advanced=True)
    file: Path | None = setting(None, label="File", visible_when={"flag": (True,), "size": ("m", "l")})
    colour: Colour = setting(Colour.RED, label="Colour")
    colours: tuple[Colour, ...] = setting(Factory(lambda: (Colour.RED,)), label="Colours")
    shade: Colour | None = setting(None, label="Shade", choices={Colour.RED: "Rot"})
    size: str = setting("s", label="Size", choices={"s": "Small", "m": "Medium", "l": "Large"})
    maybe: str | None = setting(None, label="Maybe", choices=("a", "b"))
    code: str = setting("x-1", label="Code", pattern=r"[a-z]-[0-9]+|", format="hostname", placeholder="x-1")
    words: tuple[str, ...] = setting((), label="Words", required_when={"size": ("l",), "maybe": ("b",)})
    ports: tuple[int, ...] = setting((), label="Ports", maximum=65535)
    sender: Address | None = setting(None, label="Sender")
    copies: tuple[Address, ...] = setting((), label="Copies")
    table: Mapping[str, str] = setting(Factory(dict), label="Table")
    limits: DeliveryLimits = setting(DeliveryLimits(), label="Limits")
    keys: tuple[Key, ...] = setting((), label="Keys")


SCHEMA = settings_schema(Everything)
VALIDATOR = Draft202012Validator(SCHEMA)
LEAST: dict[str, Any] = {"server": "s", "token": "t"}


def described(cls: type[Any] = Everything, version: str = "2.3") -> TransportDescription:
    return TransportDescription(
        kind="starttls",
        label="Acme",
        settings=cls,
        accepts=frozenset(),
        capabilities=Capabilities(),
        summary="Mail by Acme.",
        settings_version=version,
        migrations={1: lambda settings: settings},
    )


# --- what it says -----------------------------------------------------------------------------------------------------


def test_it_is_a_schema() -> None:
    for schema in (SCHEMA, plugin_schema("transport", described()), account_schema(["smtp"], ["none"], ["contoso"])):
        Draft202012Validator.check_schema(schema)
        assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("server", {"title": "Server", "description": "Where it is.", "examples": ["mail.example.org"], "x-order": 0}),
        ("token", {"type": "string", "writeOnly": True}),
        ("spare", {"type": ["string", "null"], "writeOnly": True}),
        ("spares", {"type": "array", "writeOnly": True}),
        ("has_token", {"type": "boolean", "readOnly": True}),
        ("number", {"type": "integer", "minimum": 0, "maximum": 100, "x-unit": "bytes", "x-group": "Numbers"}),
        ("number", {"default": 1, "x-order": 4}),
        ("least", {"type": ["integer", "null"], "minimum": 5, "default": None}),
        ("ratio", {"type": "number", "minimum": 0.5}),
        ("flag", {"type": "boolean", "default": False, "x-advanced": True}),
        ("file", {"type": ["string", "null"], "x-visible-when": {"flag": [True], "size": ["m", "l"]}}),
        ("colour", {"enum": ["red", "blue"], "default": "red"}),
        ("colours", {"type": "array", "items": {"enum": ["red", "blue"]}, "default": ["red"]}),
        ("shade", {"oneOf": [{"const": "red", "title": "Rot"}, {"const": None, "title": "Not given"}]}),
        ("maybe", {"enum": ["a", "b", None]}),
        ("code", {"type": "string", "pattern": "^(?:[a-z]-[0-9]+|)$", "format": "hostname"}),
        ("table", {"type": "object", "default": {}}),
    ],
)
def test_a_setting(name: str, keywords: dict[str, Any]) -> None:
    assert {key: SCHEMA["properties"][name].get(key) for key in keywords} == keywords


def test_choices_have_the_words_of_a_form() -> None:
    choices = SCHEMA["properties"]["size"]["oneOf"]
    assert choices[1] == {"const": "m", "title": "Medium"}


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert set(SCHEMA["properties"]["server"]) == {"title", "description", "type", "pattern", "examples", "x-order"}


def test_settings_of_settings_have_schemas_of_their_own() -> None:
    limits = SCHEMA["properties"]["limits"]
    assert limits["properties"]["connections"]["maximum"] == 100
    assert limits["default"]["timeout"] == 600
    assert SCHEMA["properties"]["keys"]["items"]["required"] == ["domain"]


def test_no_secret_is_in_a_schema() -> None:
    @frozen(kw_only=True)
    class Careless:
        token: Secret = setting(Secret("geheim-4711"), label="Token")

    assert "geheim" not in json.dumps(settings_schema(Careless))
    assert "default" not in settings_schema(Careless)["properties"]["token"]


def test_of_a_plugin() -> None:
    schema = plugin_schema("transport", described(), "posthouse-acme 1.0")
    expected = {
        "$schema": DIALECT,
        "$id": "urn:posthouse:transport:starttls:2.3",
        "title": "Acme",
        "description": "Mail by Acme.",
        "x-settings-version": "2.3",
        "x-package": "posthouse-acme 1.0",
    }
    assert {key: schema[key] for key in expected} == expected
    assert schema["required"] == ["kind", "server"]
    filled = {preset["name"]: preset["values"] for preset in schema["x-presets"]}
    assert filled["gmail-smtp"] == {"host": "smtp.gmail.com", "port": 587}


def test_presets_are_those_that_the_installed_version_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"old": {"host": "s", "settings_version": "1.4"}, "new": {"server": "s", "settings_version": "3.0"}}
    known = {
        name: Preset(name=name, label=name, transport={"kind": "starttls", **values})
        for name, values in {**versions, "current": {"server": "s", "settings_version": "2.0"}}.items()
    }
    monkeypatch.setattr(presets, "_all", lambda: known)
    description = evolve(described(), migrations={1: lambda settings: {"server": settings["host"]}})
    found = {preset["name"]: preset["values"] for preset in plugin_schema("transport", description)["x-presets"]}
    assert found == {"old": {"server": "s"}, "current": {"server": "s"}}


def test_of_a_sign_in_without_settings() -> None:
    description = AuthenticatorDescription(kind="none", label="None", settings=NoneSettings, provides=frozenset())
    schema = plugin_schema("authenticator", description)
    assert set(schema["properties"]) == {"kind", "settings_version"}
    assert not {"x-presets", "x-package", "allOf"} & set(schema)
    assert not Draft202012Validator(schema).is_valid({"kind": "password"})


def test_of_an_account() -> None:
    validator = Draft202012Validator(account_schema(["smtp", "graph"], ["none"], ["contoso"]))
    transport = {"kind": "smtp", "host": "mail.example.org"}
    assert validator.is_valid({"transport": transport})
    assert validator.is_valid({"transport": transport, "auth": "contoso", "delivery": {"per_minute": 3}})
    assert validator.is_valid({"preset": "gmail-smtp", "auth": {"kind": "none"}, "sender": "a@example.org"})
    for wrong in (
        {},
        {"transport": {"kind": "pigeon"}},
        {"transport": transport, "auth": "nobody"},
        {"transport": transport, "delivery": {"connections": 0}},
        {"transport": transport, "sendr": "a@example.org"},
        {"preset": "nonsense"},
    ):
        assert not validator.is_valid(wrong), wrong


# --- of one mind with the reading -------------------------------------------------------------------------------------

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
ADDRESS = st.sampled_from(["a@example.org", "Ada <a@example.org>", '"Lovelace, Ada" <a@example.org>', "ä@example.org"])
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "server": TEXT,
    "token": TEXT,
    "spare": st.none() | TEXT,
    "spares": st.lists(TEXT, max_size=2),
    "number": st.integers(-2, 102),
    "least": st.none() | st.integers(3, 9),
    "ratio": st.floats(0, 2) | st.integers(0, 2),
    "flag": st.booleans(),
    "file": st.none() | TEXT,
    "colour": st.sampled_from(["red", "blue", "green"]),
    "colours": st.lists(st.sampled_from(["red", "blue"]), max_size=2),
    "shade": st.sampled_from([None, "red", "blue"]),
    "size": st.sampled_from(["s", "m", "l", "xl"]),
    "maybe": st.sampled_from([None, "a", "b", ""]),
    "code": st.sampled_from(["", "x-1", "x-22", "x", "x-1\n", "X-1"]),
    "words": st.lists(TEXT, max_size=2),
    "ports": st.lists(st.integers(0, 70000), max_size=2),
    "sender": st.none() | ADDRESS,
    "copies": st.lists(ADDRESS, max_size=2),
    "table": st.dictionaries(TEXT, TEXT, max_size=2),
    "limits": st.fixed_dictionaries({}, optional={"connections": st.integers(-1, 120), "timeout": st.floats(0, 9)}),
    "keys": st.lists(st.fixed_dictionaries({"domain": TEXT}, optional={"selector": st.none() | TEXT}), max_size=2),
}
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(st.integers() | TEXT, max_size=2)


def accepted(options: Mapping[str, Any]) -> Everything | None:
    try:
        return structure(Everything, options)
    except ConfigurationError:
        return None


def may_differ(name: str, value: Any) -> bool:
    """Where reading takes what a schema refuses: a list of addresses may also be one text."""
    return name == "copies" and isinstance(value, str)


@settings(max_examples=300)
@given(st.fixed_dictionaries({}, optional=GOOD).map(lambda options: {**LEAST, **options}))
def test_what_is_read_and_written_again_fits_the_schema(options: dict[str, Any]) -> None:
    instance = accepted(options)
    if instance is not None:
        assert list(VALIDATOR.iter_errors(json.loads(json.dumps(unstructure(instance))))) == []
        assert list(VALIDATOR.iter_errors(options)) == []


@settings(max_examples=300)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_what_the_schema_refuses_is_not_read(name: str, data: st.DataObject) -> None:
    value = data.draw(GOOD[name] | ANYTHING)
    options = {**LEAST, name: value}
    finite = not (isinstance(value, float) and not math.isfinite(value))  # JSON has no other number
    if finite and not may_differ(name, value) and not VALIDATOR.is_valid(options):
        assert accepted(options) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 101},
        {"number": "1"},
        {"number": True},
        {"least": 4},
        {"ratio": "1"},
        {"flag": 1},
        {"colour": "green"},
        {"colours": ["red", "green"]},
        {"shade": "blue"},
        {"maybe": "c"},
        {"code": "x"},
        {"server": "a\nb"},
        {"server": None},
        {"token": 5},
        {"ports": [65536]},
        {"file": ""},
        {"table": {"a": 1}},
        {"limits": {"connections": 0}},
        {"keys": [{"selector": "s"}]},
        {"keys": [{"domain": "d", "zzz": 1}]},
        {"zzz": 1},
        {"colour": "blue"},
        {"size": "l"},
        {"size": "l", "words": []},
        {"maybe": "b"},
        {"copies": "a@example.org, b@example.org"},
    ],
    ids=str,
)
def test_both_refuse(wrong: dict[str, Any]) -> None:
    options = {**LEAST, **wrong}
    assert not VALIDATOR.is_valid(options)
    assert (accepted(options) is None) or may_differ(*next(iter(wrong.items())))


@pytest.mark.parametrize(
    "right",
    [{}, {"colour": "blue", "spare": "s"}, {"size": "l", "words": ["w"]}, {"code": ""}, {"least": None}],
    ids=str,
)
def test_both_take(right: dict[str, Any]) -> None:
    options = {**LEAST, **right}
    assert list(VALIDATOR.iter_errors(options)) == []
    assert accepted(options) is not None


def test_a_secret_that_is_required_may_be_there_already() -> None:
    assert not VALIDATOR.is_valid({"server": "s"})
    assert not VALIDATOR.is_valid({"server": "s", "has_token": False})
    assert VALIDATOR.is_valid({"server": "s", "has_token": True})
    assert VALIDATOR.is_valid({"server": "s", "has_token": True, "colour": "blue", "has_spare": True})


def test_what_is_required_with_a_default_is_so_without_it_too() -> None:
    @frozen(kw_only=True)
    class Flowing:
        flow: str = setting("a", label="Flow", choices=("a", "b"))
        name: str = setting("", label="Name", required_when={"flow": ("a",)})

    validator = Draft202012Validator(settings_schema(Flowing))
    for options, fine in [({}, False), ({"flow": "b"}, True), ({"flow": "a"}, False), ({"name": "n"}, True)]:
        assert validator.is_valid(options) is fine, options
        if fine:
            structure(Flowing, options)
        else:
            with pytest.raises(ConfigurationError, match=r"name: missing, and required with flow = \"a\""):
                structure(Flowing, options)


def test_the_password_sign_in() -> None:
    validator = Draft202012Validator(settings_schema(PasswordSettings))
    assert validator.is_valid(unstructure(PasswordSettings(username="ada", password=Secret("geheim"))))
