"""How a plugin declares its settings: an attrs class whose fields say what a person must know to fill them in.

::

    @define(frozen=True, kw_only=True)
    class AcmeSettings:
        host: str = setting(label="Server", help="Name of the server, without https://")
        token: Secret = setting(label="API token")
        region: str = setting("eu", label="Region", choices=("eu", "us"))

Supported types: ``str``, ``int``, ``float``, ``bool``, ``Secret``, ``pathlib.Path``, ``tuple[str, ...]``, a ``StrEnum``, and
each of them ``| None``. The plugin's description names the class; everything else (loading, errors with a path,
forms, JSON Schema, redaction) follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

__all__ = ["METADATA_KEY", "SettingInfo", "setting", "setting_info"]

METADATA_KEY = "posthouse"


@frozen(kw_only=True)
class SettingInfo:
    """What a form, a check and a reference page need to know about one setting.

    Attributes:
        label: short name for a form.
        help: one or two sentences.
        choices: the values allowed, if only these are.
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        unit: ``"seconds"``, ``"bytes"``, … for numbers.
        order: position in a form; settings with equal order keep the order of the class.
        advanced: True if most people never need it.
        visible_when: other settings and the values that make this one matter.
        placeholder: an example shown in an empty field.
    """

    label: str
    help: str = ""
    choices: Sequence[Any] = ()
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    order: int = 0
    advanced: bool = False
    visible_when: Mapping[str, Sequence[Any]] | None = None
    placeholder: str = ""


def setting(
    default: Any = attrs.NOTHING,
    *,
    label: str,
    help: str = "",  # noqa: A002 - the word that forms and click use
    choices: Sequence[Any] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    unit: str = "",
    order: int = 0,
    advanced: bool = False,
    visible_when: Mapping[str, Sequence[Any]] | None = None,
    placeholder: str = "",
    validator: Callable[[Any, Any, Any], None] | None = None,
) -> Any:
    """Declare one field of a settings class.

    Args:
        default: the value when nothing is given; without it the setting is required.
        label: short name for a form.
        help: one or two sentences: what it is, where to find it, what happens without it.
        choices: the values allowed, if only these are.
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        unit: unit of a number, such as ``"seconds"`` or ``"bytes"``.
        order: position in a form.
        advanced: True if most people never need it.
        visible_when: other settings and the values that make this one matter.
        placeholder: an example shown in an empty field.
        validator: an attrs validator for what the above cannot say; raises ValueError with what was expected.

    Returns:
        An attrs field.
    """
    info = SettingInfo(
        label=label,
        help=help,
        choices=tuple(choices),
        minimum=minimum,
        maximum=maximum,
        unit=unit,
        order=order,
        advanced=advanced,
        visible_when=visible_when,
        placeholder=placeholder,
    )
    return attrs.field(default=default, validator=validator, metadata={METADATA_KEY: info})


def setting_info(attribute: attrs.Attribute[Any]) -> SettingInfo:
    """Return what `setting` declared for an attrs field; a bare field gets its name as its label."""
    info = attribute.metadata.get(METADATA_KEY)
    return info if isinstance(info, SettingInfo) else SettingInfo(label=attribute.name.replace("_", " ").capitalize())
