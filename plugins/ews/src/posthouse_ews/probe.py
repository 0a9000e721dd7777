"""The test of an account: everything that sending needs, and nothing is sent."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import attrs

from posthouse.errors import DeliveryError, PosthouseError, Stage
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.tls.info import TlsInfo, tls_info
from posthouse.tls.trust import Trust
from posthouse_ews.online import ending_at
from posthouse_ews.opening import Opening, server_of
from posthouse_ews.settings import Access, EwsSettings
from posthouse_ews.token import verdict
from posthouse_ews.translate import translate
from posthouse_ews.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from posthouse.accounts import Account

__all__ = ["probe"]

_Result = TypeVar("_Result")

_FEW_DAYS = 21
_SHOWN = attrs.filters.exclude("chain")
"""A certificate that expires sooner earns a warning."""


async def probe(account: Account, settings: EwsSettings, credential: Credential | None) -> AsyncGenerator[Check, None]:
    """Try each step and yield what was found; stop at the first failure.

    Args:
        account: the account.
        settings: its transport's.
        credential: None if there is none to be had; then what needs one is left out.
    """
    worker = Worker()
    opening = Opening(account, settings, credential or Credential(kind=CredentialKind.KERBEROS))
    steps = _Steps(worker)
    try:
        trust = await steps.run("Use the settings", lambda: Trust.of(settings))
        if settings.url:
            async for check in _try_server(steps, settings, settings.url, trust):
                yield check
        if credential is None:
            yield steps.check(Stage.AUTHENTICATION, "Sign in", CheckStatus.SKIPPED, "there is nothing to sign in with")
            return
        if credential.kind is CredentialKind.BEARER:
            check = verdict(credential, settings)
            yield check
            if check.status is CheckStatus.FAILED:
                return
        title = "Ask Autodiscover for the address" if settings.autodiscover else "Prepare to sign in"
        await steps.run(title, opening.prepare)
        if settings.autodiscover:
            yield steps.check(Stage.CONNECT, title, CheckStatus.OK, opening.url, details={"url": opening.url})
            async for check in _try_server(steps, settings, opening.url, trust):
                yield check
        yield await _sign_in(steps, opening, settings, credential)
        if (ending := ending_at(opening.url)) is not None:
            yield attrs.evolve(
                steps.check(Stage.POLICY, "Look at what Microsoft is going to close", CheckStatus.WARNING, opening.url),
                cause=ending.cause,
                hint=ending.next,
            )
    except PosthouseError as error:
        yield Check.from_error(steps.title, error, steps.lap())
    finally:
        opening.abort()
        worker.close(opening.close)


class _Steps:
    """Runs steps in a thread, and measures them.

    Attributes:
        title: of the step that was begun last.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._last = time.perf_counter()
        self.title = ""

    async def run(self, title: str, work: Callable[[], _Result]) -> _Result:
        """Do a step.

        Raises:
            PosthouseError: it failed.
        """
        self.title = title
        return await self._worker.run(work)

    def lap(self) -> float:
        """Return the seconds since the last check."""
        now = time.perf_counter()
        duration, self._last = now - self._last, now
        return duration

    def check(
        self, stage: Stage, title: str, status: CheckStatus, evidence: str, details: Mapping[str, Any] | None = None
    ) -> Check:
        """Return what a step found."""
        return Check(
            stage=stage, title=title, status=status, duration=self.lap(), evidence=evidence, details=details or {}
        )


async def _try_server(steps: _Steps, settings: EwsSettings, url: str, trust: Trust) -> AsyncGenerator[Check, None]:
    """Look the server up, connect and encrypt."""
    parts = urlsplit(url)
    host, port, server = parts.hostname or "", parts.port or 443, server_of(url)
    if settings.proxy is not None:
        title = f"Connect to {server}"
        yield steps.check(Stage.CONNECT, title, CheckStatus.SKIPPED, "the proxy does that, when it is time to sign in")
        return
    title = f"Look up {host}"
    addresses = await steps.run(title, lambda: _lookup(host, port, server))
    yield steps.check(Stage.RESOLVE, title, CheckStatus.OK, ", ".join(addresses), {"addresses": addresses})
    title = f"Connect to {server}"
    sock = await steps.run(title, lambda: _connect(host, port, settings.timeout, server))
    with sock:
        yield steps.check(Stage.CONNECT, title, CheckStatus.OK, f"{sock.getpeername()[0]}:{port}")
        title = "Encrypt the connection"
        info = await steps.run(title, lambda: _encrypt(sock, trust, host, server))
    yield _certificate(steps, title, info, trust, settings)


def _lookup(host: str, port: int, server: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise translate(error, server) from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def _connect(host: str, port: int, timeout: float, server: str) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout)
    except OSError as error:
        raise translate(error, server) from error


def _encrypt(sock: socket.socket, trust: Trust, host: str, server: str) -> TlsInfo:
    try:
        with trust.context.wrap_socket(sock, server_hostname=host) as encrypted:
            trust.check(encrypted)
            return tls_info(encrypted)
    except (OSError, ValueError, DeliveryError) as error:
        raise translate(error, server) from error


def _certificate(steps: _Steps, title: str, info: TlsInfo, trust: Trust, settings: EwsSettings) -> Check:
    cause = hint = ""
    if info.days_left < _FEW_DAYS:
        cause = f"The server's certificate expires on {info.expires:%Y-%m-%d}, in {info.days_left} days."
        hint = "The server's administrator must renew it."
    elif not trust.verified:
        cause = f'With verify = "{settings.verify}", nobody knows whether this is the right server.'
        hint = "Set verify to full; name the server's own certificate in trusted_certificates if it is self-signed."
    evidence = f"{info.version}, {info.cipher}; {info.subject} < {info.issuer}; {info.days_left} days left"
    details = {**attrs.asdict(info, filter=_SHOWN), "expires": info.expires.isoformat(), "verified": trust.verified}
    check = steps.check(Stage.TLS, title, CheckStatus.WARNING if cause else CheckStatus.OK, evidence, details)
    return attrs.evolve(check, cause=cause, hint=hint)


async def _sign_in(steps: _Steps, opening: Opening, settings: EwsSettings, credential: Credential) -> Check:
    from posthouse_ews.sign_in import NAMES

    who = credential.user or "whoever has the ticket"
    whose = f", in the name of {opening.mailbox}" if settings.access is Access.IMPERSONATION else ""
    title = f"Sign in as {who} and open the mailbox{whose}"
    folder = await steps.run(title, opening.sign_in)
    how = NAMES[credential.kind]
    return steps.check(
        Stage.AUTHENTICATION,
        title,
        CheckStatus.OK,
        f"{how}; the folder {folder} of {opening.mailbox} can be reached",
        {"mechanism": how, "folder": folder, "mailbox": opening.mailbox},
    )
