"""The test of an account: everything that sending needs, and nothing that is sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import field, frozen

from posthouse.errors import PosthouseError, Stage
from posthouse.reports import Check, CheckStatus
from posthouse.tokens import Claims
from posthouse_graph.answers import Answer, error_for
from posthouse_graph.client import GraphClient, mailbox_path, tls_context
from posthouse_graph.clouds import HOSTS, base_url
from posthouse_graph.opening import open_client
from posthouse_graph.settings import OWN_MAILBOX
from posthouse_graph.translate import translated

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.providers import Credential
    from posthouse_graph.settings import GraphSettings

__all__ = ["probe"]

_GRAPH_ID = "00000003-0000-0000-c000-000000000000"
"""Graph's application id, which some tokens name instead of its address."""

_PATIENCE = 60.0
"""Seconds that the request to the mailbox may take, waiting for Graph included."""

_NOBODY = {"message": {"subject": "", "body": {"contentType": "text", "content": ""}, "toRecipients": []}}


async def probe(
    account: Account, settings: GraphSettings, credential: Credential | None, sender: str
) -> AsyncGenerator[Check, None]:
    """Try each step and yield what was found; stop at the first failure.

    Args:
        account: the account.
        settings: its settings.
        credential: None if there is none to be had; then the way to Graph is tried, and nothing else.
        sender: whose mailbox it is, unless the settings say.
    """
    report = _Report(base_url(settings, account))
    try:
        async for check in _way(report, settings):
            yield check
        if credential is None or credential.secret is None:
            yield report.check(Stage.AUTHENTICATION, "Read the token", CheckStatus.SKIPPED, "there is no token")
            return
        claims = Claims.read(await asyncio.to_thread(credential.secret.reveal))
        for check in _token(report, claims, settings.mailbox or sender):
            yield check
            if check.status is CheckStatus.FAILED:
                return
        report.step(Stage.SENDER, f"Reach the mailbox {settings.mailbox or sender}".rstrip())
        client = await open_client(account, settings, credential)
        try:
            yield await _mailbox(report, client, settings.mailbox or sender)
        finally:
            await client.close()
    except PosthouseError as error:
        yield report.failure(error)


# --- the way ----------------------------------------------------------------------------------------------------------


