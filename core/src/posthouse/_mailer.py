"""`AsyncMailer` for programs that have no event loop: `Mailer`, and `send_email` for scripts."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from posthouse._async_mailer import AsyncMailer
from posthouse._loop import BackgroundLoop
from posthouse._routing import Resolution
from posthouse.config import Configuration, load
from posthouse.errors import Problem
from posthouse.messages import Message
from posthouse.receipts import Receipt
from posthouse.secrets import Secret
from posthouse.urls import from_url

if TYPE_CHECKING:
    from posthouse._discovery import Registry
    from posthouse._stream import AnyMessage, Stream
    from posthouse.accounts import ComposeMethod
    from posthouse.attachments import AttachmentSource
    from posthouse.messages import Addresses
    from posthouse.providers import Draft, Expiry, LoginPrompt
    from posthouse.reports import Check, TestReport

__all__ = ["Mailer", "send_email"]

_CHUNK = 32
_PATIENCE = 0.05
"""Seconds after which a synchronous stream hands over what it has, though its chunk is not full."""


class Mailer:
    """Sends messages through the accounts of a configuration, from any thread of a program without an event loop.

    ::

        with Mailer.from_config() as mailer:
            receipt = mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."))

    It is `AsyncMailer` on an event loop in a thread of its own, started when it is first needed. After a fork the child
    starts its own; it never touches its parent's connections.

    Args:
        configuration: what `posthouse.config.load` or `posthouse.urls.from_url` returned.

    Attributes:
        configuration: the same.

    Raises:
        PluginError: a plugin that ``[plugins] require`` names is missing or unusable.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._mailer = AsyncMailer(configuration)
        self._background: BackgroundLoop | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._finalizer: weakref.finalize[Any, Any] | None = None

    @classmethod
    def from_config(cls, path: str | PathLike[str] | None = None) -> Self:
        """Read a configuration file; see `AsyncMailer.from_config`."""
        return cls(load(path))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Use one account, written as a URL; see `AsyncMailer.from_url`."""
        hidden = Secret.literal(url)
        del url  # a traceback shows what its frames hold
        return cls(from_url(hidden))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def registry(self) -> Registry:
        """The plugins that are installed, each with its state."""
        return self._mailer.registry

    def send(
        self, message: AnyMessage, *, account: str | None = None, user: str | None = None, purpose: str | None = None
    ) -> Receipt:
        """Send one message; see `AsyncMailer.send`."""
        return self._loop().call(self._mailer.send(message, account=account, user=user, purpose=purpose))

    def send_many(
        self,
        messages: Iterable[AnyMessage],
        *,
        account: str | None = None,
        user: str | None = None,
        purpose: str | None = None,
    ) -> Generator[Receipt]:
        """Send many messages; see `AsyncMailer.send_many`. ``messages`` is read in the calling thread."""
        loop = self._loop()
        stream: Stream = loop.call(_later(self._mailer.stream, account, user, purpose))
        try:
            for chunk in _chunks(messages):
                yield from loop.call(_exchange(stream, chunk))
            while receipts := loop.call(stream.wait()):
                yield from receipts
        finally:
            loop.call(stream.close())

    def compose(
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
        """Open a message for the user at this machine instead of sending it; see `AsyncMailer.compose`."""
        return self._loop().call(
            self._mailer.compose(
                message, account=account, user=user, purpose=purpose, method=method, show=show, folder=folder
            )
        )

    def resolve(
        self,
        message: Message | None = None,
        *,
        account: str | None = None,
        user: str | None = None,
        purpose: str | None = None,
    ) -> Resolution:
        """Return which account would send, and why; see `AsyncMailer.resolve`."""
        return self._mailer.resolve(message, account=account, user=user, purpose=purpose)

    def check(
        self, message: AnyMessage, *, account: str | None = None, user: str | None = None, purpose: str | None = None
    ) -> tuple[Problem, ...]:
        """Return what the account cannot carry of a message; see `AsyncMailer.check`."""
        return self._loop().call(_later(self._mailer.check, message, account=account, user=user, purpose=purpose))

    def test(
        self,
        account: str | None = None,
        to: str | None = None,
        on_check: Callable[[Check], None] | None = None,
    ) -> TestReport:
        """Try everything that sending needs; see `AsyncMailer.test`. ``on_check`` is called in the mailer's thread."""
        return self._loop().call(self._mailer.test(account, to, on_check))

    def login(self, account: str | None = None, *, device: bool = False) -> Generator[LoginPrompt]:
        """Sign a person in; see `AsyncMailer.login`. Leaving the loop early gives the sign-in up."""
        loop = self._loop()
        prompts = self._mailer.login(account, device=device)
        try:
            while (prompt := loop.call(_next(prompts))) is not None:
                yield prompt
        finally:
            loop.call(_close(prompts))

    def start_login(self, account: str | None = None, *, redirect_uri: str = "") -> LoginPrompt:
        """Begin a sign-in behind a button of your own; see `AsyncMailer.start_login`."""
        return self._loop().call(self._mailer.start_login(account, redirect_uri=redirect_uri))

    def finish_login(self, account: str | None = None, *, parameters: Mapping[str, str]) -> str:
        """End a sign-in that `start_login` began; see `AsyncMailer.finish_login`."""
        return self._loop().call(self._mailer.finish_login(account, parameters=parameters))

    def expiries(self, account: str | None = None) -> Sequence[Expiry]:
        """Return what the account's sign-in depends on that runs out; see `AsyncMailer.expiries`."""
        return self._loop().call(self._mailer.expiries(account))

    def validate(self) -> tuple[Problem, ...]:
        """Load every account and return everything that is wrong; see `AsyncMailer.validate`."""
        return self._loop().call(_later(self._mailer.validate))

    def close(self) -> None:
        """Close every connection and stop the thread. The mailer can be used again afterwards."""
        with self._lock:
            if self._finalizer is not None:
                self._finalizer()
            self._background = self._finalizer = None
            self._mailer = AsyncMailer(self.configuration)

    def _loop(self) -> BackgroundLoop:
        if self._process != os.getpid():  # a forked child has neither the thread nor a right to the connections
            self._lock = threading.Lock()
            self._background = self._finalizer = None
            self._mailer = AsyncMailer(self.configuration)
            self._process = os.getpid()
        with self._lock:
            if self._background is None:
                self._background = BackgroundLoop()
                self._finalizer = weakref.finalize(self, _shut_down, self._background, self._mailer, self._process)
            return self._background


