"""What an access token tells before and after a server looked at it: one verdict, not one reply for many causes."""

from __future__ import annotations

from typing import Self

import attrs
from attrs import frozen

from posthouse.errors import PosthouseError, Reply, Stage
from posthouse.hints import Hint, HintTable
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.tokens import Claims

__all__ = ["FINDINGS", "TokenCheck"]

FINDINGS = HintTable.load("posthouse_esmtp", "tokens.toml")
"""What may be wrong with a token, by name."""

_ISSUERS = ("https://sts.windows.net/", "https://sts.chinacloudapi.cn/", "https://login.")
"""How the issuers of Entra ID's tokens begin; what others put into theirs says nothing about Exchange."""

_EXCHANGE = frozenset(
    {
        "https://outlook.office365.com",
        "https://outlook.office.com",
        "https://outlook.office365.us",
        "https://outlook-dod.office365.us",
        "https://webmail.apps.mil",
        "https://partner.outlook.cn",
        "00000002-0000-0ff1-ce00-000000000000",
    }
)
"""The audiences that Exchange has, in every cloud, and its application id."""

TITLE = "Read the token"


@frozen
class TokenCheck:
    """A bearer token that is about to be used for a mailbox.

    Attributes:
        mailbox: whom it signs in.
        claims: what it says; None if only its service can read it.
    """

    mailbox: str
    claims: Claims | None

    @classmethod
    def of(cls, credential: Credential | None) -> Self | None:
        """Return the check of a credential, None if it is no token. May read a keyring."""
        if credential is None or credential.kind is not CredentialKind.BEARER or credential.secret is None:
            return None
        return cls(credential.user, Claims.read(credential.secret.reveal()))

    def check(self, duration: float) -> Check:
        """Return what the token itself tells, before anybody was asked."""
        if self.claims is None:
            evidence = "only the service that it is for can read this token"
            return Check(
                stage=Stage.AUTHENTICATION,
                title=TITLE,
                status=CheckStatus.SKIPPED,
                duration=duration,
                evidence=evidence,
            )
        permissions = ", ".join(sorted(self.claims.permissions)) or "none"
        check = Check(
            stage=Stage.AUTHENTICATION,
            title=TITLE,
            status=CheckStatus.OK,
            duration=duration,
            evidence=f"{self.claims.summary}; permissions: {permissions}",
            details=self.claims.as_dict(),
        )
        name = self._finding(self.claims)
        return self._with(check, name) if name else check

    def explain(self, check: Check, error: PosthouseError) -> Check:
        """Put into a failed sign-in what the token lets conclude, where the server names no cause."""
        claims = self.claims
        if claims is None or not _of_entra(claims) or error.reply is None or error.reply.enhanced != "5.7.3":
            return check
        if claims.app_only:
            name = "app-refused" if "SMTP.SendAsApp" in claims.roles else "app-without-role-refused"
        else:
            own = not claims.user or claims.user.lower() == self.mailbox.lower()
            name = "user-refused" if own else "shared-refused"
        hint = _known(name)
        return attrs.evolve(check, cause=hint.cause.format_map(self._names), hint=hint.next.format_map(self._names))

    def _finding(self, claims: Claims) -> str:
        if claims.seconds_left is not None and claims.seconds_left <= 0:
            return "expired"
        if not _of_entra(claims):
            return ""
        if claims.audience.rstrip("/") not in _EXCHANGE:
            return "wrong-audience"
        if claims.app_only:
            return "" if "SMTP.SendAsApp" in claims.roles else "no-role"
        return "" if "SMTP.Send" in claims.scopes else "no-scope"

    def _with(self, check: Check, name: str) -> Check:
        hint = _known(name)
        return attrs.evolve(
            check,
            status=CheckStatus.FAILED if hint.error else CheckStatus.WARNING,
            cause=hint.cause.format_map(self._names),
            hint=hint.next.format_map(self._names),
            details={**check.details, "code": hint.error_code} if hint.error else check.details,
        )

    @property
    def _names(self) -> dict[str, str]:
        claims = self.claims
        return {
            "app": (claims.app if claims else "") or "APP_ID",
            "user": (claims.user if claims else "") or "USER",
            "mailbox": self.mailbox or "MAILBOX",
        }


def _of_entra(claims: Claims) -> bool:
    return claims.issuer.startswith(_ISSUERS) and bool(claims.tenant)


def _known(name: str) -> Hint:
    hint = FINDINGS.find(Reply(0, name, ""), Stage.AUTHENTICATION)
    assert hint is not None, f"tokens.toml has no {name}"
    return hint
