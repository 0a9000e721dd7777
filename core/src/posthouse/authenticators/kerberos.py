"""``auth = { kind = "kerberos" }``: the ticket that this process has already, from ``kinit`` or the Windows logon."""

from __future__ import annotations

import re

from attrs import Attribute, frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind
from posthouse.schema import setting


def _check_principal(settings: KerberosSettings, attribute: Attribute[str], value: str) -> None:
    if value and not re.fullmatch(r"[^\s@]+(@[^\s@]+)?", value):
        raise ValueError(f"found {value!r}, expected a principal such as svc-mail@CONTOSO.COM")


@frozen(kw_only=True)
class KerberosSettings:
    """Which of the tickets."""

    principal: str = setting(
        "",
        label="Principal",
        help="Whose ticket to use, where there are several; the default one if empty.",
        placeholder="svc-mail@CONTOSO.COM",
        validator=_check_principal,
    )


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what the plugin is."""
    return AuthenticatorDescription(
        kind="kerberos",
        label="Kerberos ticket",
        settings=KerberosSettings,
        settings_version="1.0",
        provides=frozenset({CredentialKind.KERBEROS}),
        summary="Signs in with a ticket from kinit, a keytab or the Windows logon; no password is stored.",
    )


@hookimpl
async def authenticate(settings: KerberosSettings, request: AuthenticationRequest) -> Credential:
    """Return whose ticket to use; the ticket itself stays where the system keeps it."""
    return Credential(kind=CredentialKind.KERBEROS, user=settings.principal)
