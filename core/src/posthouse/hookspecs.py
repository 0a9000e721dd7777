"""The contract between Posthouse and its plugins, on one page.

A plugin is a module (or any object) behind an entry point:

=========================================  ==================================================================
group                                      hooks
=========================================  ==================================================================
``posthouse.transports.v1``                `describe`, `connect`, `send`, `test`; may have `send_batch`, `compose`,
                                           `objections`
``posthouse.authenticators.v1``            `describe`, `authenticate`; may have `login`, `start_login` with
                                           `finish_login`, `expiries`
``posthouse.extensions.v1``                `describe`; `prepare`, `observe` or both; may have `objections`, `test`
``posthouse.commands.v1``                  `register_commands`
=========================================  ==================================================================

The entry point's name is the plugin's kind. Hooks that move mail are ``async def`` (``send_batch``, ``test`` and
``login`` are async generators) and are refused otherwise: a blocking library is wrapped by its plugin in a worker
thread. An implementation may leave out arguments that it does not need, so a later minor version can add some.

Exactly one plugin answers each call: the account's transport or its authenticator. Plugins raise the errors of
`posthouse.errors`; anything else is wrapped in a `PluginError` that names the plugin.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from posthouse.accounts import Account
    from posthouse.errors import Problem
    from posthouse.messages import Envelope, Message, Submission
    from posthouse.providers import (
        AuthenticationRequest,
        AuthenticatorDescription,
        Capabilities,
        Connection,
        Credential,
        Draft,
        Expiry,
        ExtensionDescription,
        LoginPrompt,
        Operation,
        TransportDescription,
    )
    from posthouse.receipts import Delivery
    from posthouse.reports import Check

__all__ = ["API_VERSION", "GROUPS", "hookimpl"]

API_VERSION = 1
"""The major version of this contract; it also stands in the groups' names."""

GROUPS = {
    "transport": f"posthouse.transports.v{API_VERSION}",
    "authenticator": f"posthouse.authenticators.v{API_VERSION}",
    "extension": f"posthouse.extensions.v{API_VERSION}",
    "command": f"posthouse.commands.v{API_VERSION}",
}
"""The entry-point group of each role."""

hookspec = pluggy.HookspecMarker("posthouse")
hookimpl = pluggy.HookimplMarker("posthouse")
"""Marks a function of a plugin as the implementation of the hook with its name."""


# --- every transport, authenticator and extension ---------------------------------------------------------------------


@hookspec(firstresult=True)
def describe() -> TransportDescription | AuthenticatorDescription | ExtensionDescription:  # type: ignore[empty-body]
    """Say what the plugin is. Pure and quick: no network, no files, no heavy import."""


# --- transports -------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
async def connect(account: Account, settings: Any, credential: Credential) -> Connection:  # type: ignore[empty-body]
    """Open a way to the server, signed in and ready to send.

    Args:
        account: the account that sends.
        settings: an instance of the description's settings class.
        credential: from the account's authenticator, of a kind that the description accepts.

    Raises:
        ConnectError, TlsError, AuthenticationError, ThrottledError, ProtocolError: as they say. On an
            `AuthenticationError` for a bearer credential the engine renews it and connects again, once. A claims
            challenge in the error's ``details["claims"]`` is handed to the authenticator.
    """


@hookspec(firstresult=True)
async def send(connection: Connection, submission: Submission) -> Delivery:  # type: ignore[empty-body]
    """Send one message over an open connection.

    The recipients are those of the envelope, never of the headers, and no Bcc header leaves the house. A refusal is no
    exception: it stands in the `Delivery`. So does a connection that broke: ``untouched`` if the content was not handed
    over, recipients ``uncertain`` if it was. A cancelled call leaves the connection unusable.

    Where the server looks at a bearer credential only now, its refusal is an ``untouched`` delivery with an
    `AuthenticationError`, and the connection is not usable any more: the engine renews the credential and sends over a
    new connection, once.
    """


