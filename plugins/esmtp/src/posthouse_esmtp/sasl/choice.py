"""Choose how to sign in: the strongest mechanism that server, credential and configuration all allow."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from posthouse.errors import AuthenticationError
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_esmtp.sasl.cram_md5 import CramMd5
from posthouse_esmtp.sasl.login import Login
from posthouse_esmtp.sasl.mechanism import Mechanism
from posthouse_esmtp.sasl.oauthbearer import OAuthBearer
from posthouse_esmtp.sasl.plain import Plain
from posthouse_esmtp.sasl.scram import ScramSha1, ScramSha256
from posthouse_esmtp.sasl.xoauth2 import XOAuth2

__all__ = ["MECHANISMS", "choose"]

_Implementation = type[ScramSha256 | ScramSha1 | CramMd5 | Plain | Login | OAuthBearer | XOAuth2]

_BY_KIND: Mapping[CredentialKind, tuple[_Implementation, ...]] = {
    CredentialKind.PASSWORD: (ScramSha256, ScramSha1, CramMd5, Plain, Login),
    CredentialKind.BEARER: (OAuthBearer, XOAuth2),
}
"""What each kind of credential can do, strongest first."""

MECHANISMS = tuple(mechanism.name for mechanisms in _BY_KIND.values() for mechanism in mechanisms)
"""Names of all mechanisms, strongest first for each kind of credential."""


def choose(
    offered: Collection[str],
    credential: Credential,
    *,
    encrypted: bool,
    loopback: bool = False,
    allowed: tuple[str, ...] = (),
    allow_plaintext: bool = False,
) -> Mechanism:
    """Return the strongest mechanism that may be used here, ready for one exchange.

    Args:
        offered: what the server's EHLO reply offers now.
        credential: a password or a bearer token.
        encrypted: True if TLS protects the connection.
        loopback: True if the server is this machine; then a token may go unencrypted.
        allowed: names that the configuration allows; empty means all.
        allow_plaintext: True if the configuration lets secrets travel unencrypted.

    Raises:
        AuthenticationError: nothing fits (``authentication.no-mechanism``), or what fits would show the secret to
            whoever listens (``authentication.plaintext``).
    """
    able = _BY_KIND.get(credential.kind, ())
    names = {name.upper() for name in offered}
    wanted = {name.upper() for name in allowed} or {mechanism.name for mechanism in able}
    fitting = [mechanism for mechanism in able if mechanism.name in names and mechanism.name in wanted]
    if not fitting:
        raise _no_mechanism(offered, credential.kind, allowed, encrypted)
    exposing = encrypted or allow_plaintext or (loopback and credential.kind is CredentialKind.BEARER)
    usable = next((mechanism for mechanism in fitting if exposing or mechanism.secure), None)
    if usable is None:
        raise _plaintext(credential.kind, [mechanism.name for mechanism in fitting])
    return usable(credential.user, credential.secret or Secret.literal(""))


def _no_mechanism(
    offered: Collection[str], kind: CredentialKind, allowed: tuple[str, ...], encrypted: bool
) -> AuthenticationError:
    able = ", ".join(mechanism.name for mechanism in _BY_KIND.get(kind, ())) or "nothing that SMTP knows"
    offers = ", ".join(sorted(offered)) or "no sign-in"
    limits = f"; the configuration allows {', '.join(allowed)}" if allowed else ""
    if not offered and not encrypted:
        hint = "Many servers offer it on encrypted connections only: use transport kind starttls or smtps."
    elif not offered:
        hint = "Use the server's submission port (587 or 465), or auth kind none if it needs no sign-in."
    elif allowed:
        hint = "Extend auth_mechanisms, or leave it out."
    elif kind is CredentialKind.BEARER:
        hint = "This server takes no OAuth tokens: sign in with auth kind password."
    else:
        hint = "Choose an auth kind that the server takes; one that offers only XOAUTH2 or OAUTHBEARER wants OAuth."
    return AuthenticationError(
        f"no way to sign in: the server offers {offers}; a {kind.value} credential can do {able}{limits}",
        code="authentication.no-mechanism",
        hint=hint,
        details={"offered": sorted(offered), "allowed": list(allowed)},
    )


def _plaintext(kind: CredentialKind, names: list[str]) -> AuthenticationError:
    what = "access token" if kind is CredentialKind.BEARER else "password"
    return AuthenticationError(
        f"the connection is not encrypted, and {', '.join(names)} would show the {what} to whoever listens",
        code="authentication.plaintext",
        hint="Use transport kind starttls or smtps; only on a network that you trust, set allow_plaintext_auth = true.",
        details={"mechanisms": names},
    )
