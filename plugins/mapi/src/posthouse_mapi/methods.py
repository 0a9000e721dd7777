"""What a way to the mail program (the object model, Extended or Simple MAPI) looks like to the rest of the plugin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from attrs import frozen

from posthouse_mapi.settings import MapiSettings, Way

if TYPE_CHECKING:
    from posthouse.errors import Problem
    from posthouse.messages import Envelope, Message, Submission
    from posthouse.providers import Draft
    from posthouse.receipts import Delivery
    from posthouse.reports import Check
    from posthouse_mapi.attempts import Attempt

__all__ = ["Method", "Step", "method_class"]


@frozen
class Step:
    """One step of the test of an account.

    Attributes:
        title: what is tried, in words: ``"Sign in to the profile"``.
        look: does it and says what it found; title and duration are filled in later. It raises a PosthouseError where
            it fails, and runs in the apartment's thread.
    """

    title: str
    look: Callable[[Attempt], Check]


class Method(ABC):
    """A way to the mail program. It belongs to one connection.

    Everything but `objections` blocks and is called in one thread only, from inside `apartment`, in the order `open`,
    then any of `send`, `compose` and what `steps` returns, then `close`. Where a call takes longer than its attempt
    allows, its thread is given up together with the method, and neither is called again.

    Args:
        settings: the transport's; ``method`` may still say autodetect.
    """

    way: ClassVar[Way]
    label: ClassVar[str]
    """What a person calls it: ``"Outlook's object model"``."""

    def __init__(self, settings: MapiSettings) -> None:
        self.settings = settings

    @staticmethod
    @abstractmethod
    def objections(message: Message, envelope: Envelope, settings: MapiSettings) -> Iterable[Problem]:
        """Return what cannot be carried of a message this way. In any thread; quick, asks nobody, reads no file."""

    @abstractmethod
    def apartment(self) -> AbstractContextManager[object]:
        """What the thread needs around everything else: ``CoInitialize`` and ``CoUninitialize`` and the like."""

    @abstractmethod
    def open(self, attempt: Attempt) -> None:
        """Load libraries, reach the mail program, sign in.

        Raises:
            PosthouseError: it cannot be used; nothing is left open.
        """

    @abstractmethod
    def send(self, submission: Submission, attempt: Attempt) -> Delivery:
        """Send one message to the envelope's recipients, all of them and nobody else.

        Calls ``attempt.hand_over()`` right before the one call that cannot be taken back. A refusal is in the delivery,
        as is doubt (`UncertainError`, every recipient uncertain). ``untouched`` where the mail program was lost before.

        Raises:
            MessageError: a file of it cannot be read.
            AbandonedError: from the attempt; nobody waits any more.
        """

    @abstractmethod
    def compose(self, message: Message, attempt: Attempt, *, show: bool = True) -> Draft:
        """Open the message for the person, and send nothing; without ``show``, leave a draft and open nothing.

        Raises:
            ComposeError: this method cannot do that (``compose.unavailable``).
            MessageError: a file of it cannot be read, or something of it cannot be carried.
            PosthouseError: it cannot be opened.
        """

    @abstractmethod
    def steps(self, sender: str) -> Sequence[Step]:
        """Return what the test of an account tries, in order; the first one opens. Sends nothing.

        Args:
            sender: address that the account sends from; empty if nothing says which.
        """

    @property
    @abstractmethod
    def broken(self) -> bool:
        """True once the mail program is gone or the session cannot be used any more."""

    @abstractmethod
    def close(self) -> None:
        """Free what is held. Never raises."""


_CLASSES = {
    Way.OUTLOOK: ("posthouse_mapi.outlook.method", "OutlookMethod"),
    Way.EXTENDED: ("posthouse_mapi.extended", "ExtendedMethod"),
    Way.SIMPLE: ("posthouse_mapi.simple", "SimpleMethod"),
}


def method_class(way: Way) -> type[Method]:
    """Return the class of a way other than autodetect; no library of Windows is imported by that."""
    module, name = _CLASSES[way]
    found: type[Method] = getattr(import_module(module), name)
    return found