@hookspec(firstresult=True)
async def send_batch(connection: Connection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send many messages over one connection, faster than one `send` after the other. An async generator.

    ``submissions`` never waits: it ends when nothing is ready to go, and the engine calls again when there is more.
    Where it has a method ``ready``, that returns the next one without an ``await``, None if there is none now.
    Yields one `Delivery` per submission taken from ``submissions``, in order. When the connection breaks, those handed
    over without an answer are uncertain, those taken and not handed over are ``untouched``, and the generator ends;
    the engine sends the untouched ones over another connection.

    A batch that takes longer than the account allows is cancelled. Where the connection has an attribute ``unsent``, it
    then says how many of those taken, counted from the last, were not handed over; all others are uncertain.
    """
    yield  # type: ignore[misc]


@hookspec(firstresult=True)
def objections(  # type: ignore[empty-body]
    message: Message, envelope: Envelope, account: Account, settings: Any, capabilities: Capabilities
) -> tuple[Problem, ...]:
    """Return what cannot be carried of this very message, beyond what the description's capabilities say of all.

    For what depends on the message or the settings, such as a limit that holds for large messages only. Asked before
    each message is sent, so it is quick, contacts nobody and reads no attachment.

    An extension says here what will keep it from doing its work: `posthouse.Mailer.check` asks without preparing the
    message, and each message is asked about once more when it is prepared.

    Args:
        message: the message, with a sender.
        envelope: who gets it.
        account: the account that is about to send.
        settings: an instance of the description's settings class.
        capabilities: what the account's transport can carry.
    """


@hookspec(firstresult=True)
async def compose(  # type: ignore[empty-body]
    account: Account, settings: Any, credential: Credential, message: Message, show: bool
) -> Draft:
    """Open the message for the user, in the user's mail program or as a draft, instead of sending it.

    The message's To, Cc and Bcc are whom it may go to, by the policies of the configuration, and all three stand in the
    draft: the user sees them. It may have no recipient yet. On an `AuthenticationError` for a bearer credential the
    engine renews it and calls again, once. Where a person works in a dialog, it takes as long as that person needs.

    Args:
        account: the account that composes.
        settings: an instance of the description's settings class.
        credential: from the account's authenticator.
        message: has a sender, a date and a Message-ID.
        show: False to leave a draft and open nothing. Where True, a plugin that shows the message itself says so in
            the draft (``opened``); the core opens the link of one that does not.

    Raises:
        ComposeError: with the code ``compose.unavailable`` if there is no way to do so on this machine; where nobody
            asked for this transport, the engine makes a file instead. So it does after a `PluginError` with the code
            ``plugin.unavailable``, of a transport that can do nothing on this machine.
        PosthouseError: it did not work, and no draft is left behind, as far as that can be seen to.
    """


@hookspec(firstresult=True)
async def test(
    account: Account, settings: Any, credential: Credential | None, sender: str, recipient: str
) -> AsyncIterator[Check]:
    """Try everything that sending needs, and send nothing. An async generator, so each check shows when it is done.

    Args:
        account: the account.
        settings: an instance of the description's settings class.
        credential: None if the authenticator failed; then test what needs none.
        sender: envelope sender to try; empty to leave that check out.
        recipient: envelope recipient to try, aborted before any content; empty to leave that check out.

    An extension tries what it needs for this account, such as a key.
    """
    yield  # type: ignore[misc]


# --- authenticators ---------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
async def authenticate(settings: Any, request: AuthenticationRequest) -> Credential:  # type: ignore[empty-body]
    """Return a credential for the account. Caches are the authenticator's own affair, as is renewing in good time.

    Raises:
        AuthenticationError: it cannot be had; the hint says who must do what.
    """


@hookspec(firstresult=True)
async def login(settings: Any, request: AuthenticationRequest) -> AsyncIterator[LoginPrompt]:
    """Sign a person in. An async generator: yields what the person must do, ends when it is done.

    With ``request.device`` the person uses a browser on another machine. The last prompt, without a ``url``, may say
    who signed in.

    Raises:
        AuthenticationError: the person declined, or the offer ran out.
    """
    yield  # type: ignore[misc]


@hookspec(firstresult=True)
async def start_login(settings: Any, request: AuthenticationRequest, redirect_uri: str) -> LoginPrompt:  # type: ignore[empty-body]
    """Begin a sign-in behind the button of a host application; its page sends the browser to the prompt's ``url``.

    What `finish_login` needs to know (state, PKCE verifier) is kept by the plugin, where every process of the
    application finds it, until ``expires_at``, and is good for one use.

    Args:
        settings: an instance of the description's settings class.
        request: for which account.
        redirect_uri: where the browser comes back to; empty for the one in the settings.
    """


@hookspec(firstresult=True)
async def finish_login(settings: Any, request: AuthenticationRequest, parameters: Mapping[str, str]) -> str:  # type: ignore[empty-body]
    """End a sign-in: keep what the browser came back with, and return who signed in.

    Args:
        settings: an instance of the description's settings class.
        request: for which account.
        parameters: of the callback, from its query or its form.

    Raises:
        AuthenticationError: the person declined, or nobody began this sign-in, or it was ended already.
    """


@hookspec(firstresult=True)
async def expiries(settings: Any, request: AuthenticationRequest) -> Sequence[Expiry]:  # type: ignore[empty-body]
    """Return what the sign-in depends on that runs out, as far as it is known here; asks no server."""


# --- extensions -------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
async def prepare(message: Message, account: Account, settings: Any) -> Message:  # type: ignore[empty-body]
    """Return the message as it shall travel, in the phase that the description names.

    What computes something over the bytes does so in the last phase (`posthouse.providers.Phase.SIGN`): it renders the
    message and returns ``message.frozen_as(rendered)``, whose bytes are those that leave.

    Args:
        message: has a sender, a date and a Message-ID.
        account: the account that is about to send.
        settings: an instance of the description's settings class.

    Raises:
        MessageError, ConfigurationError: the message cannot go; nothing was sent.
    """


@hookspec(firstresult=True)
def observe(operation: Operation, settings: Any) -> AbstractAsyncContextManager[Any]:  # type: ignore[empty-body]
    """Return a context manager that the engine enters around an operation: it sees the real duration and exception.

    That a message went to nobody, or that nobody knows, is seen as the exception of its ``"send"``. An observer looks
    on: what it raises itself is logged and changes nothing.

    Args:
        operation: what is about to happen.
        settings: an instance of the description's settings class.
    """


# --- commands ---------------------------------------------------------------------------------------------------------


@hookspec
def register_commands(group: click.Group) -> None:
    """Add commands to ``posthouse``. The entry point's name is the command's name; it is loaded when that is typed."""
