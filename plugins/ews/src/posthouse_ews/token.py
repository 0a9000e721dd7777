"""What a bearer token is good for at EWS, known before the server says so."""

from __future__ import annotations

from urllib.parse import urlsplit

from posthouse.errors import Stage
from posthouse.providers import Credential
from posthouse.reports import Check, CheckStatus
from posthouse.tokens import Claims
from posthouse_ews.settings import Access, EwsSettings

__all__ = ["verdict"]

_DELEGATED = "EWS.AccessAsUser.All"
_APP_ONLY = "full_access_as_app"
_OF_EXCHANGE = ("outlook.", "outlook-dod.", "partner.outlook.", "webmail.apps.mil")
_APPLICATION_ID = "00000002-0000-0ff1-ce00-000000000000"
"""Office 365 Exchange Online, by which some tokens name their audience."""


def verdict(credential: Credential, settings: EwsSettings) -> Check:
    """Say what a token is for, and whether EWS will take it. Nothing of the token itself is shown."""
    title = "Look at the token"
    claims = Claims.read(credential.secret.reveal()) if credential.secret is not None else None
    if claims is None:
        return Check(
            stage=Stage.AUTHENTICATION,
            title=title,
            status=CheckStatus.SKIPPED,
            evidence="only the server can read this token",
        )
    cause, hint = _objection(claims, settings)
    status = CheckStatus.FAILED if cause else CheckStatus.OK
    if not cause:
        cause, hint = _doubt(claims)
        status = CheckStatus.WARNING if cause else CheckStatus.OK
    return Check(
        stage=Stage.AUTHENTICATION,
        title=title,
        status=status,
        evidence=f"{claims.summary}; {', '.join(sorted(claims.permissions)) or 'no permissions'}",
        cause=cause,
        hint=hint,
        details=claims.as_dict(),
    )


def _objection(claims: Claims, settings: EwsSettings) -> tuple[str, str]:
    if claims.seconds_left is not None and claims.seconds_left <= 0:
        return "The token has expired.", "Check the clock of this machine, then sign in again: posthouse login ACCOUNT."
    if not _is_for_exchange(claims.audience, settings):
        return (
            f"The token is for {claims.audience or 'nobody'}, not for Exchange.",
            "Ask for a token of https://outlook.office365.com, or for the host of your own cloud: check auth.cloud.",
        )
    if claims.app_only and settings.access is Access.DELEGATE:
        return (
            "The application acts for itself, and has no mailbox of its own.",
            'Set access = "impersonation" and mailbox.',
        )
    if not claims.app_only and settings.access is Access.IMPERSONATION:
        return (
            "A user signed in, whom Exchange does not let impersonate anybody by token.",
            'Set access = "delegate", or let the application act for itself (auth.flow = "client-credentials").',
        )
    if not claims.app_only and _DELEGATED not in claims.permissions:
        return (
            f"The token does not hold {_DELEGATED}.",
            f"An administrator adds the delegated permission {_DELEGATED} of Office 365 Exchange Online, and consents.",
        )
    return "", ""


def _doubt(claims: Claims) -> tuple[str, str]:
    """Say what only the server knows: roles that Exchange itself grants to an application stand in no token."""
    if not claims.app_only or _APP_ONLY in claims.permissions:
        return "", ""
    hint = (
        "That is right where Exchange grants Application EWS.AccessAsApp (RBAC for Applications); otherwise an "
        f"administrator adds the application permission {_APP_ONLY} of Office 365 Exchange Online, and consents."
    )
    return f"The token does not hold {_APP_ONLY}.", hint


def _is_for_exchange(audience: str, settings: EwsSettings) -> bool:
    host = urlsplit(audience).hostname or ""
    own = urlsplit(settings.url).hostname or ""
    return audience == _APPLICATION_ID or host.startswith(_OF_EXCHANGE) or (bool(own) and host == own)
