"""The memory transport with a hook that composes; it does as `SCRIPT` says."""

from __future__ import annotations

from collections import deque

import attrs
from attrs import frozen

from memory_plugins import memory_transport
from memory_plugins.memory_transport import BOXES, MemorySettings, connect, send, test
from posthouse.accounts import Account
from posthouse.hookspecs import hookimpl
from posthouse.messages import Message
from posthouse.providers import Credential, Draft, TransportDescription

__all__ = ["compose", "connect", "describe", "send", "test"]

DRAFT = Draft(id="7", location="Drafts of the box", link="https://mail.example.org/?id=7&edit")


@frozen
class Composed:
    """What the hook was given."""

    message: Message
    show: bool
    credential: Credential


COMPOSED: list[Composed] = []
SCRIPT: deque[object] = deque()
"""What the next calls return or raise; `DRAFT` when it is empty."""


@hookimpl
def describe() -> TransportDescription:
    description = memory_transport.describe()
    can = attrs.evolve(description.capabilities, compose=True)
    return attrs.evolve(description, kind="memory-drafts", capabilities=can)


@hookimpl
async def compose(
    account: Account, settings: MemorySettings, credential: Credential, message: Message, show: bool
) -> object:
    assert settings.box in BOXES
    COMPOSED.append(Composed(message, show, credential))
    answer = SCRIPT.popleft() if SCRIPT else DRAFT
    if isinstance(answer, Exception):
        raise answer
    return answer
