"""Settings as JSON Schema (draft 2020-12), so that any program can draw a form and check what comes back.

The standard's own keywords say what they can: ``title``, ``description``, ``type``, ``enum`` or ``oneOf`` with titles,
``default``, ``examples``, ``minimum``, ``maximum``, ``pattern``, ``format``, ``required``, ``writeOnly`` for secrets,
``if`` with ``then`` for what is required in some cases only. For what no keyword exists there are annotations, which a
validator passes over:

=========================  =========================================================================================
``x-order``                position in the form, from 0
``x-group``                heading to show it under
``x-advanced``             true for what most people never need
``x-unit``                 unit of a number, such as ``seconds``
``x-visible-when``         other property → its values with which this one matters; all must hold
``x-presets``              known providers, each with the values that it fills
``x-settings-version``     version of the settings that the schema describes
``x-package``              name and version of the distribution that the plugin comes from
=========================  =========================================================================================

A secret is never read, only written: beside it stands ``has_NAME``, which says whether there is one.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import attrs

from posthouse import presets
from posthouse.accounts import Account
from posthouse.addresses import Address
from posthouse.errors import ConfigurationError
from posthouse.migrations import VERSION_KEY, bring_up_to_date
from posthouse.schema import SettingInfo, default_of, is_secret, setting_info, settings_of
from posthouse.secrets import Secret
from posthouse.structuring import unstructure

if TYPE_CHECKING:
    from posthouse.providers import AuthenticatorDescription, TransportDescription

__all__ = ["DIALECT", "account_schema", "plugin_schema", "settings_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_ONE_LINE = "^[^\\u0000-\\u001F\\u007F-\\u009F\\u2028\\u2029]*$"
_PARTS = {"transport": "transport", "authenticator": "auth"}
_TYPES: dict[Any, dict[str, Any]] = {
    str: {"type": "string", "pattern": _ONE_LINE},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Path: {"type": "string", "pattern": _ONE_LINE, "minLength": 1},
    Address: {"type": "string", "pattern": _ONE_LINE, "minLength": 1},
    Secret: {"type": "string"},
}


def settings_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the schema of a settings class, as plain data.

    Raises:
        PluginError: the class cannot be used (``plugin.settings``).
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    conditions: list[dict[str, Any]] = []
    fields = {field.name: field for field in settings_of(cls)}
    for number, field in enumerate(fields.values()):
        properties[field.name] = _property(field, number)
        if is_secret(field):
            properties[f"has_{field.name}"] = {"type": "boolean", "readOnly": True, "title": "Has one already"}
        if field.default is attrs.NOTHING:
            conditions += [_there(field, {"required": [field.name]})] if is_secret(field) else []
            required += [] if is_secret(field) else [field.name]
        for other, values in (setting_info(field).required_when or {}).items():
            absent = [] if fields[other].default in values else [other]
            holds = {"properties": {other: {"enum": unstructure(tuple(values))}}, "required": absent}
            given = {"required": [field.name], "properties": {field.name: {"not": {"enum": [None, "", []]}}}}
            conditions.append({"if": holds, "then": _there(field, given)})
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {**schema, "allOf": conditions} if conditions else schema


def plugin_schema(
    role: str, description: TransportDescription | AuthenticatorDescription, package: str = ""
) -> dict[str, Any]:
    """Return the schema of what stands in ``transport = {…}`` or ``auth = {…}``, as plain data.

    Args:
        role: ``"transport"`` or ``"authenticator"``.
        description: what the plugin says of itself.
        package: name and version of the distribution that it comes from.

    Raises:
        PluginError: the settings class cannot be used (``plugin.settings``).
    """
    schema = settings_schema(description.settings)
    own = {
        "kind": {"type": "string", "const": description.kind},
        VERSION_KEY: {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$", "default": "1", "readOnly": True},
    }
    head: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:posthouse:{role}:{description.kind}:{description.settings_version}",
        "title": description.label,
        "description": description.summary,
        "x-settings-version": description.settings_version,
        "x-package": package,
        "x-presets": list(_presets(_PARTS[role], description)),
    }
    return {
        **{key: value for key, value in head.items() if value not in ("", [])},
        **schema,
        "properties": {**own, **schema["properties"]},
        "required": ["kind", *schema["required"]],
    }


def account_schema(transports: Iterable[str], authenticators: Iterable[str], shared: Iterable[str]) -> dict[str, Any]:
    """Return the schema of ``[accounts.NAME]``; transport and sign-in are told by their kinds, each has its own schema.

    Args:
        transports: the kinds that may be used.
        authenticators: the kinds that may be used.
        shared: names of the sign-ins that accounts share, ``[auth.NAME]``.
    """
    schema = settings_schema(Account)
    properties = {name: value for name, value in schema["properties"].items() if name != "name"}
    known = [presets.get(name) for name in presets.names()]
    auth = _selection(authenticators)
    if names := sorted(shared):
        auth = {"anyOf": [auth, {"title": "A sign-in that accounts share", "enum": names}]}
    for name, value in (("transport", _selection(transports)), ("auth", auth)):
        kept = {key: properties[name][key] for key in ("title", "x-order")}
        properties[name] = {**kept, **value}
    choices = [{"const": preset.name, "title": preset.label} for preset in known]
    properties["preset"] |= {"oneOf": [{"const": "", "title": "None"}, *choices]}
    return {
        "$schema": DIALECT,
        "$id": "urn:posthouse:account",
        "title": "Account",
        "x-presets": [attrs.asdict(preset) for preset in known],
        **schema,
        "properties": properties,
        "required": [],
        "anyOf": [{"required": ["transport"]}, {"required": ["preset"]}],
    }


def _selection(kinds: Iterable[str]) -> dict[str, Any]:
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"title": "Kind", "enum": sorted(kinds)}}}


def _presets(part: str, description: TransportDescription | AuthenticatorDescription) -> Iterator[dict[str, Any]]:
    """Yield the presets for a kind, as the installed version of its plugin reads them."""
    for preset in map(presets.get, presets.names()):
        values = dict(getattr(preset, part))
        if values.pop("kind", None) != description.kind:
            continue
        with suppress(ConfigurationError):  # it is for a newer version of the plugin
            current = bring_up_to_date(description, values)
            yield {"name": preset.name, "label": preset.label, "values": dict(current.options)}


def _property(field: attrs.Attribute[Any], number: int) -> dict[str, Any]:
    info = setting_info(field)
    default = default_of(field)
    value = _value(field.type, info)
    if default is not attrs.NOTHING and not is_secret(field):
        value["default"] = unstructure(default)
    said = {
        "title": info.label,
        "description": info.help,
        "writeOnly": is_secret(field),
        "format": info.format,
        "examples": [info.placeholder] if info.placeholder else [],
        "x-group": info.group,
        "x-advanced": info.advanced,
        "x-unit": info.unit,
        "x-visible-when": {name: unstructure(tuple(values)) for name, values in (info.visible_when or {}).items()},
    }
    return {**{key: what for key, what in said.items() if what}, **value, "x-order": number}


def _value(kind: Any, info: SettingInfo) -> dict[str, Any]:
    """Return the keywords for a type, with the choices and limits of the setting."""
    if isinstance(kind, types.UnionType) or get_origin(kind) is Union:
        (inner,) = (one for one in get_args(kind) if one is not types.NoneType)
        return _or_null(_value(inner, info))
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _value(get_args(kind)[0], info)}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _TYPES.get(get_args(kind)[1], {})}
    if attrs.has(kind) and kind is not Address:
        return settings_schema(kind)
    choices = info.choices or (tuple(kind) if isinstance(kind, type) and issubclass(kind, enum.Enum) else ())
    if choices:
        return _one_of(choices, info)
    limits = {"minimum": info.minimum, "maximum": info.maximum} if kind in (int, float) else {}
    pattern = {"pattern": f"^(?:{info.pattern})$"} if info.pattern and kind is str else {}
    return {**_TYPES.get(kind, {}), **{key: value for key, value in limits.items() if value is not None}, **pattern}


def _one_of(choices: Iterable[Any], info: SettingInfo) -> dict[str, Any]:
    values = unstructure(tuple(choices))
    if not info.choice_labels:
        return {"enum": values}
    labels = {unstructure(value): label for value, label in info.choice_labels.items()}
    return {"oneOf": [{"const": value, "title": labels.get(value, str(value))} for value in values]}


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    """Allow null, which stands for "not given"."""
    if "enum" in value:
        return {"enum": [*value["enum"], None]}
    if "oneOf" in value:
        return {"oneOf": [*value["oneOf"], {"const": None, "title": "Not given"}]}
    return {**value, "type": [value["type"], "null"]} if "type" in value else value


def _there(field: attrs.Attribute[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return what holds where a setting is given, or is a secret that there is already."""
    already = {"required": [f"has_{field.name}"], "properties": {f"has_{field.name}": {"const": True}}}
    return {"anyOf": [given, already]} if is_secret(field) else given
