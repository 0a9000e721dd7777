"""Puts messages into the pickup folder of a mail server, the envelope in front as X-Sender and X-Receiver."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from attrs import define, frozen

from posthouse.errors import ConnectError, RefusedError, Stage
from posthouse.hookspecs import hookimpl
from posthouse.messages import Submission
from posthouse.mime import render
from posthouse.providers import Capabilities, CredentialKind, TransportDescription
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus
from posthouse.reports import Check, CheckStatus
from posthouse.schema import setting


@frozen(kw_only=True)
class PickupSettings:
    """What ``transport = { kind = "pickup", … }`` takes."""

    folder: Path = setting(label="Folder", help="The folder from which the mail server takes messages.")


@define(eq=False)
class PickupConnection:
    """A folder that was there when it was looked at."""

    folder: Path
    usable: bool = True
    security: str = "none"
    authentication: str = "none"
    notes: tuple[str, ...] = ()

    async def close(self) -> None:
        """Free what it holds: nothing."""
        self.usable = False


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="pickup",
        label="Pickup folder",
        settings=PickupSettings,
        accepts=frozenset({CredentialKind.NONE}),
        capabilities=Capabilities(
            raw_mime=True,
            envelope_sender=True,
            envelope_recipients=True,
            custom_headers="any",
            any_sender=True,
            message_id=True,
        ),
        summary="Leaves messages in a folder, from which a mail server takes them.",
    )


@hookimpl
async def connect(settings: PickupSettings) -> PickupConnection:
    """Look whether the folder is there."""
    if not await asyncio.to_thread(settings.folder.is_dir):
        raise ConnectError(
            f"there is no folder {settings.folder}",
            code="connect.folder",
            hint="Make it, or correct transport.folder.",
        )
    return PickupConnection(settings.folder)


@hookimpl
async def send(connection: PickupConnection, submission: Submission) -> Delivery:
    """Write one message."""
    try:
        name = await asyncio.to_thread(_write, connection.folder, submission)
    except OSError as error:
        connection.usable = False
        refusal = RefusedError(f"the message cannot be written: {error.strerror}", stage=Stage.CONTENT, temporary=True)
        return Delivery(recipients=_outcomes(submission, RecipientStatus.REFUSED, refusal.message), error=refusal)
    return Delivery(recipients=_outcomes(submission, RecipientStatus.ACCEPTED, ""), request_id=name)


@hookimpl
async def test(settings: PickupSettings) -> AsyncIterator[Check]:
    """Try everything that sending needs, and write nothing."""
    found = await asyncio.to_thread(settings.folder.is_dir)
    yield Check(
        stage=Stage.CONNECT,
        title=f"Look for {settings.folder}",
        status=CheckStatus.OK if found else CheckStatus.FAILED,
        cause="" if found else "It is not there.",
        hint="" if found else "Make it, or correct transport.folder.",
    )


def _write(folder: Path, submission: Submission) -> str:
    """Write under another name first, so that nobody takes half a message."""
    envelope = submission.envelope
    lines = [f"X-Sender: {envelope.sender}", *(f"X-Receiver: {address}" for address in envelope.recipients)]
    name = f"{uuid.uuid4().hex}.eml"
    partial = folder / f"{name}.part"
    with partial.open("xb") as file:
        file.write("".join(f"{line}\r\n" for line in lines).encode())
        file.writelines(render(submission.message).chunks())
    partial.rename(folder / name)
    return name


def _outcomes(submission: Submission, status: RecipientStatus, reason: str) -> tuple[RecipientOutcome, ...]:
    refused = status is RecipientStatus.REFUSED
    return tuple(
        RecipientOutcome(address, status, temporary=refused, reason=reason)
        for address in submission.envelope.recipients
    )
