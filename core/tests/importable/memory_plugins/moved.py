"""The transport ``moved``, version 2.1 of its settings: in version 1 ``server`` was ``host``, a try ten ``seconds``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.messages import Submission
from posthouse.providers import Capabilities, Credential, CredentialKind, TransportDescription
from posthouse.receipts import Delivery
from posthouse.reports import Check
from posthouse.schema import setting
from posthouse.secrets import Secret

VERSION = ["2.1"]


@frozen(kw_only=True)
class MovedSettings:
    """What it can be told."""

    server: str = setting(label="Server", help="Name of the server.")
    token: Secret | None = setting(None, label="Token", help="Proves who sends.")
    colour_of_the_box: str | None = setting(None, label="Colour of the box", help="If it has one.")
    retries: int = setting(3, label="Retries", help="How often to try.", minimum=0, maximum=9)


def from_1(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call the server by its new name, and count tries rather than seconds."""
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
