"""A transport and an authenticator joined: what breaks the contract is refused when the pair is built."""

from __future__ import annotations

import pytest

from posthouse._discovery import Registry
from posthouse._scope import Scope, load_extension
from posthouse.config import PluginPolicy
from posthouse.errors import PluginError
from posthouse.providers import NoSettings

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
    return TransportDescription(kind="acme", label="Acme", settings=Settings,
                                accepts=frozenset({CredentialKind.NONE}), capabilities=Capabilities())

@hookimpl
async def connect(account, settings, credential):
    return "acme's connection"

@hookimpl
async def send(connection, submission):
    return None

@hookimpl
async def test(account):
    yield None
"""


def scope(auth: str = "none") -> Scope:
    return Scope(Registry(PluginPolicy()), "acme", auth)


async def test_exactly_one_plugin_answers_whatever_else_is_installed(install: Install) -> None:
    install("acme-mail", source=TRANSPORT)
    install("other-mail", kind="other", source=TRANSPORT.replace("acme", "other"))
    registry = Registry(PluginPolicy())
    Scope(registry, "other", "none")
    joined = Scope(registry, "acme", "none")
    assert await joined.hook.connect(account=None, settings=None, credential=None) == "acme's connection"


def test_implementations_may_leave_arguments_out(install: Install) -> None:
    install("acme-mail", source=TRANSPORT.replace("connect(account, settings, credential)", "connect(settings)"))
    assert scope().transport.kind == "acme"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("async def send(", "def send(", "send must be an `async def`"),
        ("    yield None", "    return None", "test must be an async generator"),
        ("async def send(connection", "async def sendd(connection", "sendd"),
        ("@hookimpl\nasync def test", "async def test", "does not implement test"),
        ("connect(account, settings, credential)", "connect(account, passwort)", "passwort"),
        ('kind="acme"', 'kind="smtp"', "describes itself as 'smtp'"),
        ("return TransportDescription(", "return dict(", "describe returned dict"),
        ("def describe():", "def describe():\n    1/0", "ZeroDivisionError"),
        ("settings=Settings", "settings=int", "not an attrs class"),
    ],
)
def test_a_breach_of_contract_is_named(install: Install, old: str, new: str, complaint: str) -> None:
    assert old in TRANSPORT
    install("acme-mail", source=TRANSPORT.replace(old, new))
    with pytest.raises(PluginError) as caught:
        scope()
    assert caught.value.code == "plugin.contract"
    assert complaint in str(caught.value)
    assert "acme-mail 1.0" in str(caught.value)


def test_a_transport_may_object_to_a_message(install: Install) -> None:
    install("acme-mail", source=TRANSPORT + "\n@hookimpl\ndef objections(message):\n    return ()\n")
    assert scope().objects


def test_an_objection_does_not_wait(install: Install) -> None:
    install("acme-mail", source=TRANSPORT + "\n@hookimpl\nasync def objections(message):\n    return ()\n")
    with pytest.raises(PluginError, match="objections must be a plain function"):
        scope()


def test_a_transport_cannot_answer_for_the_authenticator(install: Install) -> None:
    extra = "\n@hookimpl\nasync def authenticate(settings):\n    return None\n"
    install("acme-mail", source=TRANSPORT + extra)
    with pytest.raises(PluginError, match="authenticate is not for a plugin of this role"):
        scope()


def test_a_pair_that_cannot_work_together_is_refused(install: Install) -> None:
    install("acme-mail", source=TRANSPORT)
    with pytest.raises(PluginError) as caught:
        scope("password")
    assert caught.value.code == "plugin.pairing"
    assert "takes none" in str(caught.value)


def test_an_extension_says_which_hooks_it_has(install: Install) -> None:
    source = """
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription

@hookimpl
def describe():
    return ExtensionDescription(name="stamp", label="Stamp")

@hookimpl
async def prepare(message, account):
    return message
"""
    install("acme-stamp", role="extension", kind="stamp", source=source)
    extension = load_extension(Registry(PluginPolicy()), "stamp", {})
    assert extension.hooks == {"describe", "prepare"}
    assert extension.settings == NoSettings()
