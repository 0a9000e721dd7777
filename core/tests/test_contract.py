"""The built-in authenticators keep the contract that every plugin keeps, through the same door."""

from __future__ import annotations

import pytest

from posthouse._discovery import Registry, State
from posthouse.config import PluginPolicy, parse
from posthouse.hookspecs import GROUPS
from posthouse.providers import AuthenticationRequest, CredentialKind
from posthouse.structuring import structure

from .conftest import Install

TRANSPORT = """
from attrs import frozen
from posthouse.hookspecs import hookimpl
from posthouse.providers import Capabilities, CredentialKind, TransportDescription

@frozen
class Settings:
    pass

@hookimpl
def describe():
    return TransportDescription(kind="any", label="Any", settings=Settings, accepts=frozenset(CredentialKind),
                                capabilities=Capabilities())

@hookimpl
async def connect(account):
    raise AssertionError("nobody connects here")

@hookimpl
async def send(submission):
    raise AssertionError("nobody sends here")

@hookimpl
async def test(account):
    yield None
"""
SETTINGS = {
    "kerberos": ({"principal": "svc-mail@CONTOSO.COM"}, CredentialKind.KERBEROS),
    "none": ({}, CredentialKind.NONE),
    "ntlm": ({"username": r"CONTOSO\ada", "password": "hunter2-hunter2"}, CredentialKind.NTLM),
    "password": ({"username": "ada", "password": "hunter2-hunter2"}, CredentialKind.PASSWORD),
}


def built_in() -> list[str]:
    return [c.kind for c in Registry(PluginPolicy()).candidates() if c.distribution == "posthouse"]


def test_every_built_in_plugin_is_tested_here() -> None:
    assert sorted(built_in()) == sorted(SETTINGS)


@pytest.mark.parametrize("kind", SETTINGS)
def test_it_is_found_through_its_entry_point(kind: str) -> None:
    found = Registry(PluginPolicy()).find("authenticator", kind)
    assert (found.state, found.distribution) == (State.READY, "posthouse")
    assert found.role == "authenticator"
    assert GROUPS["authenticator"].endswith(".v1")


@pytest.mark.parametrize("kind", SETTINGS)
async def test_it_hands_out_what_it_describes(install: Install, kind: str) -> None:
    from posthouse._scope import Scope

    install("acme-any", kind="any", source=TRANSPORT)
    scope = Scope(Registry(PluginPolicy()), "any", kind)
    options, expected = SETTINGS[kind]
    account = parse('[accounts.a]\ntransport = { kind = "any" }\n', "test").accounts["a"]
    settings = structure(scope.authenticator.settings, options, path="auth")
    credential = await scope.hook.authenticate(settings=settings, request=AuthenticationRequest(account=account))
    assert credential.kind is expected
    assert credential.kind in scope.authenticator.provides
    assert "hunter2" not in repr(credential) + repr(settings) + str(settings)
