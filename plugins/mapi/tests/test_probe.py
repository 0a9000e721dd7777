"""The test of an account: what it says, and that nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

import posthouse_mapi
from posthouse.accounts import Account
from posthouse.reports import Check, CheckStatus
from posthouse_mapi import com, machine
from posthouse_mapi.settings import MapiSettings, Way

from .conftest import ANNA
from .machines import SECURITY, FakeMachine, with_new_outlook
from .standin.world import AccountFacts, Fault, World

OK, WARNING, FAILED = CheckStatus.OK, CheckStatus.WARNING, CheckStatus.FAILED
LOOK, COMPARE = "Look for mail programs", "Compare bitness and session"
SIGN_IN, ACCOUNT = "Sign in to the profile", "Find the account to send with"
ONLINE, PERMISSION = "Look whether Outlook is online", "Look whether programs may send"
SWITCHED = (r"HKCU\Software\Microsoft\Office\16.0\Outlook\Preferences", "UseNewOutlook", 1)


@pytest.fixture
def probe(account: Account) -> Any:
    """Run the test by its hook, and return the checks by title."""

    async def run(sender: str = ANNA, **options: Any) -> dict[str, Check]:
        settings = MapiSettings(**options)
        return {
            check.title: check async for check in posthouse_mapi.test(account=account, settings=settings, sender=sender)
        }

    return run


async def test_all_is_well_and_nothing_is_sent(probe: Any, outlook: World) -> None:
    checks = await probe()
    assert list(checks) == [LOOK, COMPARE, SIGN_IN, ACCOUNT, ONLINE, PERMISSION]
    assert {check.status for check in checks.values()} == {OK}
    assert "registered" in checks[LOOK].evidence
    assert checks[LOOK].details["method"] == "outlook"
    assert "64-bit" in checks[COMPARE].evidence
    assert "profile Outlook" in checks[SIGN_IN].evidence
    assert ANNA in checks[ACCOUNT].evidence
    assert checks[PERMISSION].details["trusted"] is True
    assert outlook.mails == []
    assert "MailItem.Send" not in outlook.calls
    assert "Application.CreateItem" not in outlook.calls


async def test_every_failure_has_a_cause_and_a_hint(probe: Any, outlook: World, computer: FakeMachine) -> None:
    computer.put(*SWITCHED)
    outlook.accounts, outlook.offline, outlook.trusted = [AccountFacts("other@example.org")], True, False
    checks = await probe()
    assert [check.status for check in checks.values()] == [OK, WARNING, OK, WARNING, WARNING, FAILED]
    for check in checks.values():
        assert bool(check.cause and check.hint) == (check.status is not OK)


async def test_says_why_nothing_can_be_used(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "this_machine", with_new_outlook)
    (check,) = (await probe()).values()
    assert (check.title, check.status) == (LOOK, FAILED)
    assert "new Outlook" in check.cause
    assert "graph" in check.hint
    assert "default mail program: none" in check.evidence


async def test_says_that_this_is_not_windows(probe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "this_machine", lambda: FakeMachine(system="Linux"))
    (check,) = (await probe()).values()
    assert "needs Windows" in check.cause
    assert "graph" in check.hint


async def test_a_service_is_warned(probe: Any, outlook: World, computer: FakeMachine) -> None:
    computer.session = 0
    checks = await probe(method=Way.OUTLOOK)
    assert checks[COMPARE].status is WARNING
    assert "session 0" in checks[COMPARE].cause


async def test_bitness_does_not_matter_to_the_object_model(probe: Any, outlook: World, computer: FakeMachine) -> None:
    computer.put(r"HKLM\SOFTWARE\Microsoft\Office\16.0\Outlook", "Bitness", "x86")
    checks = await probe()
    assert checks[COMPARE].status is OK
    assert "Outlook 32-bit" in checks[COMPARE].evidence


async def test_a_refused_sign_in_ends_the_test(probe: Any, outlook: World) -> None:
    outlook.script("NameSpace.Logon", Fault((-2147221231, "")))
    checks = await probe()
    assert list(checks) == [LOOK, COMPARE, SIGN_IN]
    assert checks[SIGN_IN].status is FAILED
    assert checks[SIGN_IN].details["code"] == "authentication.profile"
    assert "Control Panel" in checks[SIGN_IN].hint


@pytest.mark.usefixtures("hasty")
async def test_an_outlook_that_hangs_ends_the_test(probe: Any, outlook: World) -> None:
    outlook.script("NameSpace.Logon", Fault(hang=outlook.never))
    checks = await probe()
    assert checks[SIGN_IN].details["code"] == "connect.hung"
    assert "sign in to the profile" in checks[SIGN_IN].cause


async def test_no_account_ends_the_test(probe: Any, outlook: World) -> None:
    outlook.accounts = []
    checks = await probe()
    assert list(checks)[-1] == ACCOUNT
    assert checks[ACCOUNT].status is FAILED
    assert "none" in checks[ACCOUNT].evidence


async def test_names_the_accounts_and_which_is_used(probe: Any, outlook: World) -> None:
    outlook.accounts = [AccountFacts(ANNA), AccountFacts("invoices@example.org", "Invoices")]
    checks = await probe("invoices@example.org")
    assert checks[ACCOUNT].details["accounts"] == [ANNA, "invoices@example.org"]
    assert "sends with invoices@example.org" in checks[ACCOUNT].evidence
    checks = await probe(ANNA, account="Invoices")
    assert checks[ACCOUNT].status is WARNING
    assert "on behalf" in checks[ACCOUNT].cause


async def test_without_a_sender_any_account_does(probe: Any, outlook: World) -> None:
    assert (await probe(""))[ACCOUNT].status is OK


@pytest.mark.parametrize(
    ("trusted", "mode", "send", "interactive", "expected"),
    [
        (True, None, None, False, OK),
        (False, None, None, False, FAILED),
        (False, None, None, True, WARNING),
        (False, 3, 2, False, OK),
        (True, 3, 0, True, FAILED),
        (True, 3, 1, False, FAILED),
        (True, 3, 1, True, WARNING),
        (True, 3, 3, False, OK),
        (False, 3, 3, False, FAILED),
        (True, 0, 0, False, OK),  # without the mode 3, the value beside it does not count
    ],
)
async def test_permission(
    probe: Any,
    outlook: World,
    computer: FakeMachine,
    trusted: bool,
    mode: int | None,
    send: int | None,
    interactive: bool,
    expected: CheckStatus,
) -> None:
    outlook.trusted = trusted
    for name, value in (("AdminSecurityMode", mode), ("PromptOOMSend", send)):
        if value is not None:
            computer.put(rf"HKCU\{SECURITY}", name, value)
    check = (await probe(interactive=interactive))[PERMISSION]
    assert check.status is expected
    assert bool(check.cause) == (expected is not OK)
    if expected is not OK:
        assert all(word in check.hint for word in ("PromptOOMSend", "antivirus", "extended"))


async def test_says_so_when_pywin32_is_missing(
    probe: Any, computer: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise ImportError("No module named 'pythoncom'")

    monkeypatch.setattr(com, "system_com", missing)
    checks = await probe()
    assert checks[SIGN_IN].details["code"] == "plugin.broken"
    assert "pip install pywin32" in checks[SIGN_IN].hint
