"""Signing in with a ticket that the system keeps."""

from __future__ import annotations

import pytest

from posthouse.accounts import Account, Selection
from posthouse.authenticators import kerberos
from posthouse.errors import ConfigurationError
from posthouse.providers import AuthenticationRequest, CredentialKind
from posthouse.structuring import structure

REQUEST = AuthenticationRequest(account=Account(name="x", transport=Selection(kind="ews")))


@pytest.mark.parametrize("principal", ["", "svc-mail", "svc-mail@CONTOSO.COM", "HTTP/mail.contoso.com@CONTOSO.COM"])
async def test_says_whose_ticket(principal: str) -> None:
    settings = structure(kerberos.KerberosSettings, {"principal": principal})
    found = await kerberos.authenticate(settings, REQUEST)
    assert (found.kind, found.user, found.secret) == (CredentialKind.KERBEROS, principal, None)


@pytest.mark.parametrize("principal", ["a b", "@CONTOSO.COM", "ada@", "a@b@c"])
def test_what_is_no_principal_is_refused(principal: str) -> None:
    with pytest.raises(ConfigurationError, match=r"principal.*svc-mail@CONTOSO\.COM"):
        structure(kerberos.KerberosSettings, {"principal": principal})
