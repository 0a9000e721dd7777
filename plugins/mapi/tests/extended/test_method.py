"""Sending and composing through Extended MAPI, whose stand-in takes pywin32's arguments and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from posthouse.errors import AuthenticationError, ConfigurationError, MessageError, UncertainError
from posthouse.messages import DsnRequest, Envelope, Message, Submission
from posthouse.receipts import RecipientStatus
from posthouse.reports import CheckStatus
from posthouse_mapi.attempts import AbandonedError, Attempt
from posthouse_mapi.extended import ExtendedMethod, tags
from posthouse_mapi.extended.library import Library
from posthouse_mapi.extended.method import NO_WINDOW
from posthouse_mapi.outlook.outbox import LEFT_IN_OUTBOX, UNKNOWN
from posthouse_mapi.settings import MapiSettings

from .mapi import FakeCom, FakeMapi, StoreFacts, World

MESSAGE = Message(
    sender="Anna <anna@example.org>",
    to="Bob <bob@example.org>",
    bcc="d@example.org",
    subject="Łódź 🚲",
    html="<p>Łódź<img src='cid:logo'>",
    text="Łódź",
    headers={"X-A": "1", "X-B": "2"},
    attachments=[("Plän.pdf", b"%PDF" * 30000)],
    inline=[("logo", b"png")],
    message_id="<1@x.example>",
)
PLAIN = Message(sender="anna@example.org", to="bob@example.org", text="Hi", message_id="<2@x.example>")


@pytest.fixture
def world() -> World:
    return World()


@contextmanager
def opened(world: World, **settings: Any) -> Iterator[ExtendedMethod]:
    """Extended MAPI, as the apartment's thread has it."""
    given = {"outbox_wait": 0.0} | settings
    method = ExtendedMethod(MapiSettings(**given), lambda: Library(FakeMapi(world), FakeCom(world)))
    with ExitStack() as stack:
        stack.enter_context(method.apartment())
        stack.callback(method.close)
        method.open(Attempt(5))
        yield method
    assert world.open_sessions == 0
    assert set(world.initialized.values()) == {0}


def submission(message: Message, *recipients: str) -> Submission:
    wanted = recipients or tuple(address.addr_spec for address in message.recipients())
    return Submission(message=message, envelope=Envelope(sender="anna@example.org", recipients=wanted))


def send(world: World, message: Message, *recipients: str, **settings: Any) -> Any:
    with opened(world, **settings) as method:
        return method.send(submission(message, *recipients), Attempt(5))


# --- sending ----------------------------------------------------------------------------------------------------------


def test_everything_arrives(world: World) -> None:
    delivery = send(world, MESSAGE)
    assert delivery.error is None
    (mail,) = world.submitted
    assert mail.properties[tags.SUBJECT] == "Łódź 🚲"
    assert mail.properties[tags.HTML] == MESSAGE.html.encode()  # type: ignore[union-attr]
    assert mail.properties[tags.INTERNET_MESSAGE_ID] == "<1@x.example>"
    assert mail.properties[tags.SENTMAIL_ENTRYID] == b"sent"
    assert tags.SENT_REPRESENTING_NAME not in mail.properties
    assert mail.named == {"X-A": "1", "X-B": "2"}
    assert [(row[tags.RECIPIENT_TYPE], row[tags.EMAIL_ADDRESS]) for row in mail.recipients] == [
        (1, "bob@example.org"),
        (3, "d@example.org"),
    ]
    files = [(file[tags.ATTACH_LONG_FILENAME], len(file[tags.ATTACH_DATA_BIN])) for file in mail.attachments]
    assert files == [("Plän.pdf", 120000), ("logo", 3)]
    assert [file.get(tags.ATTACH_CONTENT_ID) for file in mail.attachments] == [None, "logo"]
    assert delivery.notes == ("The plain text is the one that Outlook makes from the HTML.",)


def test_the_envelope_decides(world: World) -> None:
    send(world, MESSAGE, "e@example.org")
    (mail,) = world.submitted
    assert [(row[tags.RECIPIENT_TYPE], row[tags.EMAIL_ADDRESS]) for row in mail.recipients] == [(3, "e@example.org")]


def test_no_copy_where_none_is_wanted(world: World) -> None:
    send(world, PLAIN, save_sent=False)
    assert world.submitted[0].properties[tags.DELETE_AFTER_SUBMIT] is True


def test_a_store_is_chosen_by_the_sender(world: World) -> None:
    world.stores.append(StoreFacts("info@example.org"))
    send(world, Message(sender="Info@example.org", to="b@example.org", text="."))
    assert world.submitted[0].store == "info@example.org"
    assert tags.SENT_REPRESENTING_NAME not in world.submitted[0].properties


def test_a_store_is_chosen_by_the_settings(world: World) -> None:
    world.stores.append(StoreFacts("Archive"))
    send(world, PLAIN, account="archive")
    assert world.submitted[0].store == "Archive"


