"""What a sandbox and its doors know of each other.

A door is one server with one way in. SMTP servers are doors; so is anything else that takes messages for the inbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from attrs import field, frozen

from posthouse_sandbox.certificates import Authority
from posthouse_sandbox.credentials import Credentials
from posthouse_sandbox.faults import Faults
from posthouse_sandbox.inbox import Inbox
from posthouse_sandbox.tokens import Tokens

__all__ = ["ENTRA", "AccountSettings", "Door", "Premises", "SignIn"]

DEFAULT_SENDER = "sandbox@sandbox.example"

ENTRA = "entra"
"""The name of the sign-in that a stand-in for Entra ID makes possible."""


@frozen
class Premises:
    """What the doors of one sandbox share.

    Attributes:
        authority: issues the servers' certificates.
        credentials: who may sign in.
        inbox: where messages go.
        tokens: issues and checks access tokens.
        faults: answers that were scripted; a door asks before it does anything for a request.
        doors: all of them.
    """

    authority: Authority
    credentials: Credentials
    inbox: Inbox
    tokens: Tokens = field(factory=Tokens, repr=False)
    faults: Faults = field(factory=Faults)
    doors: Sequence[Door] = ()


@frozen
class SignIn:
    """A way to sign in that a door of this sandbox makes possible for others, as a configuration describes it.

    Attributes:
        name: of the section (``[auth.NAME]``).
        settings: of its authenticator, ``kind`` included.
        secrets: further settings, whose values go into files that the configuration refers to.
    """

    name: str
    settings: Mapping[str, object]
    secrets: Mapping[str, str] = field(factory=dict, repr=False)


@frozen
class AccountSettings:
    """One way to send through a door, as a configuration describes it.

    Attributes:
        name: of the account.
        transport: the settings of its transport.
        user: whose mailbox it is; None for nobody's.
        sign_in: name of the `SignIn` that it uses; with None, the user signs in with the password.
    """

    name: str
    transport: Mapping[str, object] = field(repr=False)
    user: str | None = None
    sign_in: str | None = None

    @property
    def sender(self) -> str:
        """The address that it sends from: the user's, where the user name is one."""
        return self.user if self.user and "@" in self.user else DEFAULT_SENDER


class Door(Protocol):
    """A server of the sandbox."""

    @property
    def name(self) -> str:
        """What it is called, unique in its sandbox."""
        ...

    @property
    def kind(self) -> str:
        """The kind of transport that fits it."""
        ...

    @property
    def host(self) -> str:
        """The loopback address it listens on."""
        ...

    @property
    def port(self) -> int:
        """The port it listens on; raises RuntimeError unless the door is open."""
        ...

    @property
    def security(self) -> str:
        """How it is encrypted, in words."""
        ...

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """How users sign in; empty where nobody has to."""
        ...

    def accounts(self) -> Iterator[AccountSettings]:
        """Describe each way to send through it."""
        ...

    def sign_ins(self) -> Iterator[SignIn]:
        """Describe the ways to sign in that it makes possible, while it is open."""
        ...

    async def open(self, premises: Premises) -> None:
        """Begin to listen."""
        ...

    async def close(self) -> None:
        """Stop listening, and end what is under way."""
        ...
