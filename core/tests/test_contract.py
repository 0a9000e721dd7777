"""The built-in authenticators pass the conformance kit, through the same door as every plugin."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from posthouse._discovery import Registry
from posthouse.config import PluginPolicy
from posthouse.testing import AuthenticatorContract, SignIn

PASSWORD = "hunter2-hunter2"


class Offline(SignIn):
    """Settings alone; nobody is asked."""

    offline = True

    def __init__(self, **options: str) -> None:
        self._options = options

    @property
    def options(self) -> MappingProxyType[str, str]:
        return MappingProxyType(self._options)


class TestKerberos(AuthenticatorContract):
    kind = "kerberos"

    @pytest.fixture
    def peer(self) -> Offline:
        return Offline(principal="svc-mail@CONTOSO.COM")


class TestNone(AuthenticatorContract):
    kind = "none"

    @pytest.fixture
    def peer(self) -> Offline:
        return Offline()


class TestNtlm(AuthenticatorContract):
    kind = "ntlm"

    @pytest.fixture
    def peer(self) -> Offline:
        return Offline(username=r"CONTOSO\ada", password=PASSWORD)


class TestPassword(AuthenticatorContract):
    kind = "password"

    @pytest.fixture
    def peer(self) -> Offline:
        return Offline(username="ada", password=PASSWORD)


def test_every_built_in_plugin_is_tested_here() -> None:
    built_in = {c.kind for c in Registry(PluginPolicy()).candidates() if c.distribution == "posthouse"}
    contracts = (TestKerberos, TestNone, TestNtlm, TestPassword)
    assert built_in == {contract.kind for contract in contracts}