def test_an_unknown_store_is_no_way_to_open(world: World) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"no mailbox other; it has anna@example.org"),
        opened(world, account="other"),
    ):
        pass
    assert world.open_sessions == 0


def test_somebody_elses_name_is_represented(world: World) -> None:
    send(world, Message(sender="Boss <boss@example.org>", to="b@example.org", text="."))
    mail = world.submitted[0]
    assert mail.properties[tags.SENT_REPRESENTING_NAME] == "Boss"
    assert mail.properties[tags.SENT_REPRESENTING_EMAIL_ADDRESS] == "boss@example.org"


def test_a_profile_without_an_identity(world: World) -> None:
    world.owner = None
    world.stores = [StoreFacts("Outlook Data File", default=True)]
    send(world, PLAIN)
    assert world.submitted[0].properties[tags.SENT_REPRESENTING_EMAIL_ADDRESS] == "anna@example.org"


def test_a_sender_header_names_a_mailbox(world: World) -> None:
    message = Message(sender="boss@example.org", sender_header="anna@example.org", to="b@example.org", text=".")
    assert send(world, message).error is None
    with opened(world) as method, pytest.raises(MessageError) as caught:
        other = Message(sender="boss@example.org", sender_header="eve@example.org", to="b@example.org", text=".")
        method.send(submission(other), Attempt(5))
    assert caught.value.code == "message.sender"


# --- finished messages ------------------------------------------------------------------------------------------------

RAW = Message.from_bytes(b"From: anna@example.org\r\nTo: x@example.org\r\nSubject: S\r\nX-Odd: 1\r\n\r\nText\r\n")


def test_a_finished_message_is_converted_and_goes_to_the_envelope(world: World) -> None:
    assert send(world, RAW, "e@example.org").error is None
    (content,) = world.converted
    assert b"X-Odd: 1\r\n" in content
    assert [row[tags.EMAIL_ADDRESS] for row in world.submitted[0].recipients] == ["e@example.org"]


def test_without_the_converter_it_is_refused(world: World) -> None:
    world.converter = False
    delivery = send(world, RAW, "e@example.org")
    assert delivery.error.reply.enhanced == "0x80040154"
    assert world.submitted == []


# --- signing in -------------------------------------------------------------------------------------------------------


def test_the_default_profile_without_a_dialog(world: World) -> None:
    send(world, PLAIN)
    assert world.logons == [(None, FakeMapi.MAPI_EXTENDED | FakeMapi.MAPI_USE_DEFAULT)]


def test_a_profile_by_name_in_unicode(world: World) -> None:
    world.profile = "Büro Łódź"
    send(world, PLAIN, profile="Büro Łódź", interactive=True)
    ((profile, flags),) = world.logons
    assert profile == "Büro Łódź"
    assert flags & FakeMapi.MAPI_UNICODE
    assert flags & FakeMapi.MAPI_LOGON_UI


def test_a_profile_that_is_not_there(world: World) -> None:
    with pytest.raises(AuthenticationError) as caught, opened(world, profile="Other"):
        pass
    assert caught.value.code == "authentication.profile"


def test_mapi_that_does_not_start(world: World) -> None:
    world.script("mapi.MAPIInitialize", 0x80004005)
    with pytest.raises(Exception, match="starting MAPI"), opened(world):
        pass


# --- refusals, and what nobody knows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (0x80070005, "refused.sender"),
        (0x80040607, "refused.recipient"),
        (0x80040305, "refused.size"),
        (0x8007000E, "refused.memory"),
        (0x80040115, "connect.offline"),
        (0x8004060C, "refused.quota"),
        (0x80040113, "refused.cancelled"),
        (0x80040102, "refused.unsupported"),
        (0x80041234, "refused.mapi"),
    ],
)
def test_a_refused_message_is_refused_for_everybody(world: World, number: int, code: str) -> None:
    world.script("message.SubmitMessage", number)
    delivery = send(world, MESSAGE)
    assert delivery.error.code == code
    assert delivery.error.hint
    assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.REFUSED] * 2
    assert world.submitted == []


def test_what_a_refused_message_left_behind_is_deleted(world: World) -> None:
    with opened(world) as method:
        world.script("message.SubmitMessage", 0x80040305)
        method.send(submission(PLAIN), Attempt(5))
    assert world.stores[0].outbox == []
    assert "message.SaveChanges" not in world.calls


def test_a_lost_program_before_leaves_the_message_untouched(world: World) -> None:
    world.script("folder.CreateMessage", 0x800706BA)
    with opened(world) as method:
        delivery = method.send(submission(PLAIN), Attempt(5))
        assert method.broken
    assert delivery.untouched


def test_a_lost_program_while_submitting_is_uncertain(world: World) -> None:
    world.script("message.SubmitMessage", 0x800706BE)
    with opened(world) as method:
        delivery = method.send(submission(PLAIN), Attempt(5))
        assert method.broken
    assert isinstance(delivery.error, UncertainError)
    assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.UNCERTAIN]


