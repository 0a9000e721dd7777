"""What stands behind the object model: the profile, the folders, what was sent, and faults that a test scripts."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from .errors import ABORTED, DIED, GONE, REJECTED, ModelError

__all__ = ["DRAFTS", "OUTBOX", "SENT", "AccountFacts", "Fault", "Mail", "World", "busy"]

DRAFTS, OUTBOX, SENT = "Drafts", "Outbox", "Sent Items"


@dataclass
class AccountFacts:
    """An account of the profile."""

    address: str
    name: str = ""
    store: str = ""

    def __post_init__(self) -> None:
        self.name = self.name or self.address
        self.store = self.store or self.address


@dataclass
class Mail:
    """A message as a folder holds it. ``recipients`` are (type, address, display name)."""

    entry_id: str
    folder: str
    store: str
    values: dict[str, Any]
    properties: dict[str, Any]
    recipients: list[tuple[int, str, str]]
    reply_to: list[tuple[str, str]]
    attachments: list[dict[str, Any]]
    account: str
    on_behalf: str
    keep_in: tuple[str, str] | None = None
    """Store and folder for the copy, where it was chosen."""


@dataclass
class Fault:
    """What the next use of a member meets.

    Attributes:
        answer: what it fails with; None to go on.
        text: words in place of the answer's own.
        hang: waits for this event first.
        after: True if Outlook does what it was asked to, and then fails.
        dies: True if Outlook ends.
    """

    answer: tuple[int, str] | None = None
    text: str = ""
    hang: threading.Event | None = None
    after: bool = False
    dies: bool = False


def busy(times: int, answer: tuple[int, str] = REJECTED) -> list[Fault]:
    """Return a fault for each of so many calls that are rejected."""
    return [Fault(answer) for _ in range(times)]


@dataclass
class World:
    """One Outlook with one profile.

    Attributes:
        profile: the profile's name.
        accounts: its accounts, the default one first.
        default_store: name of the store of the default folders.
        trusted: whether programs may send without a question.
        prompt: what the person answers to the question: ``"deny"``, ``"allow"``, or ``"wait"`` for nothing at all.
        offline: True while Outlook works offline.
        lingering: how many looks at the Outbox a message outlives; None if it never leaves.
        folders: further folders, each a store and a path in it.
        unknown: addresses that Outlook cannot resolve.
        mails: what is in the folders.
        shown: entry ids of what was displayed.
        logons: what Logon was called with.
        pushed: how often SendAndReceive was called.
        calls: every member used, as ``MailItem.Send``, in order.
        alive: False once Outlook has ended.
        waits: set when a scripted hang, or an unanswered question, has begun.
        never: nobody sets it but the end of the test.
    """

    profile: str = "Outlook"
    accounts: list[AccountFacts] = field(default_factory=lambda: [AccountFacts("anna@example.org", "Anna")])
    default_store: str = ""
    version: str = "16.0.0.17928"
    trusted: bool = True
    prompt: str = "deny"
    offline: bool = False
    lingering: int | None = 0
    folders: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    mails: list[Mail] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    logons: list[tuple[str, str, bool, bool]] = field(default_factory=list)
    pushed: int = 0
    calls: list[str] = field(default_factory=list)
    alive: bool = True
    waits: threading.Event = field(default_factory=threading.Event)
    never: threading.Event = field(default_factory=threading.Event)
    _faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    _always: dict[str, Fault] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.default_store = self.default_store or (self.accounts[0].store if self.accounts else "Outlook Data File")

    def script(self, member: str, *faults: Fault) -> None:
        """Let the next uses of a member, such as ``MailItem.Send``, meet faults, one each."""
        self._faults[member] += faults

    def script_always(self, member: str, fault: Fault) -> None:
        """Let every further use of a member meet a fault."""
        self._always[member] = fault

    def fault(self, member: str) -> Fault:
        """Note the use of a member, and return what it meets."""
        self.calls.append(member)
        if not self.alive:
            raise ModelError(GONE)
        waiting = self._faults.get(member)
        return waiting.popleft() if waiting else self._always.get(member, Fault())

    def before(self, fault: Fault) -> None:
        """Do what a fault does before the member acts."""
        if fault.hang is not None:
            self.wait(fault.hang)
        if not fault.after:
            self._strike(fault)

    def after(self, fault: Fault) -> None:
        """Do what a fault does once the member has acted."""
        if fault.after:
            self._strike(fault)

    def ask(self) -> None:
        """Ask whether a program may send, where it is not trusted."""
        if self.trusted:
            return
        if self.prompt == "wait":
            self.wait(self.never)
        if self.prompt != "allow":
            raise ModelError(ABORTED)

    def wait(self, event: threading.Event) -> None:
        """Hang until somebody sets the event."""
        self.waits.set()
        event.wait()

    def new_id(self) -> str:
        """Return an entry id that nothing had before."""
        return f"{next(self._numbers):08X}"

    def in_folder(self, folder: str, store: str | None = None) -> list[Mail]:
        """Return what a folder holds."""
        return [mail for mail in self.mails if mail.folder == folder and store in (None, mail.store)]

    @property
    def sent(self) -> list[Mail]:
        """What has left, or is on its way."""
        return [mail for mail in self.mails if mail.folder != DRAFTS]

    def look_at_outbox(self) -> None:
        """Let messages leave the Outbox, if it is time."""
        if self.lingering is None or self.offline:
            return
        if self.lingering:
            self.lingering -= 1
            return
        for mail in self.in_folder(OUTBOX):
            mail.folder = "" if mail.values["DeleteAfterSubmit"] else SENT
            if mail.folder and mail.keep_in is not None:
                mail.store, mail.folder = mail.keep_in
            mail.entry_id = self.new_id()

    def _strike(self, fault: Fault) -> None:
        if fault.dies:
            self.alive = False
        if fault.answer is not None or fault.dies:
            raise ModelError(fault.answer or DIED, fault.text)
