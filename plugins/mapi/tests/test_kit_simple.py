"""The transport ``mapi`` passes the conformance kit by Simple MAPI, with the capabilities that it has."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from typing import ClassVar

import attrs
import pytest

import posthouse_mapi
from posthouse.accounts import Account
from posthouse.errors import ComposeError
from posthouse.messages import Message
from posthouse.providers import Capabilities
from posthouse.testing import Arrived, Peer, TransportContract
from posthouse.testing.plugins import PluginUnderTest, find
from posthouse_mapi import apartment
from posthouse_mapi import simple as package
from posthouse_mapi.settings import MapiSettings, Way
from posthouse_mapi.simple import SimpleMethod

from .conftest import ANNA
from .machines import FakeMachine
from .simple.program import Decoded, MailProgram

NAME = "Jürgen Müller 注"
"""What the mail program calls its account: it writes its own name and address into From."""

ACCESS_DENIED, TOO_MANY_SESSIONS, TEXT_TOO_LARGE, NETWORK_FAILURE = 6, 8, 18, 23
_ALL = 32  # more calls than any case makes


class MailProgramPeer(Peer):
    """A mail program's stand-in as a peer."""

    sender = ANNA
    hasty: ClassVar[dict[str, float]] = {"timeout": 0.3}
    tells_when = False
    impossible: ClassVar[dict[str, str]] = {
        "refuse_recipients": "a mail program takes or refuses a message for all its recipients",
        "break_after_content": "the mail program is loaded into this process, so no connection can break",
    }

    def __init__(self, program: MailProgram) -> None:
        self._program = program
        self.never = threading.Event()

    @property
    def options(self) -> dict[str, object]:
        return {"method": "simple", "timeout": 1.0}

    async def arrived(self) -> list[Arrived]:
        return [_arrived(mail) for mail in self._program.taken]

    async def throttle(self, seconds: int) -> None:
        self._answer(TOO_MANY_SESSIONS)

    async def fail_for_a_while(self) -> None:
        self._answer(NETWORK_FAILURE)

    async def fail_for_good(self) -> None:
        self._answer(ACCESS_DENIED)

    async def refuse_size(self) -> None:
        self._answer(TEXT_TOO_LARGE)

    async def hang(self) -> None:
        self._program.hangs = self.never

    async def held(self) -> None:
        assert await asyncio.to_thread(self._program.called.wait, 10)
        # Nobody can end a thread that hangs in the mail program; it ends when that comes back.
        asyncio.get_running_loop().call_later(0.5, self.never.set)

    def _answer(self, number: int) -> None:
        self._program.answers = deque([number] * _ALL)


def _arrived(mail: Decoded) -> Arrived:
    visible = [f"{one.name} <{one.address}>" for one in mail.recipients if one.kind != 3]
    return Arrived(
        recipients=tuple(one.address.removeprefix("SMTP:") for one in mail.recipients),
        content="\n".join([*visible, mail.subject, mail.text]).encode(),
        from_header=f"{NAME} <{ANNA}>",
        subject=mail.subject,
        text=mail.text.replace("\r\n", "\n"),
        attachments=tuple((file.name, file.content or b"") for file in mail.files),
    )


class SimpleMapi(PluginUnderTest):
    """The transport, as far as Simple MAPI goes."""

    @property
    def capabilities(self) -> Capabilities:
        """What this method carries; the rest is among its objections, or in a note of the receipt."""
        return attrs.evolve(
            super().capabilities,
            raw_mime=False,
            html=False,
            inline_images=False,
            custom_headers="none",
            dsn=False,
            any_sender=False,
            message_id=False,
        )


class TestSimple(TransportContract):
    kind = "mapi"

    @pytest.fixture
    def plugin(self) -> PluginUnderTest:
        """The transport, whose description is of its best method; this one carries less."""
        return SimpleMapi(**attrs.asdict(find("transport", self.kind), recurse=False))

    @pytest.fixture
    def program(self) -> Iterator[MailProgram]:
        """A mail program that must not be handed anything against the documentation."""
        program = MailProgram()
        yield program
        assert program.violations == []

    @pytest.fixture
    def peer(
        self, program: MailProgram, computer: FakeMachine, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[MailProgramPeer]:
        class Method(SimpleMethod):
            def __init__(self, settings: MapiSettings) -> None:
                super().__init__(settings, program.library)

        monkeypatch.setattr(package, "SimpleMethod", Method)
        monkeypatch.setattr(apartment, "_GRACE", 0.3)
        peer = MailProgramPeer(program)
        yield peer
        peer.never.set()

    async def test_composing_sends_nothing(  # type: ignore[override]
        self, peer: MailProgramPeer, program: MailProgram, account: Account
    ) -> None:
        """Simple MAPI shows a message; without a window it can leave no draft, and says so."""
        with pytest.raises(ComposeError) as caught:
            await posthouse_mapi.compose(MapiSettings(method=Way.SIMPLE), Message(sender=ANNA, text="."), show=False)
        assert caught.value.code == "compose.unavailable"
        assert program.calls == []
