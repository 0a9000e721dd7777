"""Settings as they were written → an instance of a settings class, and back without secrets."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import attrs

from posthouse._values import (
    RefusedError,
    below_key,
    path_keys,
    read_flag,
    read_integer,
    read_number,
    read_path,
    read_text,
    sort_of,
)
from posthouse.accounts import Options
from posthouse.addresses import Address, parse_addresses
from posthouse.errors import ConfigurationError, PluginError, PosthouseError, Problem
from posthouse.schema import SettingsError, alternatives, failure, objection, setting_info, settings_of
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = ["redact", "structure", "unstructure", "weaknesses"]

T = TypeVar("T")

_REFERENCE = re.compile(r"(env|file|keyring):.", re.DOTALL)
_USERINFO = re.compile(r"(?<=://)[^/@\s]*:[^/\s]*(?=@)")


def structure(cls: type[T], options: Mapping[str, Any], *, path: str = "", source: str = "") -> T:
    """Return an instance of a settings class.

    Args:
        cls: an attrs class made with `posthouse.schema.setting`.
        options: the settings as written. A `posthouse.accounts.Options` knows the folder that relative paths start
            from, and whether all values are text because they came from a URL; pass it on as it is.
        path: where the settings stand, for messages: ``accounts.office.transport``.
        source: the file or URL, for messages.

    Raises:
        ConfigurationError: its ``problems`` name every setting that is unknown, missing, of the wrong type or not
            allowed, with what was found (never a secret) and what was expected.
        PluginError: the class itself cannot be used (``plugin.settings``).
    """
    table = _as_options(options)
    del options  # a traceback shows what its frames hold, and a mapping's values may be secrets
    settings_of(cls)
    try:
        return _converter(table.folder, table.as_text).structure(table, cls)
    except RefusedError as refused:
        objections = refused.objections
    problems = [Problem(".".join(filter(None, (path, below))), message) for below, message in objections]
    raise ConfigurationError(problems=problems, source=source, code="configuration.invalid")


def _as_options(options: Any) -> Options:
    if isinstance(options, Options):
        return options
    if isinstance(options, Mapping):
        return Options(options)
    raise ConfigurationError(f"Settings are a table, not {sort_of(options)}.", code="configuration.invalid")


@lru_cache(maxsize=16)
def _converter(folder: Path | None, as_text: bool) -> Converter:
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
            hint="posthouse.schema lists the types that a setting can have",
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
        yield from ((below_key(key), _unknown(str(key), known)) for key in value if key not in known)
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


def _unknown(key: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    guess = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known) or 'nothing'}"
    return f"unknown key; {guess}"


def unstructure(settings: Any) -> Any:
    """Return settings as plain data that can be shown: a secret as its reference, or ``"***"``."""
    if attrs.has(type(settings)) and not isinstance(settings, Address):
        return {field.name: unstructure(getattr(settings, field.name)) for field in settings_of(type(settings))}
    if isinstance(settings, Mapping):
        return {str(key): unstructure(value) for key, value in settings.items()}
    if isinstance(settings, list | tuple):
        return [unstructure(value) for value in settings]
    if isinstance(settings, enum.Enum):
        return settings.value
    if isinstance(settings, bool | int | float | None):
        return settings
    return _USERINFO.sub("***", str(settings))


def redact(options: Mapping[str, Any], cls: type[Any] | None = None) -> dict[str, Any]:
    """Return settings that could not be read, or whose class is unknown, as plain data that can be shown.

    Text is hidden unless it is a reference to a secret, or ``cls`` says that its setting is none.
    """
    fields = settings_of(cls) if cls else ()
    harmless = {field.name for field in fields if Secret not in (field.type, *get_args(field.type))}
    return {str(key): unstructure(value) if key in harmless else _redacted(value) for key, value in options.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return redact(value)
    if isinstance(value, list | tuple):
        return [_redacted(one) for one in value]
    if isinstance(value, str):
        return value if _REFERENCE.match(value) else "***"
    return unstructure(value)


def weaknesses(settings: Any, *, path: str = "") -> tuple[Problem, ...]:
    """Return a warning for each secret that is not well kept: written into the file, or in a file others can read."""
    found = []
    for field in settings_of(type(settings)):
        value = getattr(settings, field.name)
        if isinstance(value, Secret) and (weakness := value.weakness):
            found.append(Problem(f"{path}.{field.name}".lstrip("."), weakness))
    return tuple(found)