async def _way(report: _Report, settings: GraphSettings) -> AsyncGenerator[Check, None]:
    if settings.proxy is not None:
        yield report.check(Stage.CONNECT, f"Connect to {report.host}", CheckStatus.SKIPPED, "it goes through the proxy")
        return
    report.step(Stage.RESOLVE, f"Look up {report.host}")
    loop = asyncio.get_running_loop()
    with translated(report.server):
        found = await loop.getaddrinfo(report.host, report.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
    yield report.ok(", ".join(addresses), {"addresses": addresses})
    report.step(Stage.CONNECT, f"Connect to {report.server}")
    context = await asyncio.to_thread(tls_context, settings.ca_file)
    with translated(report.server):
        async with asyncio.timeout(settings.timeout):
            reader, writer = await asyncio.open_connection(report.host, report.port)
        del reader
        try:
            yield report.ok(str(writer.get_extra_info("peername")[0]))
            report.step(Stage.TLS, "Encrypt the connection")
            await writer.start_tls(context, server_hostname=report.host, ssl_handshake_timeout=settings.timeout)
            yield _encryption(report, writer.get_extra_info("ssl_object"))
        finally:
            writer.transport.abort()


def _encryption(report: _Report, ssl_object: ssl.SSLObject) -> Check:
    certificate = ssl_object.getpeercert() or {}
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (expires - datetime.now(UTC)).days
    version, cipher = ssl_object.version() or "", (ssl_object.cipher() or ("",))[0]
    details = {"version": version, "cipher": cipher, "expires": expires.isoformat(), "days_left": days}
    return report.ok(f"{version}, {cipher}; {days} days left", details)


# --- the token --------------------------------------------------------------------------------------------------------


def _token(report: _Report, claims: Claims | None, mailbox: str) -> Iterator[Check]:
    report.step(Stage.AUTHENTICATION, "Read the token")
    if claims is None:
        yield report.check(Stage.AUTHENTICATION, report.title, CheckStatus.SKIPPED, "only Graph can read this token")
        return
    yield _audience(report, claims)
    report.step(Stage.AUTHENTICATION, "Look for the permissions")
    yield _permissions(report, claims, mailbox)


def _audience(report: _Report, claims: Claims) -> Check:
    left = None if claims.expires_at is None else round(claims.expires_at - time.time())
    who = "the application itself" if claims.app_only else claims.user or "a user"
    until = "" if left is None else f", expires in {left // 60} minutes"
    details = {
        "audience": claims.audience,
        "permissions": sorted(claims.permissions),
        "app": claims.app,
        "tenant": claims.tenant,
        "user": claims.user,
        "expires_at": claims.expires_at,
    }
    evidence = f"for {claims.audience}, signed in: {who}{until}"
    if claims.audience.rstrip("/") not in report.audiences:
        return report.problem(
            "authentication.audience",
            evidence,
            f"The token is for {claims.audience or 'nobody'}, not for Graph ({report.host}).",
            "Use auth kind azure-oauth2 with the cloud of this tenant; a token for SMTP or EWS is not good for Graph.",
            details,
        )
    if left is not None and left <= 0:
        return report.problem(
            "authentication.token-expired",
            evidence,
            "The token has expired.",
            "Check the clock of this machine; then sign in again: posthouse login NAME.",
            details,
        )
    return report.ok(evidence, details)


def _permissions(report: _Report, claims: Claims, mailbox: str) -> Check:
    evidence = ", ".join(sorted(claims.permissions)) or "none"
    shared = bool(mailbox) and not claims.app_only and mailbox.lower() not in (claims.user.lower(), OWN_MAILBOX)
    suffix = ".Shared" if shared and claims.user else ""
    wanted, large = f"Mail.Send{suffix}", f"Mail.ReadWrite{suffix}"
    if wanted in claims.permissions and large in claims.permissions:
        return report.ok(evidence)
    if wanted in claims.permissions:
        return report.problem(
            "",
            evidence,
            f"{large} is missing: messages of more than about 2 MB cannot be sent.",
            f"If you need them, add {large} to the app registration and grant admin consent.",
        )
    if claims.app_only:
        return report.problem(
            "",
            evidence,
            "The token does not name Mail.Send. That is right only where RBAC for Applications grants it in Exchange.",
            "Otherwise add the application permission Mail.Send to the app registration and grant admin consent. "
            "Test-ServicePrincipalAuthorization -Identity APP -Resource MAILBOX shows what RBAC grants.",
        )
    return report.problem(
        "authentication.permission",
        evidence,
        f"The permission {wanted} is missing.",
        f"Add the delegated permission {wanted} to the app registration, grant consent, and sign in again: "
        "posthouse login NAME.",
    )


# --- the mailbox ------------------------------------------------------------------------------------------------------


async def _mailbox(report: _Report, client: GraphClient, mailbox: str) -> Check:
    """Ask to send to nobody: Graph looks at token, permission and mailbox, and then refuses for want of a recipient.

    No other call tells with the permission to send alone.
    """
    if not mailbox:
        return report.check(Stage.SENDER, report.title, CheckStatus.SKIPPED, "neither mailbox nor sender is set")
    deadline = asyncio.get_running_loop().time() + _PATIENCE
    answer: Answer = await client.request(
        "POST",
        f"{mailbox_path(mailbox)}/sendMail",
        gate=client.gate(mailbox),
        deadline=deadline,
        expect=(202, 400),
        json={**_NOBODY, "saveToSentItems": False},
        repeatable=False,
    )
    return _of_nobody(report, client, answer)


def _of_nobody(report: _Report, client: GraphClient, answer: Answer) -> Check:
    if answer.status == 202 or answer.reply.enhanced == "ErrorInvalidRecipients":
        return report.ok("may send; asked with a message to nobody, which is not sent")
    return report.failure(error_for(answer, server=client.server, request="sendMail"))


@frozen
class _Report:
    """Puts what was found into words."""

    base_url: str
    _now: list[Any] = field(init=False, factory=lambda: [Stage.CONNECT, "Use the settings", time.perf_counter()])

    @property
    def server(self) -> str:
        return urlsplit(self.base_url).netloc

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.base_url).port or 443

    @property
    def title(self) -> str:
        return str(self._now[1])

    @property
    def audiences(self) -> tuple[str, ...]:
        """What the token may be for. An address that Microsoft does not know stands for the public cloud."""
        host = self.host if self.host in HOSTS.values() else HOSTS["public"]
        return (f"https://{host}", _GRAPH_ID)

    def step(self, stage: Stage, title: str) -> None:
        """Say what comes next."""
        self._now[:] = [stage, title, time.perf_counter()]

    def ok(self, evidence: str, details: dict[str, Any] | None = None) -> Check:
        return self.check(self._now[0], self.title, CheckStatus.OK, evidence, details=details or {})

    def problem(self, code: str, evidence: str, cause: str, hint: str, details: dict[str, Any] | None = None) -> Check:
        """Return a failure; without a code only a warning."""
        return self.check(
            self._now[0],
            self.title,
            CheckStatus.FAILED if code else CheckStatus.WARNING,
            evidence,
            cause=cause,
            hint=hint,
            details={**(details or {}), **({"code": code} if code else {})},
        )

    def failure(self, error: PosthouseError) -> Check:
        return Check.from_error(self.title, error, time.perf_counter() - self._now[2])

    def check(self, stage: Stage, title: str, status: CheckStatus, evidence: str, **more: Any) -> Check:
        duration = time.perf_counter() - self._now[2]
        return Check(stage=stage, title=title, status=status, duration=duration, evidence=evidence, **more)
