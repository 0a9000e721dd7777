"""Microsoft's clouds as data: sign-in services, and the scopes that each transport's resource needs."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from posthouse.errors import PluginError

__all__ = ["Cloud", "Purpose", "login_host", "scopes"]


class Cloud(StrEnum):
    """One of Microsoft's separate clouds."""

    PUBLIC = "public"
    GCC_HIGH = "gcc-high"
    DOD = "dod"
    CHINA = "china"


class Purpose(StrEnum):
    """Why a token is asked for."""

    DELEGATED = "delegated"
    """To act for a person who signed in."""
    CONSENT = "consent"
    """To let a person sign in and agree."""
    APPLICATION = "application"
    """To act as an application."""


def login_host(cloud: Cloud) -> str:
    """Return the address of a cloud's sign-in service."""
    address: str = _data()["clouds"][cloud]["login"]
    return address


def scopes(cloud: Cloud, resource: str, purpose: Purpose) -> tuple[str, ...]:
    """Return the scopes to ask for.

    Args:
        cloud: whose services.
        resource: what a transport asks for: ``"smtp"``, ``"graph"``, ``"ews"``.
        purpose: why.

    Raises:
        PluginError: a transport asks for a resource that is not known (``plugin.resource``).
    """
    resources = _data()["resources"]
    if resource not in resources:
        raise PluginError(
            f"The transport asks azure-oauth2 for a token for {resource or 'nothing'!r}; "
            f"it has them for {', '.join(resources)}.",
            code="plugin.resource",
            hint="Update the transport's package, or posthouse-azure-oauth2.",
        )
    wanted = resources[resource][purpose]
    hosts = _data()["clouds"][cloud]
    return tuple(scope.format(**hosts) for scope in ([wanted] if isinstance(wanted, str) else wanted))


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("clouds.toml").read_text("utf-8"))
