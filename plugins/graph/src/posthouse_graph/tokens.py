"""What an access token says, for `test`: it is read, never checked, and never shown."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from attrs import frozen

__all__ = ["Claims"]


@frozen
class Claims:
    """The claims of a token of Entra ID that a person wants to see.

    Attributes:
        audience: the service that it is for (``aud``).
        permissions: what the application may do: delegated scopes (``scp``) or roles.
        app_only: True if the application acts for itself, without a user.
        user: who signed in; empty for nobody.
        app: the application's id.
        tenant: the tenant's id.
        expires_at: seconds since 1970; None if it does not say.
    """

    audience: str
    permissions: frozenset[str]
    app_only: bool
    user: str
    app: str
    tenant: str
    expires_at: float | None

    @classmethod
    def read(cls, token: str) -> Claims | None:
        """Return what a token says; None if it cannot be read, as those of personal accounts."""
        parts = token.split(".")
        if len(parts) != 3:
            return None
        try:
            claims: Any = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (ValueError, RecursionError):
            return None
        return cls._of(claims) if isinstance(claims, Mapping) else None

    @classmethod
    def _of(cls, claims: Mapping[str, Any]) -> Claims:
        def text(*names: str) -> str:
            return next((str(claims[name]) for name in names if isinstance(claims.get(name), str)), "")

        scopes, roles = text("scp").split(), claims.get("roles", [])
        expires = claims.get("exp")
        return cls(
            audience=text("aud"),
            permissions=frozenset(scopes) | frozenset(map(str, roles) if isinstance(roles, list) else ()),
            app_only=not scopes and text("idtyp") != "user",
            user=text("upn", "preferred_username", "unique_name"),
            app=text("appid", "azp"),
            tenant=text("tid"),
            expires_at=float(expires) if isinstance(expires, int | float) else None,
        )
