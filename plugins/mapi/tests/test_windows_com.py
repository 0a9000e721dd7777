"""The stand-in behind real COM, in a process of its own, as pywin32 sees it without this plugin."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from .standin.office import ONLY_WINDOWS, Office, running_office
from .standin.registry import in_wine

pytestmark = ONLY_WINDOWS

REJECTED, RETRY_LATER, WRONG_THREAD, EXCEPTION, ABORTED = (
    number - (1 << 32) for number in (0x80010001, 0x8001010A, 0x8001010E, 0x80020009, 0x80004004)
)
GONE = {number - (1 << 32) for number in (0x800706BA, 0x800706BE, 0x80010108, 0x80010012, 0x80010007)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The stand-in, registered and running."""
    with running_office(tmp_path_factory.mktemp("outlook") / "port.json") as office:
        yield office


@pytest.fixture
def office(running: Office) -> Iterator[Office]:
    """Outlook as each test finds it."""
    running.renew()
    yield running
    running.release()


@pytest.fixture
def com() -> Iterator[Any]:
    """COM, in an apartment of this thread."""
    pythoncom = import_module("pythoncom")
    pythoncom.CoInitialize()
    yield pythoncom
    pythoncom.CoUninitialize()


def outlook() -> Any:
    return import_module("win32com.client.dynamic").Dispatch("Outlook.Application")


def save(com: Any, item: Any) -> None:
    """Call a method as the plugin does: pywin32's own late binding would make an AttributeError of what goes wrong."""
    item._oleobj_.Invoke(item._oleobj_.GetIDsOfNames("Save"), 0, com.DISPATCH_METHOD, True)


def test_late_binding_reaches_another_process(com: Any, office: Office) -> None:
    item = outlook().CreateItem(0)
    item.Subject = "Łódź 🚲"
    assert item.Subject == "Łódź 🚲"
    assert office.get("calls")[-2:] == ["MailItem.Subject", "MailItem.Subject"]


def test_objects_are_put_by_reference_only(com: Any, office: Office) -> None:
    app = outlook()
    item, account = app.CreateItem(0), app.Session.Accounts.Item(1)
    number = item._oleobj_.GetIDsOfNames("SendUsingAccount")
    with pytest.raises(com.com_error):
        item._oleobj_.Invoke(number, 0, com.DISPATCH_PROPERTYPUT, False, account._oleobj_)
    item._oleobj_.Invoke(number, 0, com.DISPATCH_PROPERTYPUTREF, False, account._oleobj_)
    assert item.SendUsingAccount.SmtpAddress == "anna@example.org"


def test_there_is_nothing_undocumented(com: Any, office: Office) -> None:
    item = outlook().CreateItem(0)
    with pytest.raises(AttributeError):
        item.SendItNow()
    with pytest.raises(AttributeError):
        item.Subjekt = "Hi"


def test_com_itself_refuses_for_a_busy_process(com: Any, office: Office) -> None:
    item = outlook().CreateItem(0)
    office.refuse(*[1] * 20)  # also what COM does for itself meanwhile is refused
    with pytest.raises(com.com_error) as caught:
        save(com, item)
    assert caught.value.hresult == REJECTED
    assert office.refused_calls() >= 1
    assert office.get("calls")[-1] == "Application.CreateItem"


def test_com_itself_asks_to_try_later(com: Any, office: Office) -> None:
    item = outlook().CreateItem(0)
    office.refuse(*[2] * 20)
    if in_wine():  # which tries again by itself, where Windows asks the caller's message filter
        save(com, item)
        assert office.refused_calls() >= 1
    else:
        with pytest.raises(com.com_error) as caught:
            save(com, item)
        assert caught.value.hresult == RETRY_LATER


def test_an_error_of_outlook_arrives_inside_an_exception(com: Any, office: Office) -> None:
    office.set(trusted=False, prompt="deny")
    item = outlook().CreateItem(0)
    item.Recipients.Add("bob@example.org").Resolve()
    with pytest.raises(com.com_error) as caught:
        item.Send()
    assert caught.value.hresult == EXCEPTION
    assert caught.value.excepinfo[5] == ABORTED


def test_another_thread_may_not_use_an_object(com: Any, office: Office) -> None:
    item, found = outlook().CreateItem(0), []

    def use() -> None:
        com.CoInitialize()
        try:
            save(com, item)
        except com.com_error as error:
            found.append(error.hresult)
        com.CoUninitialize()

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert found == [WRONG_THREAD]


def test_an_ended_process_is_gone_and_com_starts_the_next(com: Any, office: Office) -> None:
    item = outlook().CreateItem(0)
    office.end()
    with pytest.raises(com.com_error) as caught:
        save(com, item)
    assert caught.value.hresult in GONE
    assert outlook().CreateItem(0).Subject == ""
    assert office.get("calls")[-1] == "MailItem.Subject"
