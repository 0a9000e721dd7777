"""What an access token says of itself, for `test`: it is read, never checked, and never shown.

Transports that take bearer tokens use this in their test, so that a token for the wrong service, without the right
permission or past its end is found before a server answers with one sentence for many causes.
"""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from attrs import frozen

__all__ = ["Claims"]

_LONGEST = 65536
"""Characters of a token that are read; what is longer is no token."""


@frozen(kw_only=True)
class Claims:
    """The claims of a token (RFC 9068, and as Entra ID words them) that a person wants to see.

    Attributes:
        issuer: who made it (``iss``).
        audience: the service that it is for (``aud``); the first one where there are several.
        scopes: what a user lets the application do (``scp``, ``scope``), such as ``"SMTP.Send"``.
        roles: what the application may do on its own (``roles``), such as ``"SMTP.SendAsApp"``.
        app_only: True if the application acts for itself, without a user.
        user: who signed in; empty for nobody.
        app: the application's id.
        tenant: the tenant's id.
        expires_at: seconds since 1970 (UTC); None if it does not say.
    """

    issuer: str
    audience: str
    scopes: frozenset[str]
    roles: frozenset[str]
    app_only: bool
    user: str
    app: str
    tenant: str
    expires_at: float | None

    @classmethod
    def read(cls, token: str) -> Claims | None:
        """Return what a JSON Web Token (RFC 7519) says; None if it is none, or only its service can read it."""
        parts = token.split(".")
        if len(parts) != 3 or len(token) > _LONGEST:
            return None
        try:
            claims: Any = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (ValueError, RecursionError):
            return None
        return cls._of(claims) if isinstance(claims, Mapping) else None

    @classmethod
    def _of(cls, claims: Mapping[str, Any]) -> Claims:
        def text(*names: str) -> str:
            return next((_shown(claims[name]) for name in names if isinstance(claims.get(name), str)), "")

        audience, roles, expires = claims.get("aud"), claims.get("roles"), claims.get("exp")
        scopes = text("scp", "scope").split()
        return cls(
            issuer=text("iss"),
            audience=_shown(audience[0]) if isinstance(audience, list) and audience else text("aud"),
            scopes=frozenset(scopes),
            roles=frozenset(map(_shown, roles)) if isinstance(roles, list) else frozenset(),
            app_only=not scopes and text("idtyp") != "user",
            user=text("upn", "preferred_username", "unique_name", "email"),
            app=text("appid", "azp", "client_id"),
            tenant=text("tid"),
            expires_at=_seconds(expires),
        )

    @property
    def permissions(self) -> frozenset[str]:
        """Scopes and roles together."""
        return self.scopes | self.roles

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it ends, negative after that; None if it does not say."""
        return None if self.expires_at is None else self.expires_at - time.time()

    @property
    def summary(self) -> str:
        """Whom it is for, who signed in, and for how long it is good, in words."""
        who = "the application itself" if self.app_only else self.user or "a user"
        left = self.seconds_left
        if left is None:
            until = ""
        elif left <= 0:
            until = ", expired"
        else:
            until = f", expires in {left // 60:.0f} minutes"
        return f"for {self.audience or 'nobody'}, signed in: {who}{until}"

    def as_dict(self) -> dict[str, Any]:
        """Return what it says as plain data."""
        return {
            "issuer": self.issuer,
            "audience": self.audience,
            "permissions": sorted(self.permissions),
            "app_only": self.app_only,
            "user": self.user,
            "app": self.app,
            "tenant": self.tenant,
            "expires_at": self.expires_at,
        }


def _shown(value: object) -> str:
    """Return a claim fit for printing: whoever made the token may have put anything in it."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(value)[:300])


def _seconds(value: object) -> float | None:
    # Beyond the year 9999, and with NaN, nothing that shows a time can cope.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < 253402300800 else None  # type: ignore[operator, arg-type]
