"""Access tokens of the sandbox: signed as Entra ID signs them, and checked as its services check them.

The stand-in for Entra ID issues them, the stand-ins for Graph, EWS and SMTP with XOAUTH2 check them. A test may issue
one itself, a bad one included.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any
from uuid import uuid4

import jwt
from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

__all__ = ["AUDIENCES", "CLIENT_ID", "LIFETIME", "TENANT_ID", "AccessToken", "TokenError", "Tokens"]

TENANT_ID = "5a4d0000-0000-4000-8000-000000000001"
"""The tenant that every sandbox has."""

CLIENT_ID = "5a4d0000-0000-4000-8000-00000000c11e"
"""The application that every sandbox has registered."""

LIFETIME = 3599.0
"""Seconds for which a token is valid, unless somebody says otherwise."""

_OUTLOOK = frozenset(
    {
        "https://outlook.office365.com",
        "https://outlook.office.com",
        "https://outlook.office365.us",
        "https://outlook-dod.office365.us",
        "https://partner.outlook.cn",
    }
)
_GRAPH = frozenset(
    {
        "https://graph.microsoft.com",
        "00000003-0000-0000-c000-000000000000",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
    }
)

AUDIENCES: Mapping[str, frozenset[str]] = {
    "smtp": _OUTLOOK,
    "ews": _OUTLOOK,
    "graph": _GRAPH,
}
"""Resource → the audiences that its service takes, those of every cloud."""

_ALGORITHM = "RS256"
_REMEMBERED = 200
_KEY_ID = "posthouse-sandbox"


class TokenError(Exception):
    """A token is not taken.

    Args:
        reason: ``"malformed"``, ``"signature"``, ``"expired"``, ``"revoked"`` or ``"audience"``.
        text: what is wrong, for a person.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@frozen(kw_only=True)
class AccessToken:
    """What a token that was checked says.

    Attributes:
        audience: the service that it is for.
        user: the user who signed in (``upn``); empty for an application that acts for itself.
        scopes: what the user lets the application do (``scp``), such as ``"Mail.Send"``.
        roles: what an application may do on its own (``roles``), such as ``"SMTP.SendAsApp"``.
        app_id: the application (``appid``).
        tenant: the tenant's id (``tid``).
        expires_at: seconds since 1970 (UTC).
        claims: everything that it says.
    """

    audience: str
    user: str
    scopes: frozenset[str]
    roles: frozenset[str]
    app_id: str
    tenant: str
    expires_at: float
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def app_only(self) -> bool:
        """Whether an application acts for itself, without a user."""
        return not self.user


class Tokens:
    """Issues and checks the tokens of one sandbox. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revoked: set[str] = set()
        self._issued: deque[AccessToken] = deque(maxlen=_REMEMBERED)

    @property
    def issued(self) -> tuple[AccessToken, ...]:
        """What the last tokens said that were issued, oldest first; the tokens themselves are not kept."""
        with self._lock:
            return tuple(self._issued)

    def issue(
        self,
        *,
        audience: str,
        user: str = "",
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        app_id: str = CLIENT_ID,
        tenant: str = TENANT_ID,
        lifetime: float = LIFETIME,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a new token.

        Args:
            audience: the service that it is for, such as ``"https://graph.microsoft.com"``.
            user: who signed in; empty for an application that acts for itself.
            scopes: what the user lets the application do.
            roles: what the application may do on its own.
            app_id: the application.
            tenant: the tenant.
            lifetime: seconds; negative for one that has expired.
            extra: further claims, or others in place of the usual ones.
        """
        now = time.time()
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant}/",
            "iat": int(now),
            "nbf": int(now + min(lifetime, 0.0)),
            "exp": int(now + lifetime),
            "appid": app_id,
            "tid": tenant,
            "idtyp": "user" if user else "app",
            "ver": "1.0",
            "uti": uuid4().hex,
        }
        if user:
            claims |= {"upn": user, "unique_name": user}
        if scopes:
            claims["scp"] = " ".join(sorted(scopes))
        if roles:
            claims["roles"] = sorted(roles)
        claims |= extra or {}
        with self._lock:
            self._issued.append(_access_token(claims))
        return self.sign(claims)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return a JSON Web Token (RFC 7519) with these claims, signed with `key`."""
        return jwt.encode(dict(claims), self.key, algorithm=_ALGORITHM, headers={"kid": _KEY_ID})

    def verify(self, token: str, audiences: Collection[str]) -> AccessToken:
        """Check a token.

        Args:
            token: as it came.
            audiences: those that the service takes; see `AUDIENCES`.

        Raises:
            TokenError: it is not taken.
        """
        claims = self._decoded(token)
        if claims["aud"] not in audiences:
            wanted = " or ".join(sorted(audiences))
            raise TokenError("audience", f"the token is for {claims['aud']}, not for {wanted}")
        with self._lock:
            if claims["uti"] in self._revoked:
                raise TokenError("revoked", "the token was revoked")
        return _access_token(claims)

    def revoke(self, token: str) -> None:
        """Let a token that has not expired be refused from now on.

        Raises:
            TokenError: it is no token of this sandbox, or it has expired.
        """
        claims = self._decoded(token)
        with self._lock:
            self._revoked.add(claims["uti"])

    @property
    def key(self) -> RSAPrivateKey:
        """The key that signs; made when it is first needed."""
        return _process_key()

    def key_set(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set (RFC 7517), as a service fetches it."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": _KEY_ID, "use": "sig", "alg": _ALGORITHM}]}

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self.key.public_key(),
                algorithms=[_ALGORITHM],
                options={"verify_aud": False, "require": ["exp", "aud", "appid", "tid", "uti", "iat"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenError("expired", "the token has expired") from error
        except jwt.InvalidSignatureError as error:
            raise TokenError("signature", "the token's signature is wrong") from error
        except jwt.InvalidTokenError as error:
            raise TokenError("malformed", f"the token cannot be used: {error}") from error
        return claims


def _access_token(claims: Mapping[str, Any]) -> AccessToken:
    return AccessToken(
        audience=claims["aud"],
        user=claims.get("upn", ""),
        scopes=frozenset(claims.get("scp", "").split()),
        roles=frozenset(claims.get("roles", ())),
        app_id=claims["appid"],
        tenant=claims["tid"],
        expires_at=float(claims["exp"]),
        claims=claims,
    )


@lru_cache(maxsize=1)
def _process_key() -> RSAPrivateKey:
    """Return the signing key of this process: making one takes a tenth of a second, which every test would pay."""
    return generate_private_key(public_exponent=65537, key_size=2048)
