"""Sending without signing in."""

from __future__ import annotations

from posthouse.accounts import Account, Selection
from posthouse.authenticators import none
from posthouse.providers import AuthenticationRequest, Credential, CredentialKind
from posthouse.structuring import structure

ACCOUNT = Account(name="x", transport=Selection(kind="smtp"))


async def test_proves_nothing() -> None:
    description = none.describe()
    settings = structure(description.settings, {})
    assert await none.authenticate(settings, AuthenticationRequest(account=ACCOUNT)) == Credential()
    assert description.provides == {CredentialKind.NONE}
