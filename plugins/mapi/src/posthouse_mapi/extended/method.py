"""Sending and composing through Extended MAPI."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from posthouse.errors import DeliveryError, MessageError, Problem, Stage
from posthouse.messages import Message
from posthouse.providers import Draft
from posthouse.recipients import Named, named
from posthouse.reports import Check, CheckStatus
from posthouse_mapi import outcomes
from posthouse_mapi.com import apartment_on_windows
from posthouse_mapi.extended import properties, tags
from posthouse_mapi.extended.building import convert, write
from posthouse_mapi.extended.library import Library, load_library
from posthouse_mapi.extended.objections import objections
from posthouse_mapi.extended.session import Session, Store, open_session, translated
from posthouse_mapi.methods import Method, Step
from posthouse_mapi.outlook.item import substitutes
from posthouse_mapi.outlook.outbox import LEFT_IN_OUTBOX, UNKNOWN
from posthouse_mapi.settings import Way
from posthouse_mapi.translate import LOST, in_doubt

if TYPE_CHECKING:
    from posthouse.messages import Envelope, Submission
    from posthouse.receipts import Delivery
    from posthouse_mapi.attempts import Attempt
    from posthouse_mapi.settings import MapiSettings

__all__ = ["NO_WINDOW", "ExtendedMethod"]

NO_WINDOW = "Extended MAPI opens no window: the message waits in the folder."
_POLL = 0.5  # seconds


class ExtendedMethod(Method):
    """Extended MAPI.

    Args:
        settings: the transport's.
        load: finds pywin32.
    """

    way: ClassVar[Way] = Way.EXTENDED
    label: ClassVar[str] = "Extended MAPI"

    def __init__(self, settings: MapiSettings, load: Callable[[], Library] = load_library) -> None:
        super().__init__(settings)
        self._load = load
        self._library: Library | None = None
        self._session: Session | None = None
        self._lost = False

    @staticmethod
    def objections(message: Message, envelope: Envelope, settings: MapiSettings) -> Iterable[Problem]:
        """Return what Extended MAPI has no place for."""
        return objections(message)

    @contextmanager
    def apartment(self) -> Iterator[object]:
        """A single-threaded apartment in which MAPI is initialized, as it has to be for each thread."""
        with apartment_on_windows() as pump:
            library = self._library = self._load()
            mapi = library.mapi
            flags = mapi.MAPI_MULTITHREAD_NOTIFICATIONS | (mapi.MAPI_NT_SERVICE if library.service else 0)
            with translated(library, Stage.CONNECT, "starting MAPI"):
                mapi.MAPIInitialize((mapi.MAPI_INIT_VERSION, flags))
            try:
                yield pump
            finally:
                mapi.MAPIUninitialize()

    def open(self, attempt: Attempt) -> None:
        """Sign in to the profile and find its mailboxes."""
        self._session = open_session(self._loaded, self.settings)

    def send(self, submission: Submission, attempt: Attempt) -> Delivery:
        """Write the message into the Outbox and submit it."""
        session, message = self._opened, submission.message
        names = named(message, submission.envelope)
        try:
            with self._watching("writing the message"):
                outbox, item = self._write(session, session.store_for(message), message, names)
        except DeliveryError as error:
            return outcomes.untouched(error) if error.code == LOST else outcomes.refused(submission, error)
        attempt.hand_over()
        try:
            with self._watching("submitting the message"):
                item.SubmitMessage(0)
        except DeliveryError as error:
            return self._not_submitted(submission, outbox, item, error)
        notes = (*names.notes("the mail program"), *substitutes(message))
        delivery = attempt.settled = outcomes.accepted(submission, notes=notes)
        note = self._look_after(outbox, message.message_id, attempt)
        return attrs.evolve(delivery, notes=(*notes, note)) if note else delivery

    def compose(self, message: Message, attempt: Attempt, *, show: bool = True) -> Draft:
        """Leave the message among the drafts; a window is what only the object model can open."""
        if problems := tuple(objections(message)):
            raise MessageError(
                "Extended MAPI cannot carry this message:\n" + "\n".join(f"  {problem}" for problem in problems),
                code="message.unsupported",
                hint="Leave that out, or use another account.",
            )
        session = self._opened
        with self._watching("writing the draft"):
            opened = session.open_store(session.store_for(message))
            folder = session.drafts(opened)
            item = folder.CreateMessage(None, 0)
            self._fill(session, item, message, Named.everybody(message), sent_mail=None, draft=True)
            attempt.go_on()
            item.SaveChanges(self._loaded.mapi.KEEP_OPEN_READWRITE)
            (identifier,) = session.properties(item, (tags.ENTRYID,))
            (name,) = session.properties(folder, (tags.DISPLAY_NAME,))
        location = f"Outlook, {name or 'Drafts'}"
        return Draft(id=(identifier or b"").hex().upper(), location=location, notes=(NO_WINDOW,) if show else ())

    def steps(self, sender: str) -> Sequence[Step]:
        """Sign in, look at the mailboxes, and try whether the Outbox takes a message, which is then thrown away."""
        return (
            Step("Sign in to the profile", self._look_at_profile),
            Step("Find the mailbox to send from", lambda _: self._look_at_mailbox(sender)),
            Step("Write to the Outbox", lambda _: self._look_at_outbox()),
        )

    @property
    def broken(self) -> bool:
        """True once MAPI said that the mail program is gone."""
        return self._lost

    def close(self) -> None:
        """Sign out."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(self._loaded.error):
                session.close()

    @property
    def _loaded(self) -> Library:
        assert self._library is not None, "the apartment comes first"
        return self._library

    @property
    def _opened(self) -> Session:
        assert self._session is not None, "open comes first"
        return self._session

    @contextmanager
    def _watching(self, doing: str, stage: Stage = Stage.CONTENT) -> Iterator[None]:
        """Translate what MAPI answers, and note when there is no use in asking further."""
        try:
            with translated(self._loaded, stage, doing):
                yield
        except DeliveryError as error:
            self._lost = self._lost or error.code == LOST
            raise

    def _write(self, session: Session, store: Store, message: Message, names: Named) -> tuple[Any, Any]:
        opened = session.open_store(store)
        outbox = session.folder(opened, tags.IPM_OUTBOX_ENTRYID)
        sent_mail = session.required(opened, tags.IPM_SENTMAIL_ENTRYID) if self.settings.save_sent else None
        item = outbox.CreateMessage(None, 0)
        self._fill(session, item, message, names, sent_mail=sent_mail, draft=False)
        return outbox, item

    def _fill(
        self, session: Session, item: Any, message: Message, names: Named, *, sent_mail: bytes | None, draft: bool
    ) -> None:
        library = self._loaded
        values = [*properties.message_properties(message, sent_mail=sent_mail, draft=draft)]
        if message.sender is not None and not session.writes_as(session.store_for(message), message.sender):
            values += properties.represent(message.sender)
        if message.raw is None:
            write(library, item, message, names, values)
        else:
            convert(library, item, session.address_book(), message)
            item.SetProps(values)
            item.ModifyRecipients(0, properties.recipient_rows(names))

    def _not_submitted(self, submission: Submission, outbox: Any, item: Any, error: DeliveryError) -> Delivery:
        """Take what may have been saved out of the Outbox again, and say what that means."""
        if error.code == LOST:
            return outcomes.uncertain(submission, in_doubt(error))
        with suppress(self._loaded.error):
            (identifier,) = self._opened.properties(item, (tags.ENTRYID,))
            if identifier:
                outbox.DeleteMessages((identifier,), 0, None, 0)
        return outcomes.refused(submission, error)

    def _look_after(self, outbox: Any, message_id: str | None, attempt: Attempt) -> str:
        """Wait until a message has left the Outbox; return what the sender should know, empty if it has."""
        if not self.settings.outbox_wait or not message_id:
            return ""
        end = time.monotonic() + self.settings.outbox_wait
        try:
            while any(found == message_id for (found,) in self._ids_in(outbox)):
                left = min(end - time.monotonic(), attempt.remaining - 2 * _POLL)
                if left <= 0:
                    return LEFT_IN_OUTBOX
                attempt.pause(min(_POLL, left))
        except self._loaded.error:
            return UNKNOWN
        return ""

    def _ids_in(self, folder: Any) -> list[list[Any]]:
        return self._opened.rows(folder.GetContentsTable(0), (tags.INTERNET_MESSAGE_ID,))

    def _look_at_profile(self, attempt: Attempt) -> Check:
        self.open(attempt)
        session = self._opened
        stores = [store.name for store in session.stores]
        evidence = f"profile {self.settings.profile or '(default)'}: {', '.join(stores)}"
        return Check(
            stage=Stage.AUTHENTICATION,
            title="Sign in to the profile",
            status=CheckStatus.OK,
            evidence=evidence + (f"; it belongs to {session.owner}" if session.owner else ""),
            details={"stores": stores, "owner": session.owner},
        )

    def _look_at_mailbox(self, sender: str) -> Check:
        session = self._opened
        message = Message(sender=sender or None, text="")
        store = session.store_for(message)
        own = message.sender is None or session.writes_as(store, message.sender)
        return Check(
            stage=Stage.SENDER,
            title="Find the mailbox to send from",
            status=CheckStatus.OK if own else CheckStatus.WARNING,
            evidence=f"sends from {store.name}",
            cause="" if own else f"The mailbox is not {sender}, so mail goes in that name or on behalf of it.",
            hint=""
            if own
            else "That needs the right to send as, or on behalf, which the server checks only when the message comes.",
            details={"store": store.name},
        )

    def _look_at_outbox(self) -> Check:
        session = self._opened
        with self._watching("opening the Outbox", Stage.POLICY):
            outbox = session.folder(session.open_store(session.chosen_store()), tags.IPM_OUTBOX_ENTRYID)
            outbox.CreateMessage(None, 0)  # not saved, so nothing remains of it
        try:
            self._loaded.converter()
        except self._loaded.error:
            finished = "finished messages cannot be sent: Outlook shows its converter to nobody"
        else:
            finished = "finished messages can be sent"
        return Check(
            stage=Stage.POLICY,
            title="Write to the Outbox",
            status=CheckStatus.OK,
            evidence=f"the Outbox takes messages; no security question is asked; {finished}",
        )
