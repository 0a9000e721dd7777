"""The transport ``mapi`` passes the conformance kit by Extended MAPI."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import ClassVar

import pytest

import posthouse_mapi
from posthouse.messages import Envelope, Message, Submission
from posthouse.testing import Arrived, Peer, TransportContract
from posthouse_mapi import apartment
from posthouse_mapi import extended as package
from posthouse_mapi.extended import ExtendedMethod, tags
from posthouse_mapi.extended.library import Library
from posthouse_mapi.settings import MapiSettings, Way

from .conftest import ANNA
from .extended.mapi import FakeCom, FakeMapi, Sent, World
from .machines import FakeMachine

NAME = "Jürgen Müller 注"
"""What Outlook calls the mailbox's owner: it writes that name into From where the message says no other."""

SUBMIT = "message.SubmitMessage"
NETWORK_ERROR, BUSY, NO_QUOTA, TOO_BIG, DIED = 0x80040115, 0x8004010B, 0x8004060C, 0x80040305, 0x800706BE
_ALL = 32  # more calls than any case makes


class MailboxPeer(Peer):
    """Extended MAPI's stand-in as a peer."""

    sender = ANNA
    hasty: ClassVar[dict[str, float]] = {"timeout": 0.3}
    tells_when = False
    impossible: ClassVar[dict[str, str]] = {
        "refuse_recipients": "Outlook takes or refuses a message for all its recipients"
    }

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def options(self) -> dict[str, object]:
        return {"method": "extended", "timeout": 1.0, "outbox_wait": 0.2}

    async def arrived(self) -> list[Arrived]:
        return [_arrived(mail) for mail in self._world.submitted]

    async def throttle(self, seconds: int) -> None:
        self._world.script(SUBMIT, *[BUSY] * _ALL)

    async def fail_for_a_while(self) -> None:
        self._world.script(SUBMIT, *[NETWORK_ERROR] * _ALL)

    async def fail_for_good(self) -> None:
        self._world.script(SUBMIT, *[NO_QUOTA] * _ALL)

    async def refuse_size(self) -> None:
        self._world.script(SUBMIT, *[TOO_BIG] * _ALL)

    async def break_after_content(self) -> None:
        self._world.script_after(SUBMIT, DIED)

    async def hang(self) -> None:
        self._world.hangs_in = SUBMIT

    async def held(self) -> None:
        assert await asyncio.to_thread(self._world.waits.wait, 10)
        # Nobody can end a thread that hangs in MAPI; it ends when MAPI comes back.
        asyncio.get_running_loop().call_later(0.5, self._world.never.set)


def _arrived(mail: Sent) -> Arrived:
    properties = mail.properties
    text, html = properties.get(tags.BODY, b"").decode("utf-16-le"), properties.get(tags.HTML, b"").decode()
    visible = [row for row in mail.recipients if row[tags.RECIPIENT_TYPE] != 3]
    name = properties.get(tags.SENT_REPRESENTING_NAME, NAME)
    return Arrived(
        recipients=tuple(row[tags.EMAIL_ADDRESS] for row in mail.recipients),
        content="\n".join([repr(visible), repr(properties), repr(mail.named), text, html]).encode(),
        from_header=f"{name} <{properties.get(tags.SENT_REPRESENTING_EMAIL_ADDRESS, ANNA)}>",
        subject=properties.get(tags.SUBJECT, ""),
        text=text.replace("\r\n", "\n"),
        html=html,
        attachments=tuple((file[tags.ATTACH_LONG_FILENAME], file[tags.ATTACH_DATA_BIN]) for file in mail.attachments),
        message_id=properties.get(tags.INTERNET_MESSAGE_ID, ""),
    )


class TestExtended(TransportContract):
    kind = "mapi"

    @pytest.fixture
    def world(self) -> World:
        return World()

    @pytest.fixture
    def peer(self, world: World, computer: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailboxPeer]:
        class Method(ExtendedMethod):
            def __init__(self, settings: MapiSettings) -> None:
                super().__init__(settings, lambda: Library(FakeMapi(world), FakeCom(world)))

        monkeypatch.setattr(package, "ExtendedMethod", Method)
        monkeypatch.setattr(apartment, "_GRACE", 0.3)
        yield MailboxPeer(world)
        world.never.set()

    async def test_finished_message_stays_as_it_is(  # type: ignore[override]
        self, peer: MailboxPeer, world: World
    ) -> None:
        """Outlook's own converter is given every byte of it; what it makes of them is not for a stand-in to show."""
        raw = b"From: anna@example.org\r\nTo: bob@example.org\r\nX-Odd:a\r\n\tb\r\n\r\n.dot\r\n\r\ntrailing  \r\n"
        envelope = Envelope(sender=ANNA, recipients=("bob@example.org",))
        connection = await posthouse_mapi.connect(MapiSettings(method=Way.EXTENDED, outbox_wait=0.0))
        try:
            sent = Submission(message=Message.from_bytes(raw), envelope=envelope)
            delivery = await posthouse_mapi.send(connection, sent)
        finally:
            await connection.close()
        assert delivery.error is None
        assert world.converted == [raw]
