"""Settings as they were written → an instance of a settings class, and back without secrets."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

import attrs

from posthouse._readers import converter_for
from posthouse._values import RefusedError, sort_of
from posthouse.accounts import Options
from posthouse.addresses import Address
from posthouse.errors import ConfigurationError, Problem
from posthouse.schema import settings_of
from posthouse.secrets import Secret

__all__ = ["redact", "secrets_in", "structure", "unstructure", "weaknesses"]

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
        return converter_for(table.folder, table.as_text).structure(table, cls)
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


def secrets_in(settings: Any, *, path: str = "") -> Iterator[tuple[str, Secret]]:
    """Yield the path and value of each secret in settings, those in their lists of tables included."""
    for field in settings_of(type(settings)):
        value = getattr(settings, field.name)
        below = f"{path}.{field.name}".lstrip(".")
        if isinstance(value, Secret):
            yield below, value
        for number, member in enumerate(value if isinstance(value, tuple) else ()):
            if attrs.has(type(member)) and not isinstance(member, Address):
                yield from secrets_in(member, path=f"{below}.{number}")


def weaknesses(settings: Any, *, path: str = "") -> tuple[Problem, ...]:
    """Return a warning for each secret that is not well kept: written into the file, or in a file others can read."""
    found = ((below, secret.weakness) for below, secret in secrets_in(settings, path=path))
    return tuple(Problem(below, weakness) for below, weakness in found if weakness)
