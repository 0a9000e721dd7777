"""The contract of the transport ``mapi``, kept through the hooks that the engine calls, on every system."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pluggy
import pytest

import posthouse_mapi
from posthouse import Mailer, hookspecs
from posthouse.accounts import Account
from posthouse.config import parse
from posthouse.errors import PluginError
from posthouse.messages import Envelope, Message
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import Outcome
from posthouse_mapi import MapiSettings, Way, machine

from .machines import FakeMachine

MESSAGE = Message(sender="anna@example.org", to="bob@example.org", text="Hello")
ENVELOPE = Envelope(sender="anna@example.org", recipients=("bob@example.org",))
CONFIGURATION = """
[accounts.desk]
sender = "anna@example.org"
transport = { kind = "mapi" }
"""


@pytest.fixture
def hook() -> Any:
    """The hooks as the engine sees them: registered, and checked for names that no specification has."""
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    manager.register(posthouse_mapi)
    manager.check_pending()
    return manager.hook


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this be another system than Windows, whichever it is."""
    monkeypatch.setattr(machine, "this_machine", lambda: FakeMachine(system="Linux"))


def test_the_entry_point_names_the_kind(hook: Any) -> None:
    (entry_point,) = entry_points(group=hookspecs.GROUPS["transport"], name="mapi")
    assert entry_point.load() is posthouse_mapi
    assert hook.describe().kind == "mapi"


def test_describes_itself(hook: Any) -> None:
    description = hook.describe()
    assert description.settings is MapiSettings
    assert description.settings() == MapiSettings(method=Way.AUTODETECT, timeout=120.0)
    assert description.accepts == {CredentialKind.NONE}
    assert description.capabilities.compose
    assert not description.capabilities.envelope_sender
    assert "Windows" in description.summary
    assert description.label


def test_describing_it_loads_nothing_of_windows() -> None:
    script = (
        "import sys, posthouse_mapi; posthouse_mapi.describe().settings();"
        "print({'asyncio', 'ctypes', 'pythoncom', 'win32com'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


@pytest.mark.usefixtures("elsewhere")
async def test_elsewhere_it_says_what_it_needs(hook: Any, account: Account) -> None:
    nobody = Credential(kind=CredentialKind.NONE)
    common = {"account": account, "settings": MapiSettings()}
    with pytest.raises(PluginError) as caught:
        await hook.connect(credential=nobody, **common)
    assert caught.value.code == "plugin.unavailable"
    with pytest.raises(PluginError, match="needs Windows"):
        hook.objections(message=MESSAGE, envelope=ENVELOPE, capabilities=hook.describe().capabilities, **common)
    with pytest.raises(PluginError, match="needs Windows"):
        await hook.compose(credential=nobody, message=MESSAGE, show=False, **common)
    checks = [one async for one in hook.test(credential=None, sender="", recipient="", **common)]
    assert [check.cause for check in checks] == ["Mail through Outlook or MAPI needs Windows, and this is Linux."]
    assert all(word in checks[0].hint for word in ("graph", "ews", "starttls"))


@pytest.mark.usefixtures("elsewhere")
def test_elsewhere_the_mailer_sends_nothing_and_says_why() -> None:
    with Mailer(parse(CONFIGURATION, "test")) as mailer:
        with pytest.raises(PluginError, match="needs Windows") as caught:
            mailer.send(MESSAGE, account="desk")
        assert caught.value.receipt is not None
        assert caught.value.receipt.outcome is Outcome.FAILED
        with pytest.raises(PluginError, match="needs Windows"):
            mailer.check(MESSAGE, account="desk")
        report = mailer.test("desk")
    assert not report.ok
    assert "needs Windows" in report.verdict
