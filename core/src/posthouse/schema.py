"""How a plugin declares its settings: an attrs class whose fields say what a person must know to fill them in.

::

    @define(frozen=True, kw_only=True)
    class AcmeSettings:
        host: str = setting(label="Server", help="Name of the server, without https://")
        token: Secret = setting(label="API token")
        region: str = setting("eu", label="Region", choices=("eu", "us"))

Supported types: ``str``, ``int``, ``float``, ``bool``, ``Secret``, ``pathlib.Path``, `posthouse.addresses.Address`, a
``StrEnum``, each of them ``| None`` or as ``tuple[…, ...]``, and ``Mapping[str, str]``. An extension's may also have a
``tuple[…, ...]`` of further such classes, written as ``[[extensions.NAME.SETTING]]``. The plugin's description names
the class; everything else (loading, errors with a path, forms, JSON Schema, redaction) follows from it.

Choices, limits and the like are part of the class: an instance made by hand is checked just as one that was read from a
file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, get_args

import attrs
from attrs import frozen

from posthouse._values import shown
from posthouse.errors import PluginError, PosthouseError
from posthouse.secrets import Secret

__all__ = [
    "METADATA_KEY",
    "SettingInfo",
    "SettingsError",
    "alternatives",
    "default_of",
    "failure",
    "is_given",
    "is_secret",
    "objection",
    "setting",
    "setting_info",
    "settings_of",
]

METADATA_KEY = "posthouse"

Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]


class SettingsError(ValueError):
    """Values that a settings class does not take.

    Attributes:
        objections: name of the field → what was found and what was expected; all of them.
    """

    def __init__(self, objections: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in objections.items()))
        self.objections = dict(objections)


@frozen(kw_only=True)
class SettingInfo:
    """What a form, a check and a reference page need to know about one setting.

    Attributes:
        label: short name for a form.
        help: one or two sentences.
        choices: the values allowed, if only these are.
        choice_labels: value → what a form shows for it, where that is more than the value.
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        pattern: regular expression that a whole text must match.
        format: what a text is, as JSON Schema calls it: ``"uri"``, ``"date"``, ``"hostname"``, …; a hint for forms.
        unit: ``"seconds"``, ``"bytes"``, … for numbers.
        order: position in a form; settings with equal order keep the order of the class.
        group: heading that a form shows it under; empty for what stands on top.
        advanced: True if most people never need it.
        visible_when: other settings and the values that make this one matter.
        required_when: another setting and the values with which this one must be given.
        placeholder: an example shown in an empty field.
        may_name_file: True if a text can be the path of a file or something else, such as a fingerprint.
        validator: what the plugin checks beyond choices and limits.
    """

    label: str
    help: str = ""
    choices: Sequence[Any] = ()
    choice_labels: Mapping[Any, str] = attrs.Factory(dict)
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    format: str = ""
    unit: str = ""
    order: int = 0
    group: str = ""
    advanced: bool = False
    visible_when: Mapping[str, Sequence[Any]] | None = None
    required_when: Mapping[str, Sequence[Any]] | None = None
    placeholder: str = ""
    may_name_file: bool = False
    validator: Validator | None = None


def setting(
    default: Any = attrs.NOTHING,
    *,
    label: str,
    help: str = "",  # noqa: A002 - the word that forms and click use
    choices: Sequence[Any] | Mapping[Any, str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str = "",
    format: str = "",  # noqa: A002 - the word that JSON Schema uses
    unit: str = "",
    order: int = 0,
    group: str = "",
    advanced: bool = False,
    visible_when: Mapping[str, Sequence[Any]] | None = None,
    required_when: Mapping[str, Sequence[Any]] | None = None,
    placeholder: str = "",
    may_name_file: bool = False,
    validator: Validator | None = None,
) -> Any:
    """Declare one field of a settings class.

    Args:
        default: the value when nothing is given; without it the setting is required.
        label: short name for a form.
        help: one or two sentences: what it is, where to find it, what happens without it.
        choices: the values allowed, if only these are; as a mapping, each with the words that a form shows for it.
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        pattern: regular expression that a whole text must match, in the dialect that Python and JavaScript share.
        format: what a text is, as JSON Schema calls it: ``"uri"``, ``"date"``, ``"hostname"``, …. A hint for forms,
            which nobody checks: use ``pattern`` or ``validator`` for that.
        unit: unit of a number, such as ``"seconds"`` or ``"bytes"``.
        order: position in a form.
        group: heading that a form shows it under; empty for what stands on top.
        advanced: True if most people never need it.
        visible_when: other settings and the values that make this one matter; a form hides it otherwise. All must hold.
        required_when: other settings and the values with which this one must be given, that is not be None or empty.
            One that holds is enough.
        placeholder: an example shown in an empty field.
        may_name_file: True if a text can be the path of a file or something else, such as a fingerprint; a relative one
            that exists in the configuration's folder is taken from there. For files alone, use `pathlib.Path`.
        validator: an attrs validator for what the above cannot say, other settings of the instance included; raises
            ValueError with what was found and expected. Its text must hold no secret.

    Returns:
        An attrs field.
    """
    info = SettingInfo(
        label=label,
        help=help,
        choices=tuple(choices),
        choice_labels=dict(choices) if isinstance(choices, Mapping) else {},
        minimum=minimum,
        maximum=maximum,
        pattern=pattern,
        format=format,
        unit=unit,
        order=order,
        group=group,
        advanced=advanced,
        visible_when=visible_when,
        required_when=required_when,
        placeholder=placeholder,
        may_name_file=may_name_file,
        validator=validator,
    )
    return attrs.field(default=default, validator=_check_all, metadata={METADATA_KEY: info})


def setting_info(attribute: attrs.Attribute[Any]) -> SettingInfo:
    """Return what `setting` declared for an attrs field; a bare field gets its name as its label."""
    info = attribute.metadata.get(METADATA_KEY)
    return info if isinstance(info, SettingInfo) else SettingInfo(label=attribute.name.replace("_", " ").capitalize())


def settings_of(cls: type[Any]) -> tuple[attrs.Attribute[Any], ...]:
    """Return a settings class's fields with their types resolved, in the order in which a form shows them.

    Raises:
        PluginError: it is no attrs class, or a type cannot be resolved (``plugin.settings``).
    """
    try:
        fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(attrs.resolve_types(cls))
    except (NameError, TypeError, attrs.exceptions.NotAnAttrsClassError) as error:
        raise PluginError(
            f"The settings class {getattr(cls, '__qualname__', cls)} cannot be used: {error}",
            code="plugin.settings",
            hint="It must be an attrs class, and its types must be importable at run time.",
        ) from error
    return tuple(sorted((field for field in fields if field.init), key=lambda field: setting_info(field).order))


def default_of(attribute: attrs.Attribute[Any]) -> Any:
    """Return the value that a setting has when nothing is given; `attrs.NOTHING` if it is required."""
    default: Any = attribute.default
    return default.factory() if isinstance(default, attrs.Factory) else default  # type: ignore[arg-type]


def is_secret(attribute: attrs.Attribute[Any]) -> bool:
    """Return whether a setting holds a secret, or several."""
    return Secret in (attribute.type, *get_args(attribute.type))


def is_given(value: Any) -> bool:
    """Return whether a value says something: None and what is empty do not, nor does a secret that is written so."""
    if isinstance(value, Secret):
        return not (value.is_literal and value == Secret.literal(""))
    return not (value is None or value in ("", ()))


def objection(info: SettingInfo, value: Any) -> str:
    """Return why choices, limits or the pattern forbid a value; empty if none does. Looks at each value of a tuple."""
    for one in value if isinstance(value, tuple) else (value,):
        if one is None:
            continue
        if info.choices and one not in info.choices:
            return f"found {shown(one)}, expected {alternatives(info.choices)}"
        if isinstance(one, int | float) and not isinstance(one, bool):
            if isinstance(one, float) and not math.isfinite(one):
                return f"found {one}, expected a finite number"
            if info.minimum is not None and one < info.minimum:
                return f"found {shown(one)}, expected {info.minimum} or more {info.unit}".rstrip()
            if info.maximum is not None and one > info.maximum:
                return f"found {shown(one)}, expected {info.maximum} or less {info.unit}".rstrip()
        if info.pattern and isinstance(one, str) and not re.fullmatch(info.pattern, one):
            return f"found {shown(one)}, expected {_example(info)}"
    return ""


def _example(info: SettingInfo) -> str:
    return f"something like {info.placeholder}" if info.placeholder else f"text that matches {info.pattern}"


def _missing(instance: Any, info: SettingInfo, value: Any) -> str:
    """Return which other setting wants this one to be given; empty if it is, or none does."""
    if is_given(value):
        return ""
    for name, values in (info.required_when or {}).items():
        if (other := getattr(instance, name)) in values:
            return f"missing, and required with {name} = {shown(other)}"
    return ""


def _check_all(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Refuse a value. The first field that fails reports for all fields, so that nobody fixes one at a time."""
    if failure(instance, attribute, value):
        failures = {
            field.name: text
            for field in attrs.fields(type(instance))
            if (text := failure(instance, field, getattr(instance, field.name)))
        }
        raise SettingsError(failures)


def failure(instance: Any, attribute: attrs.Attribute[Any], value: Any) -> str:
    """Return why a field does not take a value: choices, limits, the plugin's own validator; empty if it does."""
    info = setting_info(attribute)
    text = objection(info, value) or _missing(instance, info, value)
    if text or info.validator is None:
        return text
    try:
        info.validator(instance, attribute, value)
    except PosthouseError as error:
        return error.message
    except (ValueError, TypeError) as error:
        return str(error) or f"refused ({type(error).__name__})"
    return ""


def alternatives(choices: Sequence[Any]) -> str:
    """Return the values allowed, in words."""
    words = [shown(choice) for choice in choices]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
