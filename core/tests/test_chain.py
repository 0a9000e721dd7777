"""What `posthouse plugins trace` prints is what happens: the same steps, in the same order, by the same functions."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from plugin_sites import EXTENSION, TRANSPORT, Site

from posthouse import Mailer, Message
from posthouse._chain import Step, chain
from posthouse._discovery import Registry
from posthouse._engine import Engine
from posthouse.config import load

LOG = "\nimport trace_log\n"
RECORDING_TRANSPORT = (
    TRANSPORT.replace("    return Connection()", "    trace_log.note(connect)\n    return Connection()")
    .replace('    Path("sent").write_text(__name__)', "    trace_log.note(send)")
    .replace("Capabilities()", 'Capabilities(custom_headers="any", envelope_recipients=True)')
    + LOG
    + """
@hookimpl
def objections(message):
    trace_log.note(objections)
    return ()
"""
)
AUTHENTICATOR = """
from attrs import frozen
from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticatorDescription, Credential, CredentialKind
import trace_log

@frozen
class Settings:
    pass

@hookimpl
def describe():
    return AuthenticatorDescription(kind="acme-sign-in", label="Acme", settings=Settings,
                                    provides=frozenset({CredentialKind.NONE}))

@hookimpl
async def authenticate():
    trace_log.note(authenticate)
    return Credential()
"""
LATE = EXTENSION.replace('"stamp"', '"late"').replace("Phase.CONTENT", "Phase.SIGN")
OBSERVE = """
from contextlib import asynccontextmanager
@hookimpl
@asynccontextmanager
async def observe(operation):
    trace_log.LOG.append((operation.name, __name__))
    yield
"""
LOGGING = """
LOG = []
def note(function):
    LOG.append(f"{function.__module__}:{function.__qualname__}")
"""
NOTE = "    trace_log.note(prepare)\n    return message"


@pytest.fixture
def traced(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Everything that can stand on the way, each of which notes that it was there."""
    (site.path / "trace_log.py").write_text(LOGGING)
    site.add("acme-mail", RECORDING_TRANSPORT)
    site.add("acme-sign-in", AUTHENTICATOR, kind="acme-sign-in", group="posthouse.authenticators.v1")
    group = "posthouse.extensions.v1"
    site.add("acme-late", LATE.replace("    return message", NOTE) + LOG, kind="late", group=group)
    site.add("acme-stamp", EXTENSION.replace("    return message", NOTE) + LOG + OBSERVE, kind="stamp", group=group)
    watch = EXTENSION.replace('"stamp"', '"watch"').partition("@hookimpl\nasync def prepare")[0]
    site.add("acme-watch", watch + LOG + OBSERVE, kind="watch", group=group)
    (site.work / "posthouse.toml").write_text(
        """
[plugins]
extensions = ["late", "watch", "stamp"]
[safety]
redirect_to = "test@example.org"
[accounts.acme]
sender = "me@example.org"
transport = { kind = "acme" }
auth = { kind = "acme-sign-in" }
delivery = { per_minute = 30, connections = 2 }
"""
    )
    site.enter(monkeypatch)
    return site


def steps() -> tuple[Step, ...]:
    configuration = load("posthouse.toml")
    engine = Engine(configuration, Registry(configuration.plugins))
    return chain(engine, configuration.accounts["acme"])


def test_the_steps_are_those_that_are_taken(traced: Site) -> None:
    told = steps()
    with Mailer.from_config("posthouse.toml") as mailer:
        mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."))
    happened = sys.modules["trace_log"].LOG
    assert [step.code for step in told if step.code] == [entry for entry in happened if isinstance(entry, str)]
    observed = [(step.name, f"acme_{name}") for step in told for name in step.observers]
    assert observed == [entry for entry in happened if isinstance(entry, tuple)]


def test_every_step_is_there_in_its_place(traced: Site) -> None:
    told = [(step.name, step.by.partition(" (")[0]) for step in steps()]
    assert told == [
        ("sending", "posthouse"),
        ("defaults", "posthouse"),
        ("prepare", "extension stamp"),
        ("envelope", "posthouse"),
        ("safety", "posthouse"),
        ("prepare", "extension late"),
        ("objections", "posthouse"),
        ("objections", "transport acme"),
        ("limits", "posthouse"),
        ("authenticate", "authenticator acme-sign-in"),
        ("connect", "transport acme"),
        ("send", "transport acme"),
    ]


def test_what_the_configuration_makes_of_a_step_is_told(traced: Site) -> None:
    details = {step.name: step.detail for step in steps()}
    assert details["safety"] == "redirected to test@example.org"
    assert details["limits"] == "30 messages a minute, 2 connections, 600 s for each message"
    assert details["authenticate"] == "hands out none"
    assert details["defaults"] == "sender me@example.org; date and Message-ID"


@pytest.mark.parametrize(
    ("more", "name", "detail"),
    [
        ("[safety]\nsending_enabled = false", "sending", "switched off: every message is refused here"),
        ('[safety]\nallow_recipients = ["@example.org"]', "safety", "only to @example.org"),
        ("", "safety", "everyone may be mailed"),
        ("", "limits", "any number of messages a minute, 1 connection, 600 s for each message"),
        ('[accounts.acme]\nenvelope_sender = ""', "envelope", "bounces go to nobody"),
        (
            '[accounts.acme]\nalways_bcc = "b@example.org"',
            "envelope",
            "bounces go to the sender; copies to b@example.org",
        ),
        (
            '[accounts.acme]\nforce_sender = true\nreply_to = "r@example.org"',
            "defaults",
            "sender me@example.org, forced; replies to r@example.org; date and Message-ID",
        ),
    ],
)
def test_policies_are_told_as_they_are(
    site: Site, monkeypatch: pytest.MonkeyPatch, more: str, name: str, detail: str
) -> None:
    site.add("acme-mail")
    account = '[accounts.acme]\nsender = "me@example.org"\ntransport = { kind = "acme" }\n'
    text = more.replace("[accounts.acme]\n", account) if "accounts" in more else f"{account}{more}\n"
    (site.work / "posthouse.toml").write_text(text)
    site.enter(monkeypatch)
    assert next(step.detail for step in steps() if step.name == name) == detail


def test_the_command_prints_it(site: Site) -> None:
    site.add("acme-mail")
    site.configure()
    rows = [line.split("\t") for line in site.here("plugins", "trace", "acme").stdout.splitlines()]
    assert ["connect", "transport acme (acme-mail 1.0)", "acme_mail:connect", "", ""] in rows
    told = json.loads(site.here("plugins", "trace", "acme", "--json").stdout)
    assert told["account"] == "acme"
    assert [step["name"] for step in told["steps"]] == [row[0] for row in rows]
    assert not Path(site.work, "sent").exists()


def test_an_account_that_cannot_be_used_is_an_error(site: Site) -> None:
    site.add("acme-mail", "raise RuntimeError('no luck')")
    site.configure()
    done = site.here("plugins", "trace", "acme")
    assert done.exit_code == 78
    assert "RuntimeError: no luck" in done.stderr
    assert site.here("plugins", "trace", "nobody").exit_code == 78
