"""The stand-in for Outlook is strict: nothing undocumented works, and nothing works that would not in Outlook."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from .standin.errors import (
    BAD_ARGUMENT,
    BAD_COUNT,
    BAD_TYPE,
    FAILED,
    MOVED,
    NO_FILE,
    NO_MEMBER,
    NO_NAME,
    NOT_INITIALIZED,
    WRONG_THREAD,
)
from .standin.late_bound import ComError, FakeCom
from .standin.world import OUTBOX, SENT, World

MESSAGE_ID = "http://schemas.microsoft.com/mapi/proptag/0x1035001F"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def com(world: World) -> FakeCom:
    com = FakeCom(world)
    com.initialize()
    return com


@pytest.fixture
def application(com: FakeCom) -> Any:
    return com.dispatch("Outlook.Application")


@pytest.fixture
def item(com: FakeCom, application: Any) -> Any:
    return com.call(application, "CreateItem", 0)


def refusal(use: Callable[[], Any]) -> int:
    """Return the number that a use is refused with, wherever in the error it stands."""
    with pytest.raises(ComError) as caught:
        use()
    inside = caught.value.excepinfo
    return int(inside[5] if inside else caught.value.hresult)


@pytest.mark.parametrize("name", ["Sendd", "HtmlBody", "To2", "attachments", "_public_attrs_"])
def test_only_documented_members_exist(com: FakeCom, item: Any, name: str) -> None:
    assert refusal(lambda: com.get(item, name)) == NO_NAME[0]
    assert refusal(lambda: com.put(item, name, 1)) == NO_NAME[0]
    assert refusal(lambda: com.call(item, name)) == NO_NAME[0]


def test_methods_are_called_and_properties_are_not(com: FakeCom, item: Any) -> None:
    assert refusal(lambda: com.get(item, "Save")) == NO_MEMBER[0]
    assert refusal(lambda: com.call(item, "Subject")) == NO_MEMBER[0]


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("Subject", 1, BAD_TYPE),
        ("Subject", None, BAD_TYPE),
        ("Importance", "high", BAD_TYPE),
        ("Importance", True, BAD_TYPE),
        ("ReadReceiptRequested", 1, BAD_TYPE),
        ("Importance", 3, BAD_ARGUMENT),
        ("BodyFormat", 0, BAD_ARGUMENT),
        ("Sensitivity", -1, BAD_ARGUMENT),
        ("EntryID", "x", BAD_ARGUMENT),
        ("Sent", True, BAD_ARGUMENT),
    ],
)
def test_values_are_checked(com: FakeCom, item: Any, name: str, value: Any, answer: tuple[int, str]) -> None:
    assert refusal(lambda: com.put(item, name, value)) == answer[0]


@pytest.mark.parametrize(
    ("arguments", "answer"), [((), BAD_COUNT), ((0, 1), BAD_COUNT), (("0",), BAD_TYPE), ((1,), BAD_ARGUMENT)]
)
def test_arguments_are_checked(
    com: FakeCom, application: Any, arguments: tuple[Any, ...], answer: tuple[int, str]
) -> None:
    assert refusal(lambda: com.call(application, "CreateItem", *arguments)) == answer[0]


def test_a_file_must_be_there(com: FakeCom, item: Any) -> None:
    files = com.get(item, "Attachments")
    assert refusal(lambda: com.call(files, "Add", "/no/such/file", 1, 1, "x")) == NO_FILE[0]


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("http://schemas.microsoft.com/mapi/proptag/0x1035001E", "<1@x>", BAD_ARGUMENT),
        ("X-Order", "7", BAD_ARGUMENT),
        (MESSAGE_ID, 7, BAD_TYPE),
        ("http://schemas.microsoft.com/mapi/proptag/0x7FFE000B", 1, BAD_TYPE),
    ],
)
def test_properties_of_mapi_are_checked(
    com: FakeCom, item: Any, name: str, value: Any, answer: tuple[int, str]
) -> None:
    properties = com.get(item, "PropertyAccessor")
    assert refusal(lambda: com.call(properties, "SetProperty", name, value)) == answer[0]


def test_what_is_sent_is_gone(world: World, com: FakeCom, item: Any) -> None:
    assert refusal(lambda: com.call(item, "Send")) == FAILED[0]  # to nobody
    recipient = com.call(com.get(item, "Recipients"), "Add", "bob@example.org")
    assert refusal(lambda: com.call(item, "Send")) == FAILED[0]  # not resolved
    assert com.call(recipient, "Resolve")
    com.call(item, "Save")
    before = com.get(item, "EntryID")
    com.call(item, "Send")
    assert refusal(lambda: com.get(item, "Subject")) == MOVED[0]
    assert refusal(lambda: com.call(item, "Send")) == MOVED[0]
    assert refusal(lambda: com.call(item, "Save")) == MOVED[0]
    (mail,) = world.mails
    assert (mail.folder, mail.entry_id != before) == (OUTBOX, True)


def test_the_outbox_empties_when_it_is_looked_at(world: World, com: FakeCom, application: Any, item: Any) -> None:
    world.lingering = 1
    com.call(com.get(item, "PropertyAccessor"), "SetProperty", MESSAGE_ID, "<1@x>")
    com.call(com.call(com.get(item, "Recipients"), "Add", "bob@example.org"), "Resolve")
    com.call(item, "Send")
    outbox = com.call(com.get(application, "Session"), "GetDefaultFolder", 4)
    wanted = f"@SQL=\"{MESSAGE_ID}\" = '<1@x>'"
    rows = [com.call(com.call(outbox, "GetTable", wanted, 0), "GetRowCount") for _ in range(2)]
    assert rows == [1, 0]
    assert world.mails[0].folder == SENT


def test_accounts_are_taken_by_reference_only(com: FakeCom, application: Any, item: Any) -> None:
    account = com.call(com.get(com.get(application, "Session"), "Accounts"), "Item", 1)
    assert refusal(lambda: com.put(item, "SendUsingAccount", account)) == NO_MEMBER[0]
    assert refusal(lambda: com.put_reference(item, "Subject", account)) == NO_MEMBER[0]
    com.put_reference(item, "SendUsingAccount", account)
    assert com.get(com.get(item, "SendUsingAccount"), "SmtpAddress") == "anna@example.org"


def test_objects_stay_in_their_apartment(com: FakeCom, application: Any) -> None:
    caught: list[int] = []

    def use(*, initialize: bool) -> None:
        if initialize:
            com.initialize()
        caught.append(refusal(lambda: com.get(application, "Version")))

    for initialize in (False, True):
        thread = threading.Thread(target=use, kwargs={"initialize": initialize})
        thread.start()
        thread.join()
    assert caught == [NOT_INITIALIZED[0], WRONG_THREAD[0]]
