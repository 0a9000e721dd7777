"""Signing in with a password that is looked up when it is needed."""

from __future__ import annotations

import threading
from pathlib import Path

import keyring
import pytest
from keyring_in_memory import MemoryKeyring

from posthouse.accounts import Account, Selection
from posthouse.authenticators import password
from posthouse.errors import ConfigurationError
from posthouse.providers import AuthenticationRequest, Credential, CredentialKind
from posthouse.structuring import structure

REQUEST = AuthenticationRequest(account=Account(name="x", transport=Selection(kind="smtp")))


async def credential(**options: str) -> Credential:
    return await password.authenticate(structure(password.describe().settings, options), REQUEST)


async def test_literal() -> None:
    found = await credential(username="ada", password="hunter2")
    assert (found.kind, found.user, found.expires_at) == (CredentialKind.PASSWORD, "ada", None)
    assert found.secret
    assert found.secret.reveal() == "hunter2"
    assert "hunter2" not in repr(found)


async def test_reference_is_looked_up_each_time(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    settings = structure(password.PasswordSettings, {"username": "ada", "password": f"file:{path}"})
    for value in ("first", "second"):
        path.write_text(f"{value}\n")
        found = await password.authenticate(settings, REQUEST)
        assert found.secret
        assert (found.secret.is_literal, found.secret.reveal()) == (True, value)


async def test_keyring_is_asked_in_another_thread() -> None:
    asked_in = []

    class Slow(MemoryKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            asked_in.append(threading.current_thread())
            return "hunter2"

    before = keyring.get_keyring()
    keyring.set_keyring(Slow())
    try:
        await credential(username="ada", password="keyring:posthouse/ada")
    finally:
        keyring.set_keyring(before)
    assert asked_in
    assert threading.main_thread() not in asked_in


async def test_without_a_password() -> None:
    found = await credential(username="ada")
    assert (found.user, found.secret) == ("ada", None)


async def test_password_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAIL_PW", raising=False)
    with pytest.raises(ConfigurationError, match="MAIL_PW is not set"):
        await credential(username="ada", password="env:MAIL_PW")


def test_user_name_is_required() -> None:
    for options in ({}, {"username": ""}):
        with pytest.raises(ConfigurationError, match="username"):
            structure(password.PasswordSettings, options)
