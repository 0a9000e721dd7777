"""The transport ``mapi`` passes the conformance kit, by Outlook's object model."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

import posthouse_mapi
from posthouse.accounts import Account
from posthouse.messages import Envelope, Message
from posthouse.testing import Arrived, Peer, TransportContract
from posthouse_mapi import apartment
from posthouse_mapi.settings import MapiSettings, Way

from .conftest import ANNA
from .standin.errors import DIED, REJECTED
from .standin.world import AccountFacts, Fault, Mail, World

NAME = "Jürgen Müller 注"
"""What Outlook calls the account: it writes its own name into From, and nothing else."""

TAG = "http://schemas.microsoft.com/mapi/proptag/0x"
NO_LOGON, OFFLINE, DENIED, TOO_LARGE = ((number, "") for number in (-2147221231, -2147221219, -2147024891, -2147220731))


class OutlookPeer(Peer):
    """Outlook's stand-in as a peer; a fault meets every message."""

    sender = ANNA
    hasty: ClassVar[dict[str, float]] = {"timeout": 0.3}
    tells_when = False
    impossible: ClassVar[dict[str, str]] = {
        "refuse_recipients": "Outlook takes or refuses a message for all its recipients"
    }

    def __init__(self, world: World) -> None:
        self._world = world
        world.accounts = [AccountFacts(ANNA, NAME)]

    @property
    def options(self) -> dict[str, object]:
        return {"method": "outlook", "timeout": 1.0, "outbox_wait": 0.2}

    async def arrived(self) -> list[Arrived]:
        return [_arrived(mail) for mail in self._world.sent]

    async def refuse_sign_in(self) -> None:
        self._world.script_always("NameSpace.Logon", Fault(NO_LOGON))

    async def throttle(self, seconds: int) -> None:
        self._world.script_always("MailItem.Send", Fault(REJECTED))

    async def fail_for_a_while(self) -> None:
        self._world.script_always("MailItem.Send", Fault(OFFLINE))

    async def fail_for_good(self) -> None:
        self._world.script_always("MailItem.Send", Fault(DENIED))

    async def refuse_size(self) -> None:
        self._world.script_always("MailItem.Send", Fault(TOO_LARGE))

    async def break_after_content(self) -> None:
        self._world.script_always("MailItem.Send", Fault(DIED, after=True))

    async def hang(self) -> None:
        self._world.script_always("MailItem.Send", Fault(hang=self._world.never))

    async def held(self) -> None:
        assert await asyncio.to_thread(self._world.waits.wait, 10)
        # Nobody can end a thread that hangs in Outlook; it ends when Outlook comes back.
        asyncio.get_running_loop().call_later(0.5, self._world.never.set)


def _arrived(mail: Mail) -> Arrived:
    text, html = mail.values["Body"], mail.values["HTMLBody"]
    visible = [f"{name} <{address}>" for kind, address, name in mail.recipients if kind != 3]
    return Arrived(
        recipients=tuple(address for _, address, _ in mail.recipients),
        content="\n".join([*visible, mail.values["Subject"], text, html, repr(mail.properties)]).encode(),
        from_header=f"{NAME} <{mail.on_behalf or mail.account}>",
        subject=mail.values["Subject"],
        text=text.replace("\r\n", "\n"),
        html=html if mail.values["BodyFormat"] == 2 else "",
        attachments=tuple((file["shown"], file["content"]) for file in mail.attachments),
        message_id=mail.properties.get(f"{TAG}1035001F", ""),
    )


class TestOutlook(TransportContract):
    kind = "mapi"

    @pytest.fixture
    def peer(self, outlook: World, monkeypatch: pytest.MonkeyPatch) -> OutlookPeer:
        monkeypatch.setattr(apartment, "_GRACE", 0.3)
        return OutlookPeer(outlook)

    async def test_finished_message_stays_as_it_is(  # type: ignore[override]
        self, outlook: World, account: Account
    ) -> None:
        """Extended MAPI carries it. The object model cannot, and says so before anything is sent."""
        finished = Message.from_bytes(b"From: anna@example.org\r\nTo: bob@example.org\r\n\r\nHello\r\n")
        envelope = Envelope(sender=ANNA, recipients=("bob@example.org",))
        (problem,) = posthouse_mapi.objections(finished, envelope, MapiSettings(method=Way.OUTLOOK), account)
        assert problem.path == "raw"
        assert "extended" in problem.message
