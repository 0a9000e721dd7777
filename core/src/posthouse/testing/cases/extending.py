"""What an extension does to messages, and how it looks on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from posthouse.accounts import Account, Selection
from posthouse.addresses import Address
from posthouse.errors import PosthouseError, RefusedError
from posthouse.messages import Message
from posthouse.mime import render
from posthouse.providers import Operation
from posthouse.structuring import structure
from posthouse.testing.cases.cancellation import soon
from posthouse.testing.contract import Contract
from posthouse.testing.driving import arguments, message
from posthouse.testing.grades import Grade, case
from posthouse.testing.plugins import PluginUnderTest

__all__ = ["ExtendingCases"]

_AT_ONCE = 8
_HIDDEN = "hidden@example.org"


class ExtendingCases(Contract):
    """An extension at work.

    Attributes:
        sender: whose messages it is shown.
    """

    role: ClassVar[str] = "extension"
    sender: ClassVar[str] = "ada@example.org"

    @pytest.fixture
    def written(self) -> Mapping[str, Any]:
        """The settings as they stand in ``[extensions.NAME]``. To be overridden where some are required."""
        return {}

    @pytest.fixture
    def settings(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> Any:
        """The settings."""
        return structure(plugin.settings, written, path="extensions")

    @case(Grade.BRONZE, hook="prepare")
    async def test_prepared_message_can_travel(self, plugin: PluginUnderTest, settings: Any) -> None:
        """What it returns is a message that renders, with the same Message-ID, and still shows nobody who is in Bcc."""
        given = message(self.sender, bcc=_HIDDEN)
        prepared = await self._prepared(plugin, settings, given)
        assert isinstance(prepared, Message), f"prepare returned {prepared!r}"
        assert prepared.message_id == given.message_id, "the Message-ID was changed"
        content = b"".join(render(prepared).chunks())
        assert content, "nothing is left of the message"
        assert _HIDDEN.encode() not in content, "the message shows who is in Bcc"

    @case(Grade.SILVER, hook="prepare")
    async def test_any_message_is_prepared_or_refused(self, plugin: PluginUnderTest, settings: Any) -> None:
        """HTML alone, no body, files, any script, finished messages: a message comes back, or an error of ours."""
        raw = f"From: {self.sender}\r\nTo: bob@example.org\r\nMessage-ID: <raw@kit.example>\r\n\r\nText\r\n".encode()
        odd = (
            message(self.sender, text=None),
            message(self.sender, text=None, html="<p>Grüße</p>"),
            message(self.sender, subject="注文 🚲", text="مرحبا\n.\n"),
            message(self.sender, attachments=(("Übersicht.bin", bytes(range(256))),)),
            Message.from_bytes(raw),
        )
        for given in odd:
            try:
                prepared = await self._prepared(plugin, settings, given)
            except PosthouseError:
                continue
            assert b"".join(render(prepared).chunks())

    @case(Grade.GOLD, hook="prepare")
    async def test_many_are_prepared_at_a_time(self, plugin: PluginUnderTest, settings: Any) -> None:
        """Messages that are prepared at the same time do not mix."""
        given = [message(self.sender, subject=f"number {number}") for number in range(_AT_ONCE)]
        preparing = (self._prepared(plugin, settings, one) for one in given)
        prepared = await soon(asyncio.gather(*preparing), "Preparing many at a time goes on")
        assert [one.message_id for one in prepared] == [one.message_id for one in given]

    @case(Grade.BRONZE, hook="observe")
    async def test_observer_only_looks_on(self, plugin: PluginUnderTest, settings: Any) -> None:
        """What happens while it looks on is what it would be without: results, errors and cancellation pass through."""
        for name in ("authenticate", "connect", "send", "test"):
            async with self._observing(plugin, settings, name):
                pass
            error = RefusedError("no")
            with pytest.raises(RefusedError) as caught:
                async with self._observing(plugin, settings, name):
                    raise error
            assert caught.value is error, f"the error came back as {caught.value!r}"
            with pytest.raises(asyncio.CancelledError):
                async with self._observing(plugin, settings, name):
                    raise asyncio.CancelledError

    @case(Grade.GOLD, hook="observe")
    async def test_many_are_observed_at_a_time(self, plugin: PluginUnderTest, settings: Any) -> None:
        """Operations overlap, and lie within each other."""

        async def work(number: int) -> int:
            async with (
                self._observing(plugin, settings, "connect"),
                self._observing(
                    plugin, settings, "send", message_id=f"<{number}@kit.example>", recipients=1, attempt=1
                ),
            ):
                await asyncio.sleep(0)
                return number

        assert await asyncio.gather(*map(work, range(_AT_ONCE))) == list(range(_AT_ONCE))

    async def _prepared(self, plugin: PluginUnderTest, settings: Any, given: Message) -> Any:
        hook = plugin.hook.prepare
        try:
            return await hook(**arguments(hook, message=given, account=self._account, settings=settings))
        except PosthouseError:
            raise
        except Exception as error:
            raise AssertionError(f"prepare raised {error!r}, which is none of posthouse.errors") from error

    def _observing(self, plugin: PluginUnderTest, settings: Any, name: str, **attributes: Any) -> Any:
        operation = Operation(name=name, account="kit", transport="kit", authenticator="kit", attributes=attributes)
        return plugin.hook.observe(**arguments(plugin.hook.observe, operation=operation, settings=settings))

    @property
    def _account(self) -> Account:
        return Account(name="kit", transport=Selection(kind="kit"), sender=Address(self.sender))
