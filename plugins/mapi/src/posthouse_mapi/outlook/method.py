"""The method ``outlook``: mail through Outlook's object model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import attrs

from posthouse.errors import DeliveryError, MessageError, Problem, Stage
from posthouse.providers import Draft
from posthouse.recipients import Named, named
from posthouse.reports import Check, CheckStatus
from posthouse_mapi import com, machine, outcomes
from posthouse_mapi.files import temporary_folder
from posthouse_mapi.methods import Method, Step
from posthouse_mapi.outlook.item import build, other_name, sending_account, substitutes
from posthouse_mapi.outlook.names import DRAFTS
from posthouse_mapi.outlook.objections import losses, report_losses
from posthouse_mapi.outlook.outbox import note_on_outbox
from posthouse_mapi.outlook.permission import permission, policies
from posthouse_mapi.outlook.remote import Line
from posthouse_mapi.outlook.session import Session, open_session
from posthouse_mapi.settings import Way
from posthouse_mapi.translate import LOST, draft_in_doubt, in_doubt

if TYPE_CHECKING:
    from posthouse.messages import Envelope, Message, Submission
    from posthouse.receipts import Delivery
    from posthouse_mapi.attempts import Attempt
    from posthouse_mapi.outlook.remote import Remote
    from posthouse_mapi.settings import MapiSettings

__all__ = ["OutlookMethod"]

_DOUBTFUL = (LOST, "refused.moved")
"""What Send may answer although the message is on its way."""


class OutlookMethod(Method):
    """Classic Outlook, which runs or is started."""

    way: ClassVar[Way] = Way.OUTLOOK
    label: ClassVar[str] = "Outlook's object model"

    def __init__(self, settings: MapiSettings) -> None:
        super().__init__(settings)
        self._com: com.Com | None = None
        self._line: Line | None = None
        self._session: Session | None = None

    @staticmethod
    def objections(message: Message, envelope: Envelope, settings: MapiSettings) -> Iterator[Problem]:
        """Return what the object model has no place for."""
        yield from losses(message)
        yield from report_losses(envelope.dsn)

    @contextmanager
    def apartment(self) -> Iterator[object]:
        """A single-threaded apartment, which lets messages of the system in."""
        with com.apartment() as self._com:
            yield self._com.pump

    def open(self, attempt: Attempt) -> None:
        """Reach Outlook, starting it if need be, and sign in."""
        assert self._com is not None
        self._line = Line(self._com)
        with self._line.during(attempt, Stage.CONNECT):
            self._session = open_session(self._line, self.settings)

    def send(self, submission: Submission, attempt: Attempt) -> Delivery:
        """Send one message."""
        line, session = self._opened
        message = submission.message
        names = named(message, submission.envelope)
        with line.during(attempt, Stage.CONTENT), temporary_folder() as folder:
            try:
                item = build(session, message, names, folder)
                if not self.settings.save_sent:
                    item.put("DeleteAfterSubmit", True)
                if session.sent_folder is not None:
                    item.put_object("SaveSentMessageFolder", session.sent_folder)
            except DeliveryError as error:
                return outcomes.untouched(error) if error.code == LOST else outcomes.refused(submission, error)
            attempt.hand_over()
            try:
                item.call("Send")
            except DeliveryError as error:
                if error.code in _DOUBTFUL:
                    return outcomes.uncertain(submission, in_doubt(error))
                return outcomes.refused(submission, error)
            attempt.settled = outcomes.accepted(
                submission,
                notes=(*names.notes("Outlook"), *substitutes(message), *other_name(session, message)),
            )
            note = self._note_on_outbox(session, message, attempt)
        delivery: Delivery = attempt.settled
        return attrs.evolve(delivery, notes=(*delivery.notes, note)) if note else delivery

    def compose(self, message: Message, attempt: Attempt, *, show: bool = True) -> Draft:
        """Save the message among the drafts, so that nothing is lost, and open it in a window of Outlook."""
        line, session = self._opened
        if problems := [*losses(message), *report_losses(message.request_dsn)]:
            raise MessageError(
                f"Outlook cannot open this message: {'; '.join(map(str, problems))}", code="message.unsupported"
            )
        with line.during(attempt, Stage.CONTENT), temporary_folder() as folder:
            item = build(session, message, Named.everybody(message), folder)
            drafts = session.namespace.made("GetDefaultFolder", DRAFTS).get("Name")
            attempt.hand_over()
            try:
                item.call("Save")
                identity = str(item.get("EntryID"))
                if show:
                    item.call("Display", False)
            except DeliveryError as error:
                _take_back(item, error)
                raise
        notes = (*substitutes(message), *other_name(session, message))
        return Draft(id=identity, location=f"Outlook, {drafts}", opened=show, notes=notes)

    def steps(self, sender: str) -> Sequence[Step]:
        """Return what the test tries."""
        return (
            Step("Sign in to the profile", self._try_to_sign_in),
            Step("Find the account to send with", lambda attempt: self._find_account(attempt, sender)),
            Step("Look whether Outlook is online", self._look_online),
            Step("Look whether programs may send", self._look_at_permission),
        )

    @property
    def broken(self) -> bool:
        """True once Outlook is gone."""
        return self._line is not None and self._line.lost

    def close(self) -> None:
        """Let go of Outlook; if nobody else uses it, it ends by itself."""
        self._session = self._line = None

    @property
    def _opened(self) -> tuple[Line, Session]:
        assert self._line is not None
        assert self._session is not None
        return self._line, self._session

    def _note_on_outbox(self, session: Session, message: Message, attempt: Attempt) -> str:
        if not self.settings.outbox_wait or not message.message_id:
            return ""
        account = sending_account(session, message)
        return note_on_outbox(session, account, message.message_id, self.settings.outbox_wait, attempt)

    def _try_to_sign_in(self, attempt: Attempt) -> Check:
        self.open(attempt)
        line, session = self._opened
        with line.during(attempt, Stage.CONNECT):
            version = str(session.application.get("Version"))
        return _found(
            Stage.AUTHENTICATION,
            f"Outlook {version}, profile {session.profile}",
            details={"version": version, "profile": session.profile},
        )

    def _find_account(self, attempt: Attempt, sender: str) -> Check:
        attempt.go_on()
        session = self._opened[1]
        addresses = [account.address or account.name for account in session.accounts]
        evidence = f"accounts: {', '.join(addresses) or 'none'}"
        details = {"accounts": addresses}
        if not addresses:
            return _found(
                Stage.SENDER,
                evidence,
                CheckStatus.FAILED,
                "The profile has no account to send with.",
                "Add one in Outlook (File, Account Settings).",
                details,
            )
        chosen = session.chosen or (session.account(sender) if sender else None)
        if chosen is not None:
            evidence += f"; sends with {chosen.address or chosen.name}"
        if not sender or (chosen is not None and chosen.answers_to(sender)):
            return _found(Stage.SENDER, evidence, details=details)
        return _found(
            Stage.SENDER,
            evidence,
            CheckStatus.WARNING,
            f"No account of Outlook's has the address {sender}, so mail goes on behalf of it.",
            "That needs the right to send on behalf, which the server checks only when the message comes.",
            details,
        )

    def _look_online(self, attempt: Attempt) -> Check:
        line, session = self._opened
        with line.during(attempt, Stage.CONNECT):
            offline = bool(session.namespace.get("Offline"))
        if not offline:
            return _found(Stage.CONNECT, "online", details={"offline": False})
        return _found(
            Stage.CONNECT,
            "offline",
            CheckStatus.WARNING,
            "Outlook works offline: messages stay in its Outbox.",
            "Switch Work Offline off (Send / Receive), and look at the network.",
            {"offline": True},
        )

    def _look_at_permission(self, attempt: Attempt) -> Check:
        line, session = self._opened
        with line.during(attempt, Stage.POLICY):
            trusted = bool(session.application.get("IsTrusted"))
        return permission(trusted, policies(machine.this_machine()), interactive=self.settings.interactive)


def _take_back(item: Remote, error: DeliveryError) -> None:
    """Leave no draft behind of a message that could not be opened.

    Raises:
        ComposeError: it may be there nevertheless (``compose.uncertain``).
    """
    try:
        item.call("Delete")
    except DeliveryError:
        raise draft_in_doubt(error.message.rstrip(".")) from error


def _found(
    stage: Stage,
    evidence: str,
    status: CheckStatus = CheckStatus.OK,
    cause: str = "",
    hint: str = "",
    details: Mapping[str, object] | None = None,
) -> Check:
    return Check(stage=stage, title="", status=status, evidence=evidence, cause=cause, hint=hint, details=details or {})
