"""How a credential is put into requests: Basic (RFC 7617), Bearer (RFC 6750), NTLM and Negotiate (RFC 4559).

Import it in a worker thread: requests takes its time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from requests.auth import AuthBase, HTTPBasicAuth

from posthouse.errors import AuthenticationError, PluginError
from posthouse.providers import Credential, CredentialKind

if TYPE_CHECKING:
    from requests import PreparedRequest

__all__ = ["NAMES", "auth_for"]

NAMES = {
    CredentialKind.PASSWORD: "Basic",
    CredentialKind.NTLM: "NTLM",
    CredentialKind.KERBEROS: "Kerberos",
    CredentialKind.BEARER: "Bearer",
}
"""What a sign-in is called, for people."""


class _Bearer(AuthBase):
    """Puts a token into each request. exchangelib's own way would renew it, endlessly where it cannot, and log it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def auth_for(credential: Credential) -> AuthBase:
    """Return what signs requests in.

    Raises:
        AuthenticationError: the password is missing, or there is no Kerberos ticket (``authentication.no-ticket``).
        PluginError: Kerberos needs a package that is not installed.
    """
    if credential.kind is CredentialKind.KERBEROS:
        return _kerberos(credential.user)
    if credential.secret is None:
        raise AuthenticationError(
            f"{credential.user} has no password", code="authentication.no-password", hint="Set auth.password."
        )
    secret = credential.secret.reveal()
    if credential.kind is CredentialKind.BEARER:
        return _Bearer(secret)
    if credential.kind is CredentialKind.PASSWORD:
        return HTTPBasicAuth(credential.user.encode(), secret.encode())  # requests would take Latin-1
    from requests_ntlm import HttpNtlmAuth

    user = credential.user if "\\" in credential.user else f"\\{credential.user}"  # the domain is in it, or unknown
    auth: AuthBase = HttpNtlmAuth(user, secret)
    return auth


def _kerberos(principal: str) -> AuthBase:
    return _sspi(principal) if sys.platform == "win32" else _gssapi(principal)


def _gssapi(principal: str) -> AuthBase:
    try:
        import gssapi
        from requests_gssapi import HTTPSPNEGOAuth
    except (ImportError, OSError) as error:  # OSError: the package is there, the system's Kerberos library is not
        raise _not_installed() from error
    try:
        name = gssapi.Name(principal, gssapi.NameType.kerberos_principal) if principal else None
        ticket = gssapi.Credentials(name=name, usage="initiate")
    except gssapi.exceptions.GSSError as error:
        raise AuthenticationError(
            f"there is no Kerberos ticket{' for ' if principal else ''}{principal}",
            code="authentication.no-ticket",
            hint="Run kinit as the user that runs this program, or name a keytab with KRB5_CLIENT_KTNAME.",
        ) from error
    # At once with the first request: the server need not ask for it, and the body does not travel twice.
    auth: AuthBase = HTTPSPNEGOAuth(creds=ticket, opportunistic_auth=True)
    return auth


def _sspi(principal: str) -> AuthBase:
    try:
        from requests_negotiate_sspi import HttpNegotiateAuth
    except ImportError as error:
        raise _not_installed() from error
    if principal:
        raise PluginError(
            "On Windows the ticket of whoever runs this program is used.",
            code="plugin.principal",
            hint="Leave auth.principal out, and run the program as that user.",
        )
    auth: AuthBase = HttpNegotiateAuth()
    return auth


def _not_installed() -> PluginError:
    return PluginError(
        "Kerberos needs a package that is not installed.",
        code="plugin.missing",
        hint="Run: pip install 'posthouse-ews[kerberos]'. On Linux this needs the system's Kerberos library as well "
        "(Debian: libkrb5-dev and gcc to build it).",
    )
