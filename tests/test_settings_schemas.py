"""The settings of every plugin: explained, valid as JSON Schema, and of one mind with the reading of files."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from posthouse import schemas
from posthouse._discovery import Candidate, Registry
from posthouse.config import Configuration, PluginPolicy
from posthouse.errors import ConfigurationError
from posthouse.json_schema import settings_schema
from posthouse.migrations import breach
from posthouse.providers import NoSettings
from posthouse.schema import METADATA_KEY, is_secret, setting_info, settings_of
from posthouse.structuring import structure, unstructure

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "reference" / "settings-schema.md").read_text("utf-8")
SCHEMAS = schemas(configuration=Configuration())
CANDIDATES = [c for c in Registry(PluginPolicy()).candidates() if c.role != "command"]
DESCRIPTIONS = {f"{c.role}:{c.kind}": c.load().describe() for c in CANDIDATES}


def test_the_plugins_of_the_workspace_were_found() -> None:
    expected = {"transport:smtp", "transport:graph", "transport:ews", "transport:mapi", "authenticator:azure-oauth2"}
    assert expected <= set(DESCRIPTIONS)
    assert expected <= set(SCHEMAS)


# --- every setting is explained ---------------------------------------------------------------------------------------


def fields() -> Iterator[tuple[str, attrs.Attribute[Any]]]:
    for name, description in DESCRIPTIONS.items():
        yield from ((f"{name} {field.name}", field) for field in settings_of(description.settings))


@pytest.mark.parametrize(("name", "field"), list(fields()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_setting_has_a_label_and_a_help(name: str, field: attrs.Attribute[Any]) -> None:
    info = setting_info(field)
    assert METADATA_KEY in field.metadata, f"{name} is a bare field"
    assert info.label[:1].isupper()
    assert info.help.endswith((".", "…", "?"))
    others = {**(info.visible_when or {}), **(info.required_when or {})}
    known = {one.name for one in settings_of(DESCRIPTIONS[name.partition(" ")[0]].settings)}
    assert others.keys() <= known


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_every_plugin_declares_a_version_that_keeps_the_rules(name: str) -> None:
    assert breach(DESCRIPTIONS[name]) == ""


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: f"{candidate.role}:{candidate.kind}")
def test_every_plugin_says_its_version_in_its_source(candidate: Candidate) -> None:
    """One that leaves it out has version 1.0, and nobody knows whether somebody thought of it."""
    plugin = candidate.load()
    assert plugin.describe().settings is NoSettings or 'settings_version="' in inspect.getsource(plugin.describe)


# --- every schema is one ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_valid(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


def keywords(schema: Any, inside: str = "") -> Iterator[str]:
    """Yield the keywords of a schema and its parts; names of properties are none."""
    if isinstance(schema, list):
        for one in schema:
            yield from keywords(one, inside)
    elif isinstance(schema, Mapping):
        for key, value in schema.items():
            if inside != "properties":
                yield key
            if inside == "properties" or key not in ("default", "x-presets", "x-visible-when", "enum", "const"):
                yield from keywords(value, "" if inside == "properties" else key)


def test_every_keyword_and_annotation_is_documented() -> None:
    documented = set(re.findall(r"`([$a-zA-Z-]+)`", PAGE)) | {"properties", "not", "$schema", "minLength"}
    used = {keyword for schema in SCHEMAS.values() for keyword in keywords(schema)}
    assert {"x-order", "x-group", "x-advanced", "x-unit", "x-visible-when", "x-presets", "writeOnly", "if"} <= used
    assert used - documented == set()
    assert set(re.findall(r"`(x-[a-z-]+)`", PAGE)) <= used | {"x-"}


# --- and of one mind with the reading ---------------------------------------------------------------------------------

WRONG = [None, True, 7, -1, 0, 0.5, 10**9, "text", "", "two\nlines", [], ["text"], [7], {}, {"a": "b"}, {"a": 7}]


def values(field: Mapping[str, Any]) -> Iterator[Any]:
    """Yield values at and beyond what a property allows, and such of every other type."""
    yield from WRONG
    yield from (field[key] for key in ("default",) if key in field)
    yield from field.get("examples", ())
    yield from field.get("enum", ())
    yield from (choice["const"] for choice in field.get("oneOf", ()))
    for key, beyond in (("minimum", -1), ("maximum", 1)):
        if key in field:
            yield from (field[key], field[key] + beyond)


def least(cls: type[Any]) -> dict[str, Any]:
    """Return as little as the class takes."""
    given: dict[str, Any] = {}
    for _ in range(4):
        try:
            structure(cls, given)
        except ConfigurationError as error:
            given |= {problem.path: GOOD.get(problem.path, "text") for problem in error.problems}
        else:
            return given
    raise AssertionError(f"{cls} does not take {given}")


GOOD = {
    "host": "mail.example.org",
    "username": "CONTOSO\\ada",
    "tenant_id": "contoso.example",
    "client_id": "11111111-2222-3333-4444-555555555555",
    "flow": "device-code",
    "autodiscover": True,
    "url": "https://mail.example.org/EWS/Exchange.asmx",
}


def plugins() -> list[Any]:
    return [pytest.param(DESCRIPTIONS[c.role + ":" + c.kind].settings, id=id_of(c)) for c in CANDIDATES if usable(c)]


def id_of(candidate: Candidate) -> str:
    return f"{candidate.role}:{candidate.kind}"


def usable(candidate: Candidate) -> bool:
    """Extensions have settings too, and no schema: their settings are not an account's."""
    return candidate.role in ("transport", "authenticator")


@pytest.mark.parametrize("cls", plugins())
def test_schema_and_reading_agree(cls: type[Any]) -> None:
    schema = settings_schema(cls)
    validator = Draft202012Validator(schema)
    base = least(cls)
    assert list(validator.iter_errors(base)) == []
    for field in settings_of(cls):
        for value in values(schema["properties"][field.name]):
            options = {**base, field.name: value}
            try:
                instance = structure(cls, options)
            except ConfigurationError:
                continue
            assert list(validator.iter_errors(options)) == [], (field.name, value)
            assert list(validator.iter_errors(unstructure(instance))) == [], (field.name, value)
            assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("cls", plugins())
def test_no_schema_tells_a_secret(cls: type[Any]) -> None:
    properties = settings_schema(cls)["properties"]
    for field in settings_of(cls):
        assert properties[field.name].get("writeOnly", False) is is_secret(field)
        assert (f"has_{field.name}" in properties) is is_secret(field)
        assert not is_secret(field) or "default" not in properties[field.name]
