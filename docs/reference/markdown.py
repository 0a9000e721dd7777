"""What the pages of the reference are made of: docstrings, types and defaults as Markdown."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from types import FunctionType, MappingProxyType
from typing import Any, get_args

import attrs

from posthouse.addresses import Address
from posthouse.schema import setting_info, settings_of

__all__ = ["code", "doc", "packages", "settings_table", "signature", "summary", "table"]

_SECTION = re.compile(r"^(Args|Attributes|Returns|Yields|Raises):\n((?:(?:    .*)?(?:\n|\Z))*)", re.MULTILINE)
_ITEM = re.compile(r"^    (?! )([^:\n]+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_TYPES = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "Secret": "secret",
    "Path": "path",
    "Address": "address",
    "Mapping[str, str]": "table of texts",
    "Selection": "table with `kind`",
    "DeliveryLimits": "table",
}
_MODULES = re.compile(r"\b(?:[a-z_]+\.)+(?=[A-Z])")


def packages() -> list[str]:
    """Return the packages of all distributions of Posthouse that are installed."""
    names = {distribution.metadata["Name"].replace("-", "_") for distribution in metadata.distributions()}
    return sorted(name for name in names if name == "posthouse" or name.startswith("posthouse_"))


def code(text: str) -> str:
    """Return text as inline code."""
    return f"`{text}`" if "`" not in text else f"`` {text} ``"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def inline(text: str) -> str:
    """Return a piece of a docstring in one line, its code marked as Markdown does."""
    return re.sub(r"\s*\n\s*", " ", text.replace("``", "`")).strip()


def doc(thing: Any) -> str:
    """Return a docstring as Markdown; its sections become lists."""
    text = inspect.getdoc(thing) or ""
    parts = []
    for match in _SECTION.finditer(text):
        items = _ITEM.findall(match[2])
        if match[1] in ("Returns", "Yields"):
            parts.append(f"{match[1]}: {inline(match[2])}\n")
        else:
            heading = "Raises:\n\n" if match[1] == "Raises" else ""
            parts.append(heading + "".join(f"- {code(name)}: {inline(what)}\n" for name, what in items))
    head = _SECTION.sub("", text).replace("``", "`").strip()
    return "\n\n".join([head, *(part.strip() for part in parts)])


def summary(thing: Any) -> str:
    """Return the first sentence of a docstring."""
    return inline((inspect.getdoc(thing) or "").partition("\n\n")[0])


def signature(thing: Any) -> str:
    """Return parameters and result, the same on every version of Python."""
    found = inspect.signature(thing)
    words, kinds = [], [parameter.kind for parameter in found.parameters.values()]
    for number, parameter in enumerate(found.parameters.values()):
        if parameter.kind is parameter.KEYWORD_ONLY and (number == 0 or kinds[number - 1] not in (2, 3)):
            words.append("*")
        name = {2: "*", 4: "**"}.get(int(parameter.kind), "") + parameter.name
        annotation = "" if parameter.annotation is parameter.empty else f": {type_name(parameter.annotation)}"
        default = "" if parameter.default is parameter.empty else f" = {shown(parameter.default)}"
        words.append(name + annotation + default)
    result = "" if found.return_annotation is found.empty else f" -> {type_name(found.return_annotation)}"
    return f"({', '.join(words)}){'' if inspect.isclass(thing) else result}"


def type_name(annotation: Any) -> str:
    """Return a type as it is written in code, without its modules."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return _MODULES.sub("", text).strip("'\"")


def shown(value: Any) -> str:
    """Return a default as it is written in code."""
    if value is attrs.NOTHING or attrs.has(type(value)) or isinstance(value, MappingProxyType | FunctionType):
        return "…"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, frozenset):
        return f"frozenset({{{', '.join(sorted(map(repr, value)))}}})"
    return repr(value)


def settings_table(cls: type[Any], leave_out: Mapping[str, Any] | None = None) -> str:
    """Return the table of a settings class."""
    rows = []
    for attribute in settings_of(cls):
        if attribute.name in (leave_out or {}):
            continue
        info = setting_info(attribute)
        rows.append((code(attribute.name), _type(attribute), _default(attribute), _meaning(info)))
    return table(("Key", "Type", "Default", "Meaning"), rows)


def _type(attribute: attrs.Attribute[Any]) -> str:
    info = setting_info(attribute)
    text = type_name(attribute.type).removesuffix(" | None")
    listed = re.fullmatch(r"tuple\[(.+), \.\.\.\]", text)
    word = _TYPES.get(listed[1] if listed else text, text)
    kind: Any = next(iter(get_args(attribute.type)), attribute.type)
    if isinstance(kind, type) and issubclass(kind, enum.StrEnum):
        word = ", ".join(code(f'"{choice}"') for choice in kind)
    if listed and attrs.has(kind) and kind is not Address:
        return "tables, see below"
    if info.choices:
        word = ", ".join(code(f'"{choice}"') for choice in info.choices)
    return f"list: {word}" if listed else word


def _default(attribute: attrs.Attribute[Any]) -> str:
    value = attribute.default
    if value is attrs.NOTHING:
        return "required"
    if value is None or value == () or attrs.has(type(value)):
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(code, map(str, value)))
    return code(
        f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value:g}"
    )


def _meaning(info: Any) -> str:
    limits = [f"at least {info.minimum:g}"] if info.minimum is not None else []
    limits += [f"at most {info.maximum:g}"] if info.maximum is not None else []
    text = " ".join(filter(None, (", ".join(limits), info.unit)))
    example = f" Example: {code(info.placeholder)}." if info.placeholder else ""
    for other, values in (info.required_when or {}).items():
        named = " or ".join(code(f'"{value}"' if isinstance(value, str) else f"{value}") for value in values)
        example += f" Required with {code(other)} = {named}."
    return f"{f'{info.label}. {info.help}'.strip()}{f' ({text})' if text else ''}{example}"