def send_email(
    to: Addresses,
    subject: str,
    body: str,
    html: bool = False,
    attachments: Iterable[AttachmentSource] = (),
    account: str | None = None,
) -> Receipt:
    """Send one mail from a script, with the configuration that is found (see `AsyncMailer.from_config`).

    Args:
        to: one address, many, or a text with commas.
        subject: one line.
        body: the text, or the HTML.
        html: True if ``body`` is HTML.
        attachments: paths, ``(name, content)`` or `Attachment`.
        account: name of the account; the default if None.

    Raises:
        PosthouseError: nobody was accepted, or nobody knows.
    """
    message = Message(
        to=to, subject=subject, text=None if html else body, html=body if html else None, attachments=attachments
    )
    with Mailer.from_config() as mailer:
        return mailer.send(message, account=account)


def _chunks(messages: Iterable[AnyMessage]) -> Iterator[list[AnyMessage]]:
    """Group messages, so that the threads meet once per group; a slow source is handed over message by message."""
    chunk: list[AnyMessage] = []
    since = time.monotonic()
    for message in messages:
        chunk.append(message)
        if len(chunk) >= _CHUNK or time.monotonic() - since > _PATIENCE:
            yield chunk
            chunk, since = [], time.monotonic()
    if chunk:
        yield chunk


async def _exchange(stream: Stream, messages: list[AnyMessage]) -> list[Receipt]:
    """Put messages in and return the receipts that are ready; waits while too much is under way."""
    receipts: list[Receipt] = []
    for message in messages:
        while stream.full:
            receipts += await stream.wait()
        await stream.put(message)
    return receipts + stream.take()


async def _next(prompts: AsyncGenerator[LoginPrompt]) -> LoginPrompt | None:
    return await anext(prompts, None)


async def _close(prompts: AsyncGenerator[LoginPrompt]) -> None:
    await prompts.aclose()


async def _later(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Run a quick function in the mailer's thread, where its state lives."""
    return function(*arguments, **options)


def _shut_down(background: BackgroundLoop, mailer: AsyncMailer, process: int) -> None:
    """Close connections and stop the thread; also runs at interpreter exit for a mailer that nobody closed."""
    if process != os.getpid():
        return
    background.call(mailer.close())
    background.stop()
