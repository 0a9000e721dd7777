"""The engine's face: `AsyncMailer`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from os import PathLike
from typing import TYPE_CHECKING, Self

from posthouse import _logs, _sign_in
from posthouse._discovery import Registry
from posthouse._engine import Engine
from posthouse._routing import Resolution, resolve
from posthouse._stream import AnyMessage, Stream, as_message
from posthouse.config import Configuration, load
from posthouse.errors import ConfigurationError, PosthouseError, Problem
from posthouse.secrets import Secret
from posthouse.urls import from_url

if TYPE_CHECKING:
    from posthouse._channel import Channel
    from posthouse.accounts import Account, ComposeMethod
    from posthouse.messages import Message
    from posthouse.providers import Draft, Expiry, LoginPrompt
    from posthouse.receipts import Receipt
    from posthouse.reports import Check, TestReport

__all__ = ["AsyncMailer"]

_MOST_SENDERS = 1000


class AsyncMailer:
    """Sends messages through the accounts of a configuration, from async code.

    ::

        async with AsyncMailer.from_config() as mailer:
            receipt = await mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."))

    It belongs to the event loop in which it is first used. Connections stay open between messages, until it is closed.

    Args:
        configuration: what `posthouse.config.load` or `posthouse.urls.from_url` returned.

    Attributes:
        configuration: the same.
        registry: the plugins that are installed, each with its state.

    Raises:
        PluginError: a plugin that ``[plugins] require`` names is missing or unusable.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.registry = Registry(configuration.plugins)
        self._engine = Engine(configuration, self.registry)
        self._loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def from_config(cls, path: str | PathLike[str] | None = None) -> Self:
        """Read ``path``, else ``POSTHOUSE_CONFIG``, else ``./posthouse.toml``, else the user's own configuration.

        Raises:
            ConfigurationError: none was found, or it has problems; all of them at once.
        """
        return cls(load(path))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Use one account, written as a URL: ``starttls://user:password@host:587?sender=me@example.org``.

        Raises:
            ConfigurationError: the URL cannot be read.
        """
        hidden = Secret.literal(url)
        del url  # a traceback shows what its frames hold
        return cls(from_url(hidden))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def send(
        self, message: AnyMessage, *, account: str | None = None, user: str | None = None, purpose: str | None = None
    ) -> Receipt:
        """Send one message.

        Args:
            message: what to send.
            account: name of the account; without it the user, the purpose, the From address or the default decides.
            user: a user of the host application.
            purpose: what the mail is for.

        Returns:
            What became of each recipient; some may have been refused.

        Raises:
            PosthouseError: nobody was accepted, or nobody knows. Its ``receipt`` says what happened to whom.
        """
        self._own_loop()
        ready = as_message(message)
        chosen = self.resolve(ready, account=account, user=user, purpose=purpose)
        _logs.chosen(chosen)
        receipt = await self._engine.send(ready, chosen.account)
        _logs.outcome(receipt)
        if receipt.error is not None:
            receipt.error.receipt = receipt
            raise receipt.error
        return receipt

    async def send_many(
        self,
        messages: Iterable[AnyMessage] | AsyncIterable[AnyMessage],
        *,
        account: str | None = None,
        user: str | None = None,
        purpose: str | None = None,
    ) -> AsyncGenerator[Receipt]:
        """Send many messages over as many connections as their accounts allow.

        Messages are taken as they can be sent, so a generator of a million is fine.

        Yields:
            One receipt per message, in order, while it goes. A message's failure is in its receipt, never raised.
        """
        stream = self.stream(account, user, purpose)
        try:
            if isinstance(messages, AsyncIterable):
                async for receipt in _pumped(messages, stream):
                    yield receipt
            else:
                for message in messages:
                    await stream.put(message)
                    while stream.full:
                        for receipt in await stream.wait():
                            yield receipt
            while stream.pending:
                for receipt in await stream.wait():
                    yield receipt
        finally:
            await stream.close()

    async def compose(
        self,
        message: AnyMessage,
        *,
        account: str | None = None,
        user: str | None = None,
        purpose: str | None = None,
        method: ComposeMethod | str | None = None,
        show: bool = True,
        folder: str | PathLike[str] | None = None,
    ) -> Draft:
        """Open a message for the user at this machine, who looks at it and sends it, or not. Nothing is sent here.

        Args:
            message: what to lay before the user; it may have no recipient yet.
            account: name of the account; without it the user, the purpose, the From address or the default decides.
            user: a user of the host application, whose own choice of a method counts where the administrator allows it.
            purpose: what the mail is for.
            method: how, whatever the configuration says.
            show: False to open nothing: the draft says where it is.
            folder: where a file goes; ``[compose] folder`` or the user's cache if None.

        Returns:
            Where the draft is, how it was made and why, and whether it could be opened.

        Raises:
            PosthouseError: it cannot be composed at all, or not in the way that was asked for.
        """
        from posthouse._composing import wish_for

        self._own_loop()
        ready = as_message(message)
        chosen = self.resolve(ready, account=account, user=user, purpose=purpose)
        _logs.chosen(chosen)
        wish = wish_for(self.configuration, chosen.account, user, method=method, show=show, folder=folder)
        draft = await self._engine.compose(ready, chosen.account, wish)
        _logs.composed(draft)
        return draft

    def resolve(
        self,
        message: Message | None = None,
        *,
        account: str | None = None,
        user: str | None = None,
        purpose: str | None = None,
    ) -> Resolution:
        """Return which account would send, and why.

        Raises:
            ConfigurationError: no such account, or nothing decides.
            NotPermittedError: the account is disabled.
        """
        return resolve(self.configuration, message, account=account, user=user, purpose=purpose)

    def check(
        self, message: AnyMessage, *, account: str | None = None, user: str | None = None, purpose: str | None = None
    ) -> tuple[Problem, ...]:
        """Return what the account cannot carry of a message, before anything is sent. Empty means nothing.

        Raises:
            PosthouseError: no account, no plugin, or a message that nobody can send.
        """
        ready = as_message(message)
        return self._engine.check(ready, self.resolve(ready, account=account, user=user, purpose=purpose).account)

    async def test(
        self,
        account: str | None = None,
        to: str | None = None,
        on_check: Callable[[Check], None] | None = None,
    ) -> TestReport:
        """Try everything that sending needs, step by step.

        Args:
            account: name of the account; the default if None.
            to: also send a test mail there; ``""`` sends it to the account's own sender; None sends nothing.
            on_check: called with each check when it is done, to show progress.

        Raises:
            PosthouseError: the account cannot even be loaded.
        """
        self._own_loop()
        chosen = self.resolve(account=account).account
        if to == "":
            if chosen.sender is None:
                raise ConfigurationError(
                    f"The account {chosen.name!r} has no sender to send the test mail to.",
                    hint=f"Name a recipient, or set accounts.{chosen.name}.sender.",
                )
            to = chosen.sender.addr_spec
        return await self._engine.test(chosen, to, on_check)

    async def login(self, account: str | None = None, *, device: bool = False) -> AsyncGenerator[LoginPrompt]:
        """Sign a person in who sits at this machine, for an account whose sign-in needs one.

        Args:
            account: name of the account; the default if None.
            device: True for a code that the person types in a browser elsewhere.

        Yields:
            What the person must do. The sign-in is done when this ends.

        Raises:
            ConfigurationError: nobody signs in to this account (``login.unsupported``).
            AuthenticationError: the person declined, or the offer ran out.
        """
        async with aclosing(_sign_in.login(self._channel(account), device=device)) as prompts:
            async for prompt in prompts:
                yield prompt

    async def start_login(self, account: str | None = None, *, redirect_uri: str = "") -> LoginPrompt:
        """Begin a sign-in behind a button of your own: send the browser to the ``url`` of what is returned.

        Args:
            account: name of the account; the default if None.
            redirect_uri: where the browser comes back to, as registered; empty for the one in the configuration.

        Raises:
            ConfigurationError: nobody signs in to this account (``login.unsupported``).
            AuthenticationError: the sign-in service says no.
        """
        return await _sign_in.start_login(self._channel(account), redirect_uri)

    async def finish_login(self, account: str | None = None, *, parameters: Mapping[str, str]) -> str:
        """End a sign-in that `start_login` began, in this process or another one of the same user.

        Args:
            account: the same as at the start.
            parameters: of the request with which the browser came back, from its query or its form.

        Returns:
            Who signed in.

        Raises:
            AuthenticationError: the person declined, or nobody began this sign-in, or it was ended already.
        """
        return await _sign_in.finish_login(self._channel(account), parameters)

    async def expiries(self, account: str | None = None) -> Sequence[Expiry]:
        """Return what the account's sign-in depends on that runs out, the first to do so first. Asks no server.

        Raises:
            PosthouseError: the account cannot be loaded, or its secrets cannot be had.
        """
        return await _sign_in.expiries(self._channel(account))

    def validate(self) -> tuple[Problem, ...]:
        """Load every account's plugins and settings, contact nobody, and return everything that is wrong."""
        return self._engine.validate()

    async def close(self) -> None:
        """Close every connection. The mailer can be used again afterwards."""
        await self._engine.close()

    def stream(self, account: str | None = None, user: str | None = None, purpose: str | None = None) -> Stream:
        """Return what `send_many` is made of, for a program that puts messages in and takes receipts out itself."""
        self._own_loop()

        logging = _logs.listening()

        known: dict[str, Account] = {}  # by From address, which is all of a message that counts

        def choose(message: Message) -> Account:
            sender = message.sender.addr_spec if message.sender else ""
            if sender in known and not logging:
                return known[sender]
            chosen = self.resolve(message, account=account, user=user, purpose=purpose)
            if logging:
                _logs.chosen(chosen)
            if len(known) < _MOST_SENDERS:
                known[sender] = chosen.account
            return chosen.account

        return Stream(self._engine, choose)

    def _channel(self, account: str | None) -> Channel:
        self._own_loop()
        return self._engine.channel(self.resolve(account=account).account)

    def _own_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise PosthouseError(
                "This AsyncMailer belongs to another event loop.",
                code="mailer.loop",
                hint="Make one AsyncMailer per event loop, or use Mailer, which works from any thread.",
            )


async def _pumped(messages: AsyncIterable[AnyMessage], stream: Stream) -> AsyncIterator[Receipt]:
    """Yield receipts while a source that may pause is read beside it; what is left when it ends stays in the stream."""

    async def read() -> None:
        async for message in messages:
            await stream.put(message)
            await stream.room()

    reader = asyncio.ensure_future(read())
    reader.add_done_callback(lambda _: stream.wake())
    try:
        while not reader.done():
            await stream.progress()
            for receipt in stream.take():
                yield receipt
        reader.result()
    finally:
        reader.cancel()
