"""How each type of setting is read: cattrs with our own rules, which convert nothing silently and hide no problem."""

from __future__ import annotations

import difflib
import enum
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

import attrs

from posthouse._values import (
    NO_CHARACTER,
    RefusedError,
    below_key,
    is_unicode,
    path_keys,
    read_flag,
    read_integer,
    read_number,
    read_path,
    read_text,
    sort_of,
)
from posthouse.addresses import Address, parse_addresses
from posthouse.errors import ConfigurationError, PluginError, PosthouseError
from posthouse.schema import SettingsError, alternatives, failure, objection, setting_info, settings_of
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["converter_for", "unknown_key"]


@lru_cache(maxsize=16)
def converter_for(folder: Path | None, as_text: bool) -> Converter:
    """Return cattrs' converter with our reading of each type; the hook registered last is asked first."""
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    scalars: dict[Any, Callable[[Any], Any]] = {
        str: read_text,
        int: partial(read_integer, as_text=as_text),
        float: partial(read_number, as_text=as_text),
        bool: partial(read_flag, as_text=as_text),
        Path: partial(read_path, folder=folder),
        Secret: partial(_read_secret, folder=folder),
        Address: _read_address,
    }
    for kind, read in scalars.items():
        converter.register_structure_hook(kind, partial(_read_scalar, read))
    converter.register_structure_hook_func(_is_enum, _read_choice)
    converter.register_structure_hook_factory(_is_table, partial(_table_reader, converter=converter))
    converter.register_structure_hook_factory(_is_list, partial(_list_reader, converter=converter, as_text=as_text))
    converter.register_structure_hook_factory(_is_class, partial(_class_reader, converter=converter, folder=folder))
    return converter


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _is_table(kind: Any) -> bool:
    return get_origin(kind) is Mapping


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple and len(get_args(kind)) == 2 and get_args(kind)[1] is Ellipsis


def _is_class(kind: Any) -> bool:
    return attrs.has(kind) and kind is not Address


def _read_scalar(read: Callable[[Any], Any], value: Any, kind: Any) -> Any:
    return _read_choice(value, kind) if _is_enum(kind) else read(value)  # cattrs takes a StrEnum for a str


def _read_secret(value: Any, *, folder: Path | None) -> Secret:
    text = value.reveal() if isinstance(value, Secret) and value.is_literal else value
    if isinstance(text, str) and not is_unicode(text):
        raise RefusedError(("", NO_CHARACTER))
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise RefusedError(("", f"found {sort_of(value)}, expected the text of a secret or a reference to one"))
    try:
        return Secret(value, folder=folder)
    except ConfigurationError as error:
        message = error.message
    raise RefusedError(("", message))


def _read_address(value: Any) -> Address:
    if isinstance(value, Address):
        return value
    text = read_text(value)
    try:
        return Address.parse(text)
    except PosthouseError as error:
        message = error.message
    raise RefusedError(("", f'{message}; expected an address such as "Office <office@example.org>"'))


def _read_addresses(value: Any) -> tuple[Address, ...]:
    try:
        return parse_addresses(read_text(value))
    except PosthouseError as error:
        message = error.message
    raise RefusedError(("", f"{message}; expected addresses, as a list or separated by commas"))


def _read_choice(value: Any, kind: type[enum.Enum]) -> enum.Enum:
    for member in kind:
        if value is member or (isinstance(value, str) and value == member.value):
            return member
    raise RefusedError.because(value, alternatives([member.value for member in kind]))


def _table_reader(kind: Any, *, converter: Converter) -> Callable[[Any, Any], dict[str, Any]]:
    member = get_args(kind)[1]
    read_one = converter.get_structure_hook(member)

    def read(value: Any, _: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise RefusedError.because(value, "a table")
        table, objections = {}, []
        for key, one in value.items():
            try:
                table[read_text(key)] = read_one(one, member)
            except RefusedError as refused:
                objections += [(below_key(key, below), message) for below, message in refused.objections]
        if objections:
            raise RefusedError(*objections)
        return table

    return read


def _list_reader(kind: Any, *, converter: Converter, as_text: bool) -> Callable[[Any, Any], tuple[Any, ...]]:
    member = get_args(kind)[0]
    read_one = converter.get_structure_hook(member)

    def read(value: Any, _: Any) -> tuple[Any, ...]:
        if isinstance(value, str) and member is Address:
            return _read_addresses(value)
        if isinstance(value, str) and as_text:
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple):
            raise RefusedError.because(value, "a list")
        members, objections = [], []
        for number, one in enumerate(value):
            try:
                members.append(read_one(one, member))
            except RefusedError as refused:
                objections += [(below_key(number, below), message) for below, message in refused.objections]
        if objections:
            raise RefusedError(*objections)
        return tuple(members)

    return read


