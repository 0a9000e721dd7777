"""Credentials on the wire, and nowhere else."""

from __future__ import annotations

import logging
import sys
from base64 import b64encode

import pytest
import requests

from posthouse.accounts import Account
from posthouse.errors import AuthenticationError, PluginError
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_ews.logs import keep_secrets_out
from posthouse_ews.opening import open_connection
from posthouse_ews.sign_in import auth_for

from .conftest import PASSWORD, Exchange, submission


def header(kind: CredentialKind, user: str, secret: str) -> str:
    auth = auth_for(Credential(kind=kind, user=user, secret=Secret.literal(secret)))
    return str(requests.Request("POST", "https://x.example", auth=auth).prepare().headers["Authorization"])


def test_basic_is_utf8() -> None:
    assert header(CredentialKind.PASSWORD, "jörg", "grün€") == "Basic " + b64encode("jörg:grün€".encode()).decode()


def test_bearer() -> None:
    assert header(CredentialKind.BEARER, "anybody", "abc.def") == "Bearer abc.def"


def test_without_a_password() -> None:
    with pytest.raises(AuthenticationError) as caught:
        auth_for(Credential(kind=CredentialKind.PASSWORD, user="ada"))
    assert caught.value.code == "authentication.no-password"


@pytest.mark.skipif(sys.platform == "win32", reason="SSPI is looked for there")
def test_kerberos_names_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(PluginError) as caught:
        auth_for(Credential(kind=CredentialKind.KERBEROS))
    assert caught.value.code == "plugin.missing"
    assert "posthouse-ews[kerberos]" in caught.value.hint


@pytest.mark.parametrize("kind", [CredentialKind.PASSWORD, CredentialKind.NTLM, CredentialKind.BEARER])
async def test_no_log_holds_a_secret_or_a_message(
    exchange: Exchange, account: Account, caplog: pytest.LogCaptureFixture, kind: CredentialKind
) -> None:
    secret = exchange.token() if kind is CredentialKind.BEARER else PASSWORD
    credential = Credential(kind=kind, user="anna@sandbox.example", secret=Secret.literal(secret))
    with caplog.at_level(logging.DEBUG):
        connection = await open_connection(account, exchange.settings(), credential)
        await connection.send(submission(text="a private matter"))
        exchange.script("500")
        await connection.send(submission(text="a private matter"))
        await connection.close()
    mime = b64encode(b"a private matter").decode()[:16]
    shown = "\n".join(record.getMessage() for record in caplog.records if record.name != "asyncio")
    assert [record.name for record in caplog.records if record.name.startswith("urllib3")]
    assert not any(word in shown for word in (secret, "private matter", mime, "NTLM T", "TlRMTVNTUA", "Authorization"))


def test_a_level_that_somebody_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger("exchangelib")
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        keep_secrets_out()
        assert logger.level == logging.DEBUG
        logger.setLevel(logging.NOTSET)
        keep_secrets_out()
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)
