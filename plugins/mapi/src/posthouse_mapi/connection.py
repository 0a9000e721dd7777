"""An open way to the mail program: messages in, deliveries out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from posthouse.errors import ConnectError, UncertainError
from posthouse.receipts import Delivery
from posthouse_mapi import outcomes
from posthouse_mapi.apartment import Apartment, HungError
from posthouse_mapi.translate import draft_in_doubt

if TYPE_CHECKING:
    from posthouse.messages import Message, Submission
    from posthouse.providers import Draft
    from posthouse_mapi.attempts import Attempt
    from posthouse_mapi.methods import Method

__all__ = ["MapiConnection"]

_Result = TypeVar("_Result")


class MapiConnection:
    """Satisfies `posthouse.providers.Connection`.

    Args:
        method: how the mail program is reached; nobody else uses it.
    """

    security = "local"
    """Nothing leaves this machine here; how it travels on is the mail program's affair."""

    authentication = "mail profile"

    def __init__(self, method: Method, notes: tuple[str, ...] = ()) -> None:
        self._method = method
        self._apartment = Apartment(method.apartment, last=method.close)
        self._open = True
        self.notes = notes

    @property
    def usable(self) -> bool:
        """False once it was closed, hung, or lost the mail program."""
        return self._open and not self._apartment.lost and not self._method.broken

    async def open(self) -> None:
        """Reach the mail program and sign in.

        Raises:
            ConnectError: it does not answer (``connect.hung``), or as the method says.
        """
        await self.run("signing in", self._method.open)

    async def send(self, submission: Submission) -> Delivery:
        """Send one message."""
        limit = self._method.settings.limit()
        try:
            return await self._apartment.run(lambda attempt: self._method.send(submission, attempt), limit)
        except HungError as hung:
            if isinstance(hung.settled, Delivery):
                return hung.settled
            if hung.handed_over:
                return outcomes.uncertain(submission, _silent(limit))
            return outcomes.untouched(hung_while("taking the message over", limit))

    async def compose(self, message: Message, *, show: bool) -> Draft:
        """Open the message for the person, or leave a draft.

        Raises:
            ComposeError: it took too long, and a draft may be there (``compose.uncertain``).
            ConnectError: it took too long (``connect.hung``).
        """
        limit = self._method.settings.limit(dialog=show)
        try:
            return await self._apartment.run(lambda attempt: self._method.compose(message, attempt, show=show), limit)
        except HungError as hung:
            if not hung.handed_over:
                raise hung_while("opening the message", limit) from None
            raise draft_in_doubt(f"The mail program did not finish opening the message within {limit:g} s") from None

    async def run(self, doing: str, function: Callable[[Attempt], _Result]) -> _Result:
        """Run a function in the method's thread.

        Args:
            doing: what it does, to follow "while".
            function: what to do.

        Raises:
            ConnectError: it took too long (``connect.hung``).
        """
        limit = self._method.settings.limit()
        try:
            return await self._apartment.run(function, limit)
        except HungError:
            raise hung_while(doing, limit) from None

    async def close(self) -> None:
        """Let go of the mail program."""
        self._open = False
        await self._apartment.close()


def hung_while(doing: str, limit: float) -> ConnectError:
    """Return the error of a mail program that does not answer, with nothing handed over."""
    return ConnectError(
        f"The mail program did not finish {doing} within {limit:g} s; nothing was sent.",
        code="connect.hung",
        temporary=True,
        hint="Look for a dialog that it shows, and close it; or end it with the Task Manager. A very large message "
        "may need a longer timeout.",
    )


def _silent(limit: float) -> UncertainError:
    return UncertainError(
        f"The mail program did not answer within {limit:g} s after the message was handed over.",
        code="uncertain.hung",
        hint="Look into Sent Items and the Outbox before sending it again. A security question may be on the screen: "
        "answered with yes, the message still goes.",
    )
