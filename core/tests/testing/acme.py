"""Sends through the mail API of Acme: the envelope in headers, the message as it is. Tests spoil it in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from attrs import define, field, frozen

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    Problem,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    UncertainError,
)
from posthouse.hookspecs import hookimpl
from posthouse.providers import Capabilities, Credential, CredentialKind, Draft, TransportDescription
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus
from posthouse.reports import Check, CheckStatus
from posthouse.schema import setting
from posthouse.secrets import Secret

if TYPE_CHECKING:
    import asyncio

    from posthouse.accounts import Account
    from posthouse.messages import Envelope, Message, Submission


def _check_url(settings: Any, attribute: Any, value: str) -> None:
    if not value.startswith("http://") or not value.isprintable():
        raise ValueError("expected http://HOST:PORT")
    urlsplit(value).port  # noqa: B018 - raises ValueError


@frozen(kw_only=True)
class AcmeSettings:
    url: str = setting(label="Address", help="Where the API is.", validator=_check_url)
    timeout: float = setting(30.0, label="Time to answer", help="Give up after this long.", unit="seconds", minimum=0.1)
    stamp: Secret | None = setting(None, label="Stamp", help="Marks this program's messages.")


def from_version_1(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"url" if key == "server" else key: value for key, value in settings.items()}


@define(eq=False)
class AcmeConnection:
    settings: AcmeSettings
    credential: Credential
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    usable: bool = True
    security: str = "none"
    authentication: str = "API key"
    notes: tuple[str, ...] = field(default=())

    async def ask(self, path: str, headers: Mapping[str, str], content: bytes = b"") -> tuple[int, Mapping[str, str]]:
        """Ask, and return the status and the headers of the answer."""
        import asyncio

        try:
            async with asyncio.timeout(self.settings.timeout):
                self._write_head(path, headers, len(content))
                self.writer.write(content)
                await self.writer.drain()
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
                status, answered = _read_head(head)
                await self.reader.readexactly(int(answered.get("content-length", 0)))
        except BaseException:
            self.usable = False
            raise
        return status, answered

    def _write_head(self, path: str, headers: Mapping[str, str], size: int) -> None:
        key = self.credential.secret.reveal() if self.credential.secret else ""
        lines = [f"POST {path} HTTP/1.1", f"Authorization: Bearer {quote(key)}", f"Content-Length: {size}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())

    async def close(self) -> None:
        """Free the socket."""
        self.usable = False
        self.writer.close()


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="acme",
        label="Acme",
        settings=AcmeSettings,
        settings_version="2.0",
        migrations={1: from_version_1},
        accepts=frozenset({CredentialKind.PASSWORD}),
        capabilities=Capabilities(
            raw_mime=True,
            envelope_sender=True,
            envelope_recipients=True,
            unicode_addresses=True,
            message_id=True,
        ),
        summary="Acme's mail API.",
    )


@hookimpl
async def connect(settings: AcmeSettings, credential: Credential) -> AcmeConnection:
    """Open a connection, and sign in."""
    import asyncio

    address = urlsplit(settings.url)
    try:
        async with asyncio.timeout(settings.timeout):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError as error:
        raise ConnectError("no connection", temporary=True) from error
    connection = AcmeConnection(settings, credential, reader, writer)
    try:
        status, headers = await connection.ask("/account", {})
    except (OSError, EOFError, ValueError) as error:
        raise ConnectError("the connection broke", temporary=True) from error
    finally:
        if not connection.usable:
            await connection.close()
    if status != 200:
        await connection.close()
        raise error_for(status, headers)
    return connection


@hookimpl
async def send(connection: AcmeConnection, submission: Submission) -> Delivery:
    """Send one message."""
    envelope, content = submission.envelope, content_of(submission.message)
    headers = {"X-From": quote(envelope.sender), "X-To": ",".join(map(quote, envelope.recipients))}
    try:
        status, answered = await connection.ask("/send", headers, content)
    except (OSError, EOFError, ValueError):
        doubt = UncertainError("the answer is missing")
        return _delivery(submission, RecipientStatus.UNCERTAIN, error=doubt)
    if status != 200:
        error = error_for(status, answered)
        return _delivery(submission, RecipientStatus.REFUSED, temporary=error.temporary, error=error)
    refused = answered.get("x-refused", "").split(",")
    outcomes = tuple(
        RecipientOutcome(one, RecipientStatus.REFUSED if one in refused else RecipientStatus.ACCEPTED)
        for one in envelope.recipients
    )
    return Delivery(recipients=outcomes)


@hookimpl
async def send_batch(connection: AcmeConnection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send one after the other."""
    async for submission in submissions:
        yield await send(connection, submission)
        if not connection.usable:
            return


@hookimpl
def objections(message: Message, envelope: Envelope, account: Account, settings: Any) -> tuple[Problem, ...]:
    """Object to nothing."""
    return ()


@hookimpl
async def compose(settings: AcmeSettings, credential: Credential, message: Message) -> Draft:
    """Leave a draft at Acme."""
    connection = await connect(settings, credential)
    await connection.ask("/drafts", {}, content_of(message))
    await connection.close()
    return Draft(location="Acme, drafts")


@hookimpl
async def test(settings: AcmeSettings, credential: Credential | None) -> AsyncIterator[Check]:
    """Sign in."""
    if credential is None:
        yield Check(stage=Stage.AUTHENTICATION, title="Sign in", status=CheckStatus.SKIPPED, evidence="No key.")
        return
    try:
        connection = await connect(settings, credential)
    except DeliveryError as error:
        yield Check.from_error("Sign in", error, 0.0)
        return
    await connection.close()
    yield Check(stage=Stage.AUTHENTICATION, title="Sign in", status=CheckStatus.OK)


def content_of(message: Message) -> bytes:
    from posthouse.mime import render

    return b"".join(render(message, utf8=True).chunks())


def error_for(status: int, headers: Mapping[str, str]) -> DeliveryError:
    """Return the error that a status amounts to."""
    reply = Reply(status)
    if status == 401:
        return AuthenticationError("the key was refused", hint="Make a new key.", reply=reply)
    if status == 429:
        wait = float(headers.get("retry-after", 0)) or None
        return ThrottledError("too much", temporary=True, retry_after=wait, reply=reply)
    if status == 413:
        return RefusedError("too large", code="refused.size", stage=Stage.CONTENT, reply=reply)
    return RefusedError("refused", temporary=status >= 500, stage=Stage.CONTENT, reply=reply)


def _delivery(submission: Submission, status: RecipientStatus, *, error: DeliveryError, **more: Any) -> Delivery:
    recipients = submission.envelope.recipients
    return Delivery(recipients=tuple(RecipientOutcome(one, status, **more) for one in recipients), error=error)


def _read_head(head: str) -> tuple[int, Mapping[str, str]]:
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split(" ")[1]), headers
