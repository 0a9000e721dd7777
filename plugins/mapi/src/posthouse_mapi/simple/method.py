"""Sending and composing through the functions of Simple MAPI."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, ClassVar

from posthouse.errors import ComposeError, ConnectError, MessageError, Problem, Stage
from posthouse.messages import Envelope, Message
from posthouse.providers import Draft
from posthouse.recipients import Named, named
from posthouse.reports import Check, CheckStatus
from posthouse_mapi.com import apartment_on_windows
from posthouse_mapi.files import FileFolder, temporary_folder
from posthouse_mapi.methods import Method, Step
from posthouse_mapi.outcomes import accepted, refused
from posthouse_mapi.settings import MapiSettings, Way
from posthouse_mapi.simple import results
from posthouse_mapi.simple.encoding import BCC, CC, TO, File, Note, Recipient, ansi_text, in_memory, wide_text
from posthouse_mapi.simple.library import Library, load_library
from posthouse_mapi.simple.objections import objections
from posthouse_mapi.texts import windows_lines

if TYPE_CHECKING:
    from posthouse.messages import Submission
    from posthouse.receipts import Delivery
    from posthouse_mapi.attempts import Attempt

__all__ = ["OWN_WORDS", "SimpleMethod"]

OWN_WORDS = "The mail program wrote From, Date and Message-ID itself: Simple MAPI carries none of them."

_LOGON_UI, _NEW_SESSION, _DIALOG, _FORCE_UNICODE = 0x1, 0x2, 0x8, 0x40000
_NO_SESSION = 0
_NO_UNICODE = {results.UNICODE_NOT_SUPPORTED, results.NOT_SUPPORTED}


class SimpleMethod(Method):
    """Simple MAPI.

    Args:
        settings: the transport's.
        load: finds the functions.
    """

    way: ClassVar[Way] = Way.SIMPLE
    label: ClassVar[str] = "Simple MAPI"

    def __init__(self, settings: MapiSettings, load: Callable[[], Library] = load_library) -> None:
        super().__init__(settings)
        self._load = load
        self._library: Library | None = None
        self._session = _NO_SESSION

    @staticmethod
    def objections(message: Message, envelope: Envelope, settings: MapiSettings) -> Iterable[Problem]:
        """Return what Simple MAPI has no place for."""
        return objections(message, settings)

    def apartment(self) -> AbstractContextManager[object]:
        """A single-threaded apartment, which mail programs expect their callers to be in."""
        return apartment_on_windows()

    def open(self, attempt: Attempt) -> None:
        """Load the functions, and sign in if a profile is named; otherwise each message signs in by itself.

        Raises:
            ConnectError: there is no Simple MAPI.
            DeliveryError: the mail program does not let us in.
        """
        library = self._load()
        if not (library.has("MAPISendMailW") or library.has("MAPISendMail")):
            raise ConnectError(
                f"{library.place} has no function that sends mail.",
                code="connect.no-mapi",
                hint="Run fixmapi.exe as administrator, or repair Office.",
            )
        self._library = library
        if self.settings.profile:
            self._session = self._logon(library)

    def send(self, submission: Submission, attempt: Attempt) -> Delivery:
        """Hand a message to the mail program; nothing is shown unless ``interactive`` allows it."""
        names = named(submission.message, submission.envelope)
        flags = _LOGON_UI if self.settings.interactive else 0
        try:
            with temporary_folder() as folder:
                result = self._send_mail(_note(submission.message, names, folder), flags, attempt.hand_over)
        except _DoesNotFitError as error:
            return refused(submission, error.as_message_error())
        if result != results.SUCCESS:
            return refused(submission, results.error_for(result, Stage.CONTENT, "handing the message over"))
        return accepted(submission, notes=(*names.notes("the mail program"), OWN_WORDS))

    def compose(self, message: Message, attempt: Attempt, *, show: bool = True) -> Draft:
        """Show the message in a window of the mail program, and wait until the person has closed it.

        Raises:
            ComposeError: it shall not be shown, and there is no other way (``compose.unavailable``).
        """
        if not show:
            raise ComposeError(
                "Simple MAPI can show a message, and not leave a draft.",
                code="compose.unavailable",
                hint='Use the method eml, or classic Outlook (method = "outlook").',
            )
        if problems := tuple(objections(message, self.settings)):
            raise MessageError(
                "Simple MAPI cannot carry this message:\n" + "\n".join(f"  {problem}" for problem in problems),
                code="message.unsupported",
                hint="Leave that out, or use another method or account.",
            )
        try:
            with temporary_folder() as folder:
                note = _note(message, Named.everybody(message), folder)
                result = self._send_mail(note, _LOGON_UI | _DIALOG, attempt.go_on)
        except _DoesNotFitError as error:
            raise error.as_message_error() from error
        if result not in (results.SUCCESS, results.USER_ABORT):
            raise results.error_for(result, Stage.CONTENT, "opening the message")
        closed = ("It was closed without being sent.",) if result == results.USER_ABORT else ()
        return Draft(location="the default mail program", opened=True, notes=closed)

    def steps(self, sender: str) -> Sequence[Step]:
        """Load, sign in, and say what cannot be known."""
        return (
            Step("Load Simple MAPI", self._look_at_library),
            Step("Sign in to the mail program", self._look_at_session),
            Step("Sender", lambda _: self._look_at_sender(sender)),
        )

    @property
    def broken(self) -> bool:
        """Never: the mail program runs in this process, and is asked anew with each message."""
        return False

    def close(self) -> None:
        """Sign out."""
        if self._library and self._session:
            self._library.call("MAPILogoff", self._session, 0, 0, 0)
        self._session = _NO_SESSION

    def _send_mail(self, note: Note, flags: int, last_moment: Callable[[], None]) -> int:
        """Call the Unicode function; the other one where there is none, or none for this mail program."""
        library = self._opened
        result = results.NOT_SUPPORTED
        if library.has("MAPISendMailW"):
            address, kept = in_memory(note, wide_text)
            last_moment()
            # Without the flag, Windows would replace what the mail program's code page lacks by question marks.
            result = library.call("MAPISendMailW", self._session, 0, address, flags | _FORCE_UNICODE, 0)
            del kept
        if result in _NO_UNICODE and library.has("MAPISendMail"):
            try:
                address, kept = in_memory(note, ansi_text(library.code_page))
            except UnicodeEncodeError as error:
                raise _DoesNotFitError(error, library.code_page) from error
            last_moment()
            result = library.call("MAPISendMail", self._session, 0, address, flags, 0)
            del kept
        return result

    def _logon(self, library: Library) -> int:
        """Begin a session and return its handle."""
        if not library.has("MAPILogon"):
            raise results.error_for(results.NOT_SUPPORTED, Stage.AUTHENTICATION, "signing in")
        try:
            profile = self.settings.profile.encode(library.code_page) if self.settings.profile else None
        except UnicodeEncodeError as error:
            raise _DoesNotFitError(error, library.code_page).as_message_error() from error
        flags = (_NEW_SESSION if profile else 0) | (_LOGON_UI if self.settings.interactive else 0)
        session = ctypes.c_size_t()
        result = library.call("MAPILogon", 0, profile, None, flags, 0, ctypes.byref(session))
        if result != results.SUCCESS:
            raise results.error_for(result, Stage.AUTHENTICATION, "signing in")
        return session.value

    @property
    def _opened(self) -> Library:
        assert self._library is not None, "open comes first"
        return self._library

    def _look_at_library(self, attempt: Attempt) -> Check:
        self.open(attempt)
        found = ", ".join(sorted(self._opened.functions))
        unicode = self._opened.has("MAPISendMailW")
        return Check(
            stage=Stage.CONNECT,
            title="Load Simple MAPI",
            status=CheckStatus.OK if unicode else CheckStatus.WARNING,
            evidence=f"{self._opened.place}, {ctypes.sizeof(ctypes.c_void_p) * 8} bit: {found}",
            cause="" if unicode else "There is no MAPISendMailW, so only text of the code page can be sent.",
            hint="" if unicode else "Windows 8 and later have it.",
            details={"bits": ctypes.sizeof(ctypes.c_void_p) * 8, "functions": sorted(self._opened.functions)},
        )

    def _look_at_session(self, attempt: Attempt) -> Check:
        if not self._session:
            self._session = self._logon(self._opened)
        profile = self.settings.profile or "the default one"
        evidence = f"signed in to {self.settings.profile}" if self.settings.profile else "signed in"
        return Check(
            stage=Stage.AUTHENTICATION,
            title="Sign in to the mail program",
            status=CheckStatus.OK,
            evidence=evidence,
            details={"profile": profile},
        )

    def _look_at_sender(self, sender: str) -> Check:
        return Check(
            stage=Stage.SENDER,
            title="Sender",
            status=CheckStatus.SKIPPED,
            evidence="Simple MAPI does not tell under whose address the mail program sends"
            + (f", so look there whether it is {sender}" if sender else ""),
        )


class _DoesNotFitError(Exception):
    """A text does not fit the code page."""

    def __init__(self, error: UnicodeEncodeError, code_page: str) -> None:
        super().__init__(str(error))
        self._error, self._code_page = error, code_page

    def as_message_error(self) -> MessageError:
        error = self._error
        character = error.object[error.start : error.start + 1]
        return MessageError(
            f"The mail program takes text of the code page ({self._code_page}) only, and {character!r} is not in it.",
            code="message.code-page",
            hint="Leave that character out, or send through a mail program that supports Unicode.",
        )


def _note(message: Message, names: Named, folder: FileFolder) -> Note:
    kinds = ((TO, names.to), (CC, names.cc), (BCC, names.bcc))
    return Note(
        subject=message.subject,
        text=windows_lines(message.text or ""),
        recipients=[
            Recipient(kind, address.name, address.ascii or address.addr_spec)
            for kind, addresses in kinds
            for address in addresses
        ],
        files=[File(path, file.name or path.name) for file in message.attachments for path in (folder.write(file),)],
        receipt=message.request_read_receipt,
    )
