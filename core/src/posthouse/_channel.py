"""An account in use: its plugins, their settings, its connections and limits. The only place that awaits a hook."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from posthouse import _extensions, _logs
from posthouse._limits import RateLimit
from posthouse._objections import carries_everything, objections
from posthouse._observing import ObservedBatch, Observers, failure_of
from posthouse._pool import Lease, Pool
from posthouse._scope import Extension, Scope, package_of
from posthouse.errors import (
    AuthenticationError,
    ConfigurationError,
    PluginError,
    PosthouseError,
    Problem,
    UncertainError,
)
from posthouse.migrations import read_settings
from posthouse.providers import AuthenticationRequest, Connection, Credential, CredentialKind, Draft
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Envelope, Message, Submission
    from posthouse.reports import Check
    from posthouse.secrets import Secret

__all__ = ["Channel", "undelivered"]

_Result = TypeVar("_Result")


class Channel:
    """An account in use.

    Attributes:
        account: the account.
        scope: its transport and authenticator.
        auth_settings: the settings of its sign-in.
        pool: its connections.
        rate: its messages per minute.

    Args:
        account: the account.
        scope: its plugins.
        extensions: those that observe are entered around every operation.
        source: the configuration's name, for error messages.

    Raises:
        ConfigurationError: the transport's or the sign-in's settings are wrong; all problems at once.
        PluginError: a plugin is missing, may not be used, or breaks the contract.
    """

    def __init__(self, account: Account, scope: Scope, extensions: Sequence[Extension], source: str) -> None:
        self.account = account
        self.scope = scope
        self._extensions = extensions
        self._objecting = [extension for extension in extensions if "objections" in extension.hooks]
        self._settings, self.auth_settings = _structure_both(account, scope, source)
        self._observers = Observers(extensions, account, self._settings)
        self.pool = Pool(self._open, account.delivery, account.name)
        self.rate = RateLimit(account.delivery.per_minute)
        self._credential = Credential()
        self._refused: AuthenticationError | None = None
        self._carries_everything = carries_everything(account, scope.transport.capabilities)

    @property
    def renewing(self) -> bool:
        """True if the server refused the token while a message was sent, so that the next connection gets a new one."""
        return self._refused is not None

    def objections(self, message: Message, envelope: Envelope) -> tuple[Problem, ...]:
        """Return everything about a message that the account's transport cannot carry, or an extension not do.

        Raises:
            PluginError: the transport or an extension breaks the contract.
        """
        found = self.transport_objections(message, envelope)
        if self._objecting:
            can = self.scope.transport.capabilities
            found += _extensions.objections(self._objecting, message, envelope, self.account, can)
        return found

    def transport_objections(self, message: Message, envelope: Envelope) -> tuple[Problem, ...]:
        """Return everything about a message that the account's transport cannot carry.

        Raises:
            PluginError: the transport breaks the contract.
        """
        if self._carries_everything:
            found: tuple[Problem, ...] = ()
        else:
            found = objections(message, envelope, self.account, self.scope.transport.capabilities)
        if not self.scope.objects:
            return found
        try:
            own = self.scope.hook.objections(
                message=message,
                envelope=envelope,
                account=self.account,
                settings=self._settings,
                capabilities=self.scope.transport.capabilities,
            )
        except PosthouseError:
            raise
        except Exception as error:
            raise self._unexplained("objections", error) from error
        return (*found, *own)

    def request(self, **more: Any) -> AuthenticationRequest:
        """Return what the authenticator needs to know; ``more`` are further fields of the request."""
        resource = self.scope.transport.resources.get(self.scope.authenticator.kind, "")
        return AuthenticationRequest(account=self.account, resource=resource, **more)

    async def credential(self, *, renew: bool = False, claims: str = "", refused: Secret | None = None) -> Credential:
        """Ask the authenticator for a credential; a new one where one was refused, by a claims challenge perhaps.

        Raises:
            AuthenticationError, ConfigurationError: it cannot be had.
        """
        kind = self.scope.authenticator.kind
        request = self.request(renew=renew, claims=claims, refused=refused)
        async with self._observers.around("authenticate"):
            credential: Credential = await self.guarded(
                "authenticate", self.scope.hook.authenticate(settings=self.auth_settings, request=request)
            )
        if credential.kind not in self.scope.transport.accepts:
            raise PluginError(
                f"The sign-in {kind!r} handed out a {credential.kind.value} credential, "
                f"which the transport {self.scope.transport.kind!r} does not take.",
                code="plugin.pairing",
            )
        return credential

    async def send(self, lease: Lease, submission: Submission, attempt: int) -> Delivery:
        """Send one message over a leased connection. Whatever goes wrong stands in the delivery."""
        with suppress(PosthouseError):  # an observer sees it raised; the caller finds it in the delivery
            async with self._observers.around_sending(submission, attempt):
                delivery = await self._delivery(lease, submission)
                if failure := failure_of(delivery):
                    raise failure
        return delivery

    def send_batch(self, lease: Lease, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery]:
        """Send what ``submissions`` yields; in one go where the transport can, one after the other where it cannot."""
        if not self.scope.batches:
            return self._one_by_one(lease, submissions)
        if self._observers:
            return self._observed_batch(lease, submissions)
        batch: AsyncGenerator[Delivery] = self.scope.hook.send_batch(
            connection=lease.connection, submissions=submissions
        )
        return batch

    async def _delivery(self, lease: Lease, submission: Submission) -> Delivery:
        try:
            delivery: Delivery = await self.scope.hook.send(connection=lease.connection, submission=submission)
        except PosthouseError as error:
            return undelivered(submission, error)
        except Exception as error:
            return undelivered(submission, self._broken_send(error))
        return delivery

    async def _one_by_one(self, lease: Lease, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery]:
        async for submission in submissions:
            yield await self.send(lease, submission, attempt=1)
            if not lease.connection.usable:
                return

    async def _observed_batch(self, lease: Lease, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery]:
        async with (
            ObservedBatch(self._observers) as observed,
            aclosing(observed.submissions(submissions)) as taken,
            aclosing(self.scope.hook.send_batch(connection=lease.connection, submissions=taken)) as deliveries,
        ):
            async for delivery in deliveries:
                observed.settle(delivery)
                yield delivery

    async def test(self, credential: Credential | None, sender: str, recipient: str) -> AsyncGenerator[Check]:
        """Run the transport's own test, and those of the extensions."""
        arguments = {"credential": credential, "sender": sender, "recipient": recipient}
        transport = self.scope.hook.test(account=self.account, settings=self._settings, **arguments)
        testing = [extension for extension in self._extensions if "test" in extension.hooks]
        async with self._observers.around("test"), aclosing(transport):
            async for check in transport:
                yield check
        async with aclosing(_extensions.checks(testing, self.account, arguments)) as own:
            async for check in own:
                yield check

    async def compose(self, message: Message, *, show: bool) -> Draft:
        """Let the transport open a message for the user; renew a token that the server refuses, once.

        Raises:
            PosthouseError: it did not work.
        """
        credential = await self.credential()
        try:
            return await self._compose(message, credential, show=show)
        except AuthenticationError as error:
            if credential.kind is not CredentialKind.BEARER:
                raise
            claims = str(error.details.get("claims", ""))
        _logs.renewing(self.account)
        credential = await self.credential(renew=True, claims=claims, refused=credential.secret)
        return await self._compose(message, credential, show=show)

    async def _compose(self, message: Message, credential: Credential, *, show: bool) -> Draft:
        async with self._observers.around("compose", message_id=message.message_id):
            draft = await self.guarded(
                "compose",
                self.scope.hook.compose(
                    account=self.account, settings=self._settings, credential=credential, message=message, show=show
                ),
            )
        if not isinstance(draft, Draft):
            raise PluginError(
                f"{self._plugin_of('compose')} returned {type(draft).__name__} instead of a draft.",
                code="plugin.contract",
                hint="Tell the plugin's authors.",
            )
        return draft

    async def _open(self) -> Connection:
        """Authenticate and connect; renew a token that the server refuses, once."""
        refused, self._refused = self._refused, None
        credential = self._credential
        if refused is None:
            credential = self._credential = await self.credential()
            try:
                return await self._connect(credential)
            except AuthenticationError as error:
                if credential.kind is not CredentialKind.BEARER:
                    raise  # a password does not get better by trying again, and accounts get locked
                refused = error
        _logs.renewing(self.account)
        claims = str(refused.details.get("claims", ""))
        self._credential = await self.credential(renew=True, claims=claims, refused=credential.secret)
        return await self._connect(self._credential)

    def note_refusal(self, lease: Lease, delivery: Delivery) -> None:
        """Remember that a server that looks at the token only when a message comes did not take it."""
        error = delivery.error if delivery.untouched else None
        bearer = self._credential.kind is CredentialKind.BEARER
        if isinstance(error, AuthenticationError) and bearer and not lease.connection.usable:
            self._refused = error

    async def _connect(self, credential: Credential) -> Connection:
        async with self._observers.around("connect"):
            connection: Connection = await self.guarded(
                "connect",
                self.scope.hook.connect(account=self.account, settings=self._settings, credential=credential),
            )
        _logs.opened(self.account, connection)
        return connection

    async def guarded(self, hook: str, call: Awaitable[_Result]) -> _Result:
        """Await a hook's call; what it raises that no contract allows becomes a `PluginError`."""
        try:
            return await call
        except PosthouseError:
            raise
        except ImportError as error:
            raise PluginError(
                f"{self._plugin_of(hook)} cannot import what it needs: {error}.",
                code="plugin.broken",
                hint="Reinstall the plugin together with its dependencies.",
            ) from error
        except Exception as error:
            raise self._unexplained(hook, error) from error

    def _unexplained(self, hook: str, error: Exception) -> PluginError:
        return PluginError(  # the error's text may hold anything, a secret included
            f"{self._plugin_of(hook)} failed in {hook} with {type(error).__name__}, unexplained.",
            code="plugin.contract",
            hint="Tell the plugin's authors; the cause is chained to this error.",
        )

    def _broken_send(self, error: Exception) -> UncertainError:
        broken = UncertainError(
            f"{self._plugin_of('send')} failed in send with {type(error).__name__}: nobody knows what left.",
            code="plugin.contract",
            hint="Look for the Message-ID at the other side before sending it again; tell the plugin's authors.",
        )
        broken.__cause__ = error
        return broken

    def _plugin_of(self, hook: str) -> str:
        if hook in self.scope.sign_in:
            return f"The authenticator {self.scope.authenticator.kind!r}"
        return f"The transport {self.scope.transport.kind!r}"


def undelivered(submission: Submission, error: PosthouseError) -> Delivery:
    """Return the delivery that an error amounts to: refused for everybody, or uncertain for everybody."""
    status = RecipientStatus.UNCERTAIN if isinstance(error, UncertainError) else RecipientStatus.REFUSED
    recipients = tuple(
        RecipientOutcome(address, status, error.reply, error.temporary, error.message)
        for address in submission.envelope.recipients
    )
    return Delivery(recipients=recipients, reply=error.reply, error=error)


def _structure_both(account: Account, scope: Scope, source: str) -> tuple[Any, Any]:
    """Read the settings of both plugins, and complain about both at once."""
    problems: list[Problem] = []
    settings: list[Any] = []
    parts = (
        (scope.transport, scope.plugins["transport"], account.transport),
        (scope.authenticator, scope.plugins["authenticator"], account.auth),
    )
    for description, candidate, selection in parts:
        package = package_of(candidate)
        try:
            read, notices = read_settings(description, selection.options, path=selection.path, package=package)
        except ConfigurationError as error:
            problems += error.problems
            continue
        settings.append(read)
        _logs.noticed(notices)
    if problems:
        raise ConfigurationError(problems=problems, source=source)
    return settings[0], settings[1]