def test_an_abandoned_message_is_not_submitted(world: World) -> None:
    attempt = Attempt(5)
    attempt.abandon()
    with opened(world) as method, pytest.raises(AbandonedError):
        method.send(submission(PLAIN), attempt)
    assert world.submitted == []


# --- the Outbox -------------------------------------------------------------------------------------------------------


def test_a_message_that_leaves_the_outbox(world: World) -> None:
    world.lingering = 1
    attempt = Attempt(30)
    with opened(world, outbox_wait=5) as method:
        assert method.send(submission(PLAIN), attempt).notes == ()
    assert attempt.settled is not None


def test_a_message_that_stays(world: World) -> None:
    world.lingering = None
    assert send(world, PLAIN, outbox_wait=0.1).notes == (LEFT_IN_OUTBOX,)


def test_an_outbox_that_cannot_be_read(world: World) -> None:
    world.script("folder.GetContentsTable", 0x80004005)
    assert send(world, PLAIN, outbox_wait=1).notes == (UNKNOWN,)


# --- composing --------------------------------------------------------------------------------------------------------


def test_a_draft_waits_in_its_folder(world: World) -> None:
    with opened(world) as method:
        draft = method.compose(Message(sender="anna@example.org", html="<p>"), Attempt(5))
    assert (draft.opened, draft.location, draft.notes) == (False, "Outlook, Drafts", (NO_WINDOW,))
    assert bytes.fromhex(draft.id) == b"entry 0"
    assert world.submitted == []
    assert world.saved[0].properties[tags.MESSAGE_FLAGS] == 0x9


def test_a_draft_without_a_window_needs_no_excuse(world: World) -> None:
    with opened(world) as method:
        assert method.compose(PLAIN, Attempt(5), show=False).notes == ()


def test_a_draft_that_cannot_be_carried(world: World) -> None:
    with opened(world) as method, pytest.raises(MessageError, match="request_dsn"):
        method.compose(Message(sender="anna@example.org", text=".", request_dsn=DsnRequest(full=True)), Attempt(5))
    assert world.saved == []


def test_a_mailbox_without_drafts(world: World) -> None:
    world.stores[0].inbox = False
    with opened(world) as method, pytest.raises(Exception, match="0x8004010F"):
        method.compose(PLAIN, Attempt(5))


# --- the test of an account -------------------------------------------------------------------------------------------


def looked(world: World, sender: str, **settings: Any) -> Iterator[Any]:
    given = {"outbox_wait": 0.0} | settings
    method = ExtendedMethod(MapiSettings(**given), lambda: Library(FakeMapi(world), FakeCom(world)))
    with method.apartment():
        for step in method.steps(sender):
            yield step.look(Attempt(5))
        method.close()


def test_steps(world: World) -> None:
    checks = list(looked(world, "anna@example.org"))
    assert {check.status for check in checks} == {CheckStatus.OK}
    assert "belongs to anna@example.org" in checks[0].evidence
    assert "finished messages can be sent" in checks[2].evidence
    assert (world.submitted, world.saved) == ([], [])


def test_another_sender_is_a_warning(world: World) -> None:
    world.converter = False
    _, sender, outbox = looked(world, "boss@example.org")
    assert sender.status is CheckStatus.WARNING
    assert "right to send" in sender.hint
    assert "cannot be sent" in outbox.evidence


def test_an_outbox_that_may_not_be_written_to(world: World) -> None:
    world.script("folder.CreateMessage", 0x80070005)
    with pytest.raises(Exception, match="opening the Outbox"):
        list(looked(world, ""))


# --- the stand-in is strict -------------------------------------------------------------------------------------------


def test_the_stand_in_takes_what_pywin32_takes(world: World) -> None:
    mapi = FakeMapi(world)
    with pytest.raises(Exception, match="-2147219963"):
        mapi.MAPILogonEx(0, None, None, 0x60)  # this thread has not initialized MAPI
    mapi.MAPIInitialize((0, 1))
    for arguments in ((0, None, None), (0, b"x", None, 0x20), ("0", None, None, 0x20)):
        with pytest.raises(TypeError):
            mapi.MAPILogonEx(*arguments)
    with pytest.raises(OverflowError):
        mapi.MAPILogonEx(0, "x", None, 0x80000020)
    session = mapi.MAPILogonEx(0, None, None, 0x60)
    message = session.OpenMsgStore(0, b"anna@example.org", None, 4).OpenEntry(b"outbox", None, 0).CreateMessage(None, 0)
    for values in ([(tags.SUBJECT, b"x")], [(tags.IMPORTANCE, True)], [(tags.SUBJECT, "a\0b")], [[tags.SUBJECT, "x"]]):
        with pytest.raises((TypeError, ValueError)):
            message.SetProps(values)
