"""Configurations that lead a Mailer to one of the test servers, one way or another."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit

from .accounts import DOMAIN, USERS
from .exim import Exim
from .postfix import Postfix


@dataclass(frozen=True)
class Way:
    """A transport, and the kind of port that it is for."""

    kind: str
    port: str
    settings: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "plain": Way("smtp", "plain", {"starttls": "never", "allow_plaintext_auth": True}),
    "if-offered": Way("smtp", "relay"),
    "smtps": Way("smtps", "smtps"),
    "starttls": Way("starttls", "submission"),
}


def write_configuration(
    folder: Path,
    server: Postfix | Exim,
    way: str,
    *,
    port: str | None = None,
    user: str | None = None,
    password: str | None = None,
    account: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Write a `posthouse.toml` with one account and return its path.

    Args:
        folder: Where to write.
        server: The server to lead to.
        way: A key of `WAYS`.
        port: Another port than the way's own.
        user: Who signs in; nobody, if None.
        password: A wrong password; the right one, if None.
        account: Further keys of the account.
        settings: Further settings of the transport.
    """
    chosen = WAYS[way]
    transport = {"kind": chosen.kind, "host": "127.0.0.1", "port": server.ports[port or chosen.port]}
    content: dict[str, Any] = {"sender": f"Alice <alice@{DOMAIN}>", "transport": transport | chosen.settings | settings}
    if user is not None:
        secret = folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(USERS[user] if password is None else password, "utf-8")
        content["auth"] = {"kind": "password", "username": user, "password": f"file:{secret}"}
    path = folder / "posthouse.toml"
    path.write_text(tomlkit.dumps({"default": "test", "accounts": {"test": content | (account or {})}}), "utf-8")
    return path
