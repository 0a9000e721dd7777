"""Who may sign in to a sandbox, and with what."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from attrs import Factory, field, frozen

__all__ = ["Credentials", "random_secret"]


def random_secret() -> str:
    """Return a password that is new in every sandbox, so that nobody can rely on it elsewhere."""
    return secrets.token_urlsafe(18)


def _default_passwords() -> dict[str, str]:
    # A non-ASCII password is where mail clients differ, so the sandbox has one from the start.
    return {"anna@sandbox.example": random_secret(), "joerg@sandbox.example": f"grün-{random_secret()}"}


def _names_only(secrets_by_user: Mapping[str, str]) -> str:
    return repr(list(secrets_by_user))


@frozen
class Credentials:
    """The users of a sandbox.

    Attributes:
        passwords: user name → password.
        tokens: user name → OAuth 2.0 access token that is valid for this user.
    """

    passwords: Mapping[str, str] = field(factory=_default_passwords, repr=_names_only)
    tokens: Mapping[str, str] = field(
        default=Factory(lambda self: {user: random_secret() for user in self.passwords}, takes_self=True),
        repr=_names_only,
    )
