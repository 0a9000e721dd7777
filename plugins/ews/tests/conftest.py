"""A sandbox with an Exchange server in it, and accounts for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from posthouse import AsyncMailer
from posthouse.accounts import Account, Selection
from posthouse.addresses import Address
from posthouse.config import parse
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_ews import EwsSettings
from posthouse_sandbox import Authority, Credentials, EwsDoor, Sandbox

ANNA = "anna@sandbox.example"
PASSWORD = "geheim-grün-1"
OUTLOOK = "https://outlook.office365.com"


@frozen
class Exchange:
    """The server, and what a client needs to know of it."""

    sandbox: Sandbox
    door: EwsDoor

    def settings(self, **options: Any) -> EwsSettings:
        """Return settings that fit, changed as wanted."""
        given: dict[str, Any] = {"url": self.door.ews_url, "ca_file": self.sandbox.ca_file, "timeout": 5.0}
        return EwsSettings(**given | options)

    def token(self, **claims: Any) -> str:
        """Return an access token of Anna, changed as wanted."""
        values: dict[str, Any] = {"audience": OUTLOOK, "user": ANNA, "scopes": ["EWS.AccessAsUser.All"]} | claims
        return self.sandbox.tokens.issue(**values)

    def script(self, faults: str, operation: str = "CreateItem") -> None:
        """Let the next requests meet faults."""
        self.sandbox.faults.script(self.door.name, faults, operation)

    async def asked_for(self, operation: str) -> None:
        """Wait until a request has come that a fault now holds back."""
        async with asyncio.timeout(10):
            while operation not in self.operations():  # noqa: ASYNC110 - the door has no event to wait for
                await asyncio.sleep(0.005)

    def operations(self) -> list[str]:
        """Return what was asked for so far."""
        return [call.operation for call in self.door.calls]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def door_options() -> dict[str, Any]:
    """What the door is made with; a test overrides it by parametrizing."""
    return {}


@pytest.fixture
async def exchange(authority: Authority, door_options: dict[str, Any]) -> AsyncIterator[Exchange]:
    door = EwsDoor(**door_options)
    credentials = Credentials({ANNA: PASSWORD, "joerg@sandbox.example": "anderes-2"})
    async with Sandbox(doors=[door], credentials=credentials, authority=authority) as sandbox:
        yield Exchange(sandbox, door)


@pytest.fixture
def account() -> Account:
    return Account(name="test", transport=Selection(kind="ews"), sender=Address(ANNA))


@pytest.fixture
def basic() -> Credential:
    return Credential(kind=CredentialKind.PASSWORD, user=ANNA, secret=Secret.literal(PASSWORD))


@pytest.fixture
def mailer(exchange: Exchange) -> Callable[..., AsyncMailer]:
    """Make a mailer with one account, ``a``."""

    def make(auth: str = "") -> AsyncMailer:
        auth = auth or f'{{ kind = "password", username = "{ANNA}", password = "{PASSWORD}" }}'
        ca_file = Path(exchange.sandbox.ca_file).as_posix()
        text = f"""
            [accounts.a]
            sender = "{ANNA}"
            transport = {{ kind = "ews", url = "{exchange.door.ews_url}", ca_file = "{ca_file}", timeout = 5 }}
            auth = {auth}
            """
        return AsyncMailer(parse(text, "test"))

    return make


def submission(*to: str, text: str = "Hello", bcc: tuple[str, ...] = ()) -> Submission:
    """Return a message that is ready to be sent."""
    to = to or ("bob@example.org",)
    message = Message(sender=ANNA, to=to, bcc=bcc, subject="Hi", text=text, message_id="<1@sandbox.example>")
    return Submission(message=message, envelope=Envelope(sender=ANNA, recipients=(*to, *bcc)))
