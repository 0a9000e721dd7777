"""The test of an account: everything that sending needs, aborted before any content."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import attrs
from attrs import frozen

from posthouse.errors import PosthouseError, Reply, Stage
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.tls.info import TlsInfo, tls_info
from posthouse_esmtp.answers import error_for
from posthouse_esmtp.envelope import path
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.token_check import TokenCheck

__all__ = ["probe"]

_FEW_DAYS = 21
_SHOWN = attrs.filters.exclude("subject", "issuer")  # the chain names them
"""A certificate that expires sooner earns a warning."""


async def probe(
    settings: EsmtpSettings, credential: Credential | None, security: Security, sender: str, recipient: str
) -> AsyncGenerator[Check, None]:
    """Try each step and yield what was found; stop at the first failure.

    A token that cannot be good for SMTP is not shown to the server; the steps before that are tried all the same.

    Args:
        settings: the account's.
        credential: None if there is none to be had; then the sign-in is left out, and what comes after it.
        security: how to encrypt.
        sender: envelope sender to try; empty to leave that out, and the recipient with it.
        recipient: envelope recipient to try; empty to leave that out.
    """
    report = _Report(settings, credential, security)
    token: TokenCheck | None = None
    opening: Opening | None = None
    try:
        token = await asyncio.to_thread(TokenCheck.of, credential)
        if token is not None:
            check = token.check(report.lap())
            yield check
            credential = None if check.status is CheckStatus.FAILED else credential
        opening = Opening(settings, credential or Credential(), security)
        async with aclosing(opening.steps()) as steps:
            async for stage in steps:
                yield report.step(stage, opening)
        if credential is None or credential.kind is CredentialKind.NONE:
            yield report.no_sign_in(credential)
        if sender and credential is not None:
            async for check in _try_envelope(report, opening, sender, recipient):
                yield check
    except PosthouseError as error:
        check = Check.from_error(report.title(error.stage), error, report.lap())
        yield token.explain(check, error) if token and error.stage is Stage.AUTHENTICATION else check
    else:
        await opening.connection().close()
    finally:
        if opening is not None and opening.wire is not None:
            opening.wire.abort()


async def _try_envelope(report: _Report, opening: Opening, sender: str, recipient: str) -> AsyncIterator[Check]:
    """Offer sender and recipient, and take them back before any content."""
    wire = opening.wire
    assert wire is not None
    utf8 = b" SMTPUTF8" if opening.offers.offers("SMTPUTF8") and not (sender + recipient).isascii() else b""
    for stage, address, command in (
        (Stage.SENDER, sender, b"MAIL FROM:<%b>%b\r\n"),
        (Stage.RECIPIENT, recipient, b"RCPT TO:<%b>\r\n"),
    ):
        if address:
            wire.stage = stage
            mailbox = path(address)
            reply = await wire.ask(command % ((mailbox, utf8) if stage is Stage.SENDER else mailbox), report.patience)
            check = report.envelope(stage, address, reply)
            yield check
            if wire.failure is not None:
                return
            if check.status is CheckStatus.FAILED:
                break
    await wire.ask(b"RSET\r\n", report.patience)


@frozen
class _Report:
    """Puts what was found into words."""

    settings: EsmtpSettings
    credential: Credential | None
    security: Security
    _last: list[float] = attrs.field(init=False, factory=lambda: [time.perf_counter()])

    @property
    def patience(self) -> float:
        return self.settings.command_timeout

    @property
    def server(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"

    def lap(self) -> float:
        """Return the seconds since the last check."""
        now = time.perf_counter()
        duration, self._last[0] = now - self._last[0], now
        return duration

    def title(self, stage: Stage, address: str = "") -> str:
        user = self.credential.user if self.credential else ""
        titles = {
            Stage.RESOLVE: f"Look up {self.settings.host}",
            Stage.CONNECT: f"Connect to {self.server}",
            Stage.GREETING: "Read the greeting",
            Stage.TLS: "Encrypt the connection",
            Stage.EHLO: "Ask what the server offers",
            Stage.AUTHENTICATION: f"Sign in as {user}" if user else "Sign in",
            Stage.SENDER: f"Offer the sender {address}".rstrip(),
            Stage.RECIPIENT: f"Offer the recipient {address}".rstrip(),
        }
        return titles.get(stage, "Use the settings")

    def step(self, stage: Stage, opening: Opening) -> Check:
        """Return the check of a step that was taken."""
        if stage is Stage.TLS:
            return self._encryption(opening)
        evidence, details = _evidence(stage, opening)
        return self._check(stage, CheckStatus.OK, evidence, details=details)

    def no_sign_in(self, credential: Credential | None) -> Check:
        why = "the account signs in with nothing" if credential else "there is no credential to sign in with"
        return self._check(Stage.AUTHENTICATION, CheckStatus.SKIPPED, why)

    def envelope(self, stage: Stage, address: str, reply: Reply) -> Check:
        """Return what the reply to MAIL or RCPT means; a refusal that may pass is no failure of the account."""
        title, duration = self.title(stage, address), self.lap()
        if reply.code < 300:
            return Check(stage=stage, title=title, status=CheckStatus.OK, duration=duration, evidence=str(reply))
        error = error_for(reply, stage, server=self.server)
        check = Check.from_error(title, error, duration)
        return attrs.evolve(check, status=CheckStatus.WARNING) if error.temporary else check

    def _encryption(self, opening: Opening) -> Check:
        if opening.trust is not None and opening.wire is not None:
            return self._certificate(tls_info(opening.wire.info("ssl_object")), verified=opening.trust.verified)
        if opening.fallback is not None:
            error = opening.fallback
            return self._check(
                Stage.TLS,
                CheckStatus.WARNING,
                "mail goes in plain text",
                cause=error.message,
                hint=error.hint,
                details={"code": error.code},
            )
        if self.security is Security.NEVER:
            return self._check(Stage.TLS, CheckStatus.SKIPPED, 'starttls = "never"')
        return self._check(
            Stage.TLS,
            CheckStatus.WARNING,
            "mail goes in plain text",
            cause="The server does not offer STARTTLS.",
            hint="Ask its administrator to switch it on, or try its ports 587 (kind starttls) and 465 (kind smtps).",
        )

    def _certificate(self, info: TlsInfo, *, verified: bool) -> Check:
        cause = hint = ""
        if info.days_left < _FEW_DAYS:
            cause = f"The server's certificate expires on {info.expires:%Y-%m-%d}, in {info.days_left} days."
            hint = "The server's administrator must renew it."
        elif not verified:
            cause = f'With verify = "{self.settings.verify}", nobody knows whether this is the right server.'
            hint = "Set verify to full; name the server's own certificate in trusted_certificates if it is self-signed."
        return self._check(
            Stage.TLS,
            CheckStatus.WARNING if cause else CheckStatus.OK,
            f"{info.version}, {info.cipher}; {' < '.join(info.chain)}; {info.days_left} days left",
            cause=cause,
            hint=hint,
            details={**attrs.asdict(info, filter=_SHOWN), "expires": info.expires.isoformat(), "verified": verified},
        )

    def _check(
        self,
        stage: Stage,
        status: CheckStatus,
        evidence: str,
        *,
        cause: str = "",
        hint: str = "",
        details: dict[str, Any] | None = None,
    ) -> Check:
        return Check(
            stage=stage,
            title=self.title(stage),
            status=status,
            duration=self.lap(),
            evidence=evidence,
            cause=cause,
            hint=hint,
            details=details or {},
        )


def _evidence(stage: Stage, opening: Opening) -> tuple[str, dict[str, Any]]:
    """Return what was seen, in words and as data."""
    if stage is Stage.RESOLVE:
        addresses = list(dict.fromkeys(str(info[4][0]) for info in opening.addresses))
        return ", ".join(addresses), {"addresses": addresses}
    if stage is Stage.GREETING:
        return str(opening.greeting), {"greeting": opening.greeting.text}
    if stage is Stage.EHLO:
        offers = {keyword: " ".join(words) for keyword, words in opening.offers.keywords.items()}
        return ", ".join(f"{keyword} {words}".rstrip() for keyword, words in offers.items()), {"offers": offers}
    if stage is Stage.AUTHENTICATION:
        return opening.authentication, {"mechanism": opening.authentication}
    return opening.peer, {"peer": opening.peer}
