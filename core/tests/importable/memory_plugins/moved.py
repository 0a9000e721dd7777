"""The transport ``moved``, version 2.1 of its settings: in version 1 the server was called ``host``, and had no token.

What it was asked to rewrite is in `SEEN`; what it does instead of rewriting, in `MISBEHAVIOUR`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.messages import Submission
from posthouse.providers import Capabilities, Credential, CredentialKind, TransportDescription
from posthouse.receipts import Delivery
from posthouse.reports import Check
from posthouse.schema import setting
from posthouse.secrets import Secret

SEEN: list[Mapping[str, Any]] = []
MISBEHAVIOUR: list[Callable[[Mapping[str, Any]], Any]] = []
VERSION = ["2.1"]


@frozen(kw_only=True)
class MovedSettings:
    """What it can be told."""

    server: str = setting(label="Server", help="Name of the server.")
    token: Secret | None = setting(None, label="Token", help="Proves who sends.")
    retries: int = setting(3, label="Retries", help="How often to try.", minimum=0, maximum=9)


def from_1(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call the server by its new name, and count tries rather than seconds."""
    if MISBEHAVIOUR:
        return MISBEHAVIOUR[0](settings)
    SEEN.append(dict(settings))
    moved = {"host": "server", "api_key": "token"}
    after = {moved.get(key, key): value for key, value in settings.items() if key != "seconds"}
    return {**after, "retries": settings["seconds"] // 10} if "seconds" in settings else after


@hookimpl
def describe() -> TransportDescription:
    return TransportDescription(
        kind="moved",
        label="Moved",
        settings=MovedSettings,
        accepts=frozenset(CredentialKind),
        capabilities=Capabilities(),
        settings_version=VERSION[0],
        migrations={1: from_1},
    )


@hookimpl
async def connect(settings: MovedSettings, credential: Credential) -> Any: ...


@hookimpl
async def send(connection: Any, submission: Submission) -> Delivery:
    raise NotImplementedError


@hookimpl
async def test(settings: MovedSettings) -> AsyncIterator[Check]:
    return
    yield
