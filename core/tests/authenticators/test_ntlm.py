"""Signing in as a Windows user."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.accounts import Account, Selection
from posthouse.authenticators import ntlm
from posthouse.errors import ConfigurationError
from posthouse.providers import AuthenticationRequest, CredentialKind
from posthouse.structuring import structure

REQUEST = AuthenticationRequest(account=Account(name="x", transport=Selection(kind="ews")))


async def test_password_is_looked_up_each_time(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    settings = structure(ntlm.NtlmSettings, {"username": "CONTOSO\\ada", "password": f"file:{path}"})
    for value in ("first", "second"):
        path.write_text(f"{value}\n")
        found = await ntlm.authenticate(settings, REQUEST)
        assert (found.kind, found.user, found.expires_at) == (CredentialKind.NTLM, "CONTOSO\\ada", None)
        assert found.secret
        assert found.secret.reveal() == value
        assert value not in repr(found) + repr(settings)


@pytest.mark.parametrize("user", ["ada", "ada@example.org", "CONTOSO\\ada", "contoso.example\\ada"])
def test_ways_to_write_a_user(user: str) -> None:
    assert structure(ntlm.NtlmSettings, {"username": user, "password": "hunter2"}).username == user


@pytest.mark.parametrize("user", ["", "\\ada", "CONTOSO\\"])
def test_half_a_user_is_refused(user: str) -> None:
    with pytest.raises(ConfigurationError, match=r"username.*DOMAIN"):
        structure(ntlm.NtlmSettings, {"username": user, "password": "hunter2"})


def test_password_is_required() -> None:
    with pytest.raises(ConfigurationError, match="password"):
        structure(ntlm.NtlmSettings, {"username": "ada"})
