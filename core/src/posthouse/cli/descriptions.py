"""What installed plugins say of themselves, for commands that show or ask for settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from posthouse.errors import PluginError, PosthouseError
from posthouse.schema import setting_info, settings_of
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from posthouse._discovery import Candidate, Registry

__all__ = ["describe", "is_secret", "required", "setting_as_dict", "settings_class", "type_name"]


def describe(candidate: Candidate) -> Any:
    """Import a plugin and return its description.

    Raises:
        PluginError: it may not be used, or is broken.
    """
    try:
        return candidate.load().describe()
    except PosthouseError:
        raise
    except Exception as error:
        raise PluginError(
            f"{candidate.title} cannot describe itself: {type(error).__name__}",
            code="plugin.contract",
            hint=f"Update {candidate.distribution}, or tell its authors.",
        ) from error


def settings_class(registry: Registry, role: str, kind: str) -> type[Any] | None:
    """Return the settings class of a transport or authenticator; None if the plugin cannot be used."""
    try:
        settings = describe(registry.find(role, kind)).settings
    except PluginError:
        return None
    return settings if attrs.has(settings) else None


def is_secret(field: attrs.Attribute[Any]) -> bool:
    """Return whether a setting holds a secret."""
    return "Secret" in type_name(field).replace("|", " ").split()


def required(cls: type[Any]) -> list[attrs.Attribute[Any]]:
    """Return the settings without a default."""
    return [field for field in settings_of(cls) if field.default is attrs.NOTHING]


def type_name(field: attrs.Attribute[Any]) -> str:
    """Return a setting's type for people: ``str | None``."""
    return field.type.__name__ if isinstance(field.type, type) else _short(str(field.type))


def setting_as_dict(field: attrs.Attribute[Any]) -> Mapping[str, Any]:
    """Return a setting as plain data."""
    info = setting_info(field)
    has_default = field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory | Secret)
    return {
        "name": field.name,
        "label": info.label,
        "help": info.help,
        "type": type_name(field),
        "required": field.default is attrs.NOTHING,
        "default": field.default if has_default else None,
        "secret": is_secret(field),
        "choices": list(info.choices),
        "unit": info.unit,
    }


def _short(text: str) -> str:
    for prefix in ("posthouse.secrets.", "posthouse.addresses.", "pathlib.", "typing.", "collections.abc."):
        text = text.replace(prefix, "")
    return text
