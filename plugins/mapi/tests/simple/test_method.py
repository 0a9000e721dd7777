"""Sending and composing through a mail program that reads its memory strictly."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from posthouse.errors import AuthenticationError, ComposeError, ConnectError, DeliveryError, MessageError, RefusedError
from posthouse.hints import HintTable
from posthouse.messages import Message
from posthouse.receipts import RecipientStatus
from posthouse.reports import CheckStatus
from posthouse_mapi.attempts import AbandonedError, Attempt
from posthouse_mapi.settings import MapiSettings
from posthouse_mapi.simple import SimpleMethod
from posthouse_mapi.simple.method import OWN_WORDS
from posthouse_mapi.simple.results import NAMES

from .conftest import Opened
from .program import DecodedFile, DecodedRecipient, MailProgram

LOGON_UI, NEW_SESSION, DIALOG, FORCE_UNICODE = 0x1, 0x2, 0x8, 0x40000
MESSAGE = Message(
    sender="anna@example.org",
    to="Bob <bob@example.org>",
    cc="c@bücher.example",
    bcc="d@example.org",
    subject="Łódź 🚲",
    text="One\nTwo\r\nThree",
    attachments=[("Plan.pdf", b"%PDF"), ("Plan.pdf", b"other")],
)
LATIN = Message(sender="anna@example.org", to="bob@example.org", subject="Grüße", text="…")


def test_everything_arrives(program: MailProgram) -> None:
    with Opened(program) as opened:
        delivery = opened.send(MESSAGE)
    (mail,) = program.taken
    assert (mail.subject, mail.text, mail.flags) == ("Łódź 🚲", "One\r\nTwo\r\nThree", 0)
    assert mail.recipients == [
        DecodedRecipient(1, "Bob", "SMTP:bob@example.org"),
        DecodedRecipient(2, "c@xn--bcher-kva.example", "SMTP:c@xn--bcher-kva.example"),
        DecodedRecipient(3, "d@example.org", "SMTP:d@example.org"),
    ]
    assert [(file.name, file.content) for file in mail.files] == [("Plan.pdf", b"%PDF"), ("Plan.pdf", b"other")]
    assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.ACCEPTED] * 3
    assert delivery.notes == (OWN_WORDS,)
    assert program.calls == [("MAPISendMailW", 0, FORCE_UNICODE)]


def test_files_are_gone_afterwards(program: MailProgram) -> None:
    with Opened(program) as opened:
        opened.send(MESSAGE)
    assert [Path(file.path).exists() for file in program.taken[0].files] == [False, False]


def test_the_envelope_decides(program: MailProgram) -> None:
    with Opened(program) as opened:
        delivery = opened.send(MESSAGE, "d@example.org", "e@example.org")
    assert [(one.kind, one.address) for one in program.taken[0].recipients] == [
        (3, "SMTP:d@example.org"),
        (3, "SMTP:e@example.org"),
    ]
    reduced, own_words = delivery.notes
    assert "the mail program delivers to everybody" in reduced
    assert own_words == OWN_WORDS


def test_a_receipt_is_asked_for(program: MailProgram) -> None:
    with Opened(program) as opened:
        opened.send(Message(sender="a@example.org", to="b@example.org", text=".", request_read_receipt=True))
    assert program.taken[0].flags == 2


def test_dialogs_only_where_they_are_allowed(program: MailProgram) -> None:
    with Opened(program, interactive=True) as opened:
        opened.send(LATIN)
    assert program.calls == [("MAPISendMailW", 0, FORCE_UNICODE | LOGON_UI)]


# --- without Unicode --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [26, 27])
def test_a_mail_program_without_unicode(program: MailProgram, answer: int) -> None:
    program.answers.append(answer)
    with Opened(program) as opened:
        delivery = opened.send(LATIN)
    assert delivery.error is None
    assert program.calls == [("MAPISendMailW", 0, FORCE_UNICODE), ("MAPISendMail", 0, 0)]
    assert [mail.subject for mail in program.taken] == ["Grüße"]


def test_a_windows_without_the_function(program: MailProgram) -> None:
    program.exports = ("MAPISendMail",)
    with Opened(program) as opened:
        opened.send(LATIN)
    assert program.calls == [("MAPISendMail", 0, 0)]


def test_text_that_does_not_fit_the_code_page(program: MailProgram) -> None:
    program.exports = ("MAPISendMail",)
    with Opened(program) as opened:
        delivery = opened.send(MESSAGE)
    assert isinstance(delivery.error, MessageError)
    assert delivery.error.code == "message.code-page"
    assert str(delivery.error).startswith("The mail program takes text of the code page (cp1252) only")
    assert "'Ł' is not in it" in str(delivery.error)
    assert program.calls == []


def test_unicode_is_not_tried_again_where_there_is_nothing_else(program: MailProgram) -> None:
    program.exports = ("MAPISendMailW",)
    program.answers.append(27)
    with Opened(program) as opened:
        assert opened.send(LATIN).error.code == "refused.unicode"


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "name"), NAMES.items())
def test_every_result_has_a_cause_and_a_next_step(program: MailProgram, number: int, name: str) -> None:
    program.exports = ("MAPISendMailW",)
    program.answers.append(number)
    with Opened(program) as opened:
        delivery = opened.send(LATIN)
    error = delivery.error
    assert isinstance(error, DeliveryError)
    assert name in error.message
    assert error.hint
    assert error.reply is not None
    assert error.reply.code == number
    assert [outcome.status for outcome in delivery.recipients] == [RecipientStatus.REFUSED]
    assert not delivery.untouched


def test_every_result_stands_in_the_hints() -> None:
    known = {hint.enhanced for hint in HintTable.load("posthouse_mapi").hints}
    assert set(NAMES.values()) <= known


def test_an_unknown_result(program: MailProgram) -> None:
    program.answers.append(99)
    with Opened(program) as opened:
        error = opened.send(LATIN).error
    assert isinstance(error, RefusedError)
    assert "MAPI result 99" in error.message
    assert error.hint


def test_a_library_without_functions(program: MailProgram) -> None:
    program.exports = ("MAPILogon", "MAPILogoff")
    with pytest.raises(ConnectError, match="no function that sends mail") as caught:
        SimpleMethod(MapiSettings(), program.library).open(Attempt(5))
    assert caught.value.code == "connect.no-mapi"


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_a_profile_is_signed_in_to_and_out_of(program: MailProgram) -> None:
    with Opened(program, profile="Büro") as opened:
        (session,) = program.sessions
        assert program.sessions[session] == "Büro".encode("cp1252")
        opened.send(LATIN)
    assert program.sessions == {}
    assert program.calls == [
        ("MAPILogon", 0, NEW_SESSION),
        ("MAPISendMailW", session, FORCE_UNICODE),
        ("MAPILogoff", session, 0),
    ]


def test_a_profile_outside_the_code_page(program: MailProgram) -> None:
    with pytest.raises(MessageError, match="'Ł' is not in it"):
        SimpleMethod(MapiSettings(profile="Łódź"), program.library).open(Attempt(5))
    assert program.calls == []


def test_a_profile_that_does_not_let_in(program: MailProgram) -> None:
    program.answers.append(3)
    with pytest.raises(AuthenticationError) as caught:
        SimpleMethod(MapiSettings(profile="Other"), program.library).open(Attempt(5))
    assert caught.value.code == "authentication.profile"
    assert "signing in" in caught.value.message


# --- what a mail program does to its caller ---------------------------------------------------------------------------


def test_the_working_directory_is_kept(program: MailProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    program.walks_to = tmp_path / "elsewhere"
    with Opened(program) as opened:
        opened.send(LATIN)
        assert Path.cwd() == tmp_path


def test_an_abandoned_message_is_not_handed_over(program: MailProgram) -> None:
    attempt = Attempt(5)
    assert attempt.abandon() is False
    with Opened(program) as opened, pytest.raises(AbandonedError):
        opened.send(LATIN, attempt=attempt)
    assert program.calls == []


def test_silence_after_the_hand_over_is_uncertain(program: MailProgram) -> None:
    program.hangs = threading.Event()
    attempt = Attempt(5)

    def work() -> None:
        with Opened(program) as opened:
            opened.send(LATIN, attempt=attempt)

    worker = threading.Thread(target=work)
    worker.start()
    program.called.wait()
    assert attempt.abandon() is True
    program.hangs.set()
    worker.join()


# --- composing --------------------------------------------------------------------------------------------------------


def test_a_draft_is_shown(program: MailProgram) -> None:
    with Opened(program) as opened:
        draft = opened.method.compose(MESSAGE, Attempt(5))
    assert (draft.opened, draft.notes) == (True, ())
    assert program.calls == [("MAPISendMailW", 0, FORCE_UNICODE | DIALOG | LOGON_UI)]
    assert [one.kind for one in program.taken[0].recipients] == [1, 2, 3]


def test_no_draft_without_a_window(program: MailProgram) -> None:
    with Opened(program) as opened, pytest.raises(ComposeError) as caught:
        opened.method.compose(LATIN, Attempt(5), show=False)
    assert caught.value.code == "compose.unavailable"
    assert program.calls == []


def test_a_draft_may_have_no_recipient(program: MailProgram) -> None:
    with Opened(program) as opened:
        opened.method.compose(Message(sender="anna@example.org", text="."), Attempt(5))
    assert program.taken[0].recipients == []
    assert program.taken[0].files == []


def test_a_draft_that_was_closed(program: MailProgram) -> None:
    program.answers.append(1)
    with Opened(program) as opened:
        draft = opened.method.compose(LATIN, Attempt(5))
    assert draft.notes == ("It was closed without being sent.",)


def test_a_draft_that_cannot_be_shown(program: MailProgram) -> None:
    program.answers.append(3)
    with Opened(program) as opened, pytest.raises(AuthenticationError, match="opening the message"):
        opened.method.compose(LATIN, Attempt(5))


def test_a_draft_that_cannot_be_carried(program: MailProgram) -> None:
    with Opened(program) as opened, pytest.raises(MessageError, match="html: HTML cannot be carried"):
        opened.method.compose(Message(sender="a@example.org", html="<p>."), Attempt(5))
    assert program.calls == []


def test_a_draft_outside_the_code_page(program: MailProgram) -> None:
    program.exports = ("MAPISendMail",)
    with Opened(program) as opened, pytest.raises(MessageError, match="'Ł' is not in it"):
        opened.method.compose(MESSAGE, Attempt(5))


# --- the test of an account -------------------------------------------------------------------------------------------


def test_steps(program: MailProgram) -> None:
    method = SimpleMethod(MapiSettings(), program.library)
    checks = [step.look(Attempt(5)) for step in method.steps("anna@example.org")]
    assert [check.title for check in checks] == [step.title for step in method.steps("")]
    assert [check.status for check in checks] == [CheckStatus.OK, CheckStatus.OK, CheckStatus.SKIPPED]
    assert "MAPISendMailW" in checks[0].evidence
    assert "anna@example.org" in checks[2].evidence
    method.close()
    assert [name for name, *_ in program.calls] == ["MAPILogon", "MAPILogoff"]
    assert program.taken == []


def test_a_step_that_fails(program: MailProgram) -> None:
    program.answers.append(3)
    _, sign_in, _ = (method := SimpleMethod(MapiSettings(), program.library)).steps("")
    method.open(Attempt(5))
    with pytest.raises(AuthenticationError):
        sign_in.look(Attempt(5))


def test_an_old_library_is_a_warning(program: MailProgram) -> None:
    program.exports = ("MAPISendMail", "MAPILogon", "MAPILogoff")
    load, *_ = SimpleMethod(MapiSettings(), program.library).steps("")
    check = load.look(Attempt(5))
    assert check.status is CheckStatus.WARNING
    assert check.cause
    assert check.hint


# --- the stand-in is strict -------------------------------------------------------------------------------------------


def test_the_stand_in_takes_nothing_that_is_not_allowed() -> None:
    program = MailProgram()
    library = program.library()
    assert library.call("MAPISendMailW", 0, 0, 0x10, 0x80, 0) == 2
    assert library.call("MAPILogoff", 5, 0, 0, 0) == 2
    assert program.taken == []
    assert program.violations == ["MAPISendMailW: MAPISendMailW with flags 0x80", "MAPILogoff: session 5 is not open"]


def test_the_stand_in_reads_files() -> None:
    assert DecodedFile("a", "b").content is None