def _class_reader(cls: type[Any], *, converter: Converter, folder: Path | None) -> Callable[[Any, Any], Any]:
    from cattrs.errors import ClassValidationError, StructureHandlerNotFoundError
    from cattrs.gen import make_dict_structure_fn, override

    fields = {field.name: field for field in settings_of(cls)}
    try:
        readers = {name: _field_reader(field, converter, folder) for name, field in fields.items()}
        hooks: dict[str, Any] = {name: override(struct_hook=reader) for name, reader in readers.items()}
        generated = make_dict_structure_fn(cls, converter, **hooks)
    except StructureHandlerNotFoundError as error:
        raise PluginError(
            f"The settings class {cls.__qualname__} cannot be used: {error}",
            code="plugin.settings",
            hint="The page of posthouse.schema lists the types that a setting can have.",
        ) from error

    def read(value: Any, _: Any) -> Any:
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise RefusedError.because(value, "a table")
        try:
            return generated(value, cls)
        except ClassValidationError as group:
            objections = [one for error in group.exceptions for one in _objections(error, value, tuple(fields))]
        failed = {path_keys(path)[0] for path, _ in objections if path}
        raise RefusedError(*objections, *_further_objections(cls, value, readers, failed))

    return read


def _further_objections(
    cls: type[Any], value: Mapping[str, Any], readers: Mapping[str, Callable[[Any, Any], Any]], failed: set[str]
) -> Iterator[tuple[str, str]]:
    """Yield what the validators of the other fields say, although there will be no instance.

    A validator that looks at a field that failed cannot judge, and says nothing.
    """
    partial_instance: Any = object.__new__(cls)
    fields = [field for field in settings_of(cls) if field.name not in failed]
    for field in fields:
        if field.name in value:
            object.__setattr__(partial_instance, field.name, readers[field.name](value[field.name], field.type))
        elif field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]
            object.__setattr__(partial_instance, field.name, field.default)
    for field in fields:
        with suppress(AttributeError):
            if text := failure(partial_instance, field, getattr(partial_instance, field.name)):
                yield field.name, text


def _field_reader(field: attrs.Attribute[Any], converter: Converter, folder: Path | None) -> Callable[[Any, Any], Any]:
    read = converter.get_structure_hook(field.type)
    info = setting_info(field)

    def read_field(value: Any, kind: Any) -> Any:
        result = read(value, kind)
        if info.may_name_file and folder:
            result = _from_folder(result, folder)
        if text := objection(info, result):
            raise RefusedError(("", text))
        return result

    return read_field


def _from_folder(value: Any, folder: Path) -> Any:
    if isinstance(value, tuple):
        return tuple(_from_folder(one, folder) for one in value)
    return str(folder / value) if isinstance(value, str) and (folder / value).is_file() else value


def _objections(error: Exception, value: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield path and text for what cattrs collected about one table."""
    from cattrs.errors import AttributeValidationNote, ForbiddenExtraKeysError

    notes = getattr(error, "__notes__", ())
    name = next((note.name for note in notes if isinstance(note, AttributeValidationNote)), "")
    if isinstance(error, ForbiddenExtraKeysError):
        yield from ((below_key(key), unknown_key(str(key), known)) for key in value if key not in known)
    elif isinstance(error, RefusedError):
        yield from ((below_key(name, below), message) for below, message in error.objections)
    elif isinstance(error, SettingsError):
        yield from error.objections.items()
    elif name and name not in value:
        yield name, "missing, and required"
    elif isinstance(error, PosthouseError):
        yield name, error.message
    elif isinstance(error, ValueError | TypeError) and not name:
        yield "", str(error)  # from the class's own __attrs_post_init__
    else:
        yield name, f"refused ({type(error).__name__})"


def unknown_key(key: str, known: tuple[str, ...]) -> str:
    """Return what is wrong with a key that nobody knows: the nearest one, else all that there are."""
    close = difflib.get_close_matches(key, known, n=1)
    guess = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known) or 'nothing'}"
    return f"unknown key; {guess}"
