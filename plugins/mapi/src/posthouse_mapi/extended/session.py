"""A session of Extended MAPI: the profile, its message stores, and their folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen

from posthouse.errors import ConfigurationError, MessageError, RefusedError, Reply, Stage
from posthouse_mapi.extended import tags
from posthouse_mapi.translate import com_reply, failure

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Message
    from posthouse_mapi.extended.library import Library
    from posthouse_mapi.settings import MapiSettings

__all__ = ["Session", "Store", "open_session", "translated"]

_NOT_FOUND = Reply(-2147221233, "0x8004010F", "MAPI_E_NOT_FOUND")


@frozen
class Store:
    """A mailbox or data file of the profile.

    Attributes:
        name: what Outlook shows; the mailbox's address where Exchange holds it.
        identifier: its entry id.
        default: whether it is the profile's default.
    """

    name: str
    identifier: bytes
    default: bool


@contextmanager
def translated(library: Library, stage: Stage, doing: str) -> Iterator[None]:
    """Raise Posthouse's errors for what MAPI answers; ``doing`` follows "while"."""
    try:
        yield
    except library.error as error:
        raise failure(com_reply(error), stage, doing) from error


class Session:
    """Open, in one thread.

    Args:
        library: Extended MAPI.
        session: what MAPILogonEx returned.
        settings: the transport's.

    Attributes:
        stores: those of the profile.
        owner: address of the mailbox that the profile belongs to; empty if it does not say.
    """

    def __init__(self, library: Library, session: Any, settings: MapiSettings) -> None:
        self.library = library
        self._session = session
        self._settings = settings
        self.stores = self._find_stores()
        self.owner = self._find_owner()

    def store_for(self, message: Message) -> Store:
        """Return the store whose Outbox a message goes to.

        Raises:
            ConfigurationError: there is none for the setting ``account``.
            MessageError: there is none for the Sender header (``message.sender``).
        """
        if self._settings.account:
            return self.chosen_store()
        wanted = message.sender_header or message.sender
        for store in self.stores:
            if wanted is not None and store.name.casefold() == wanted.addr_spec.casefold():
                return store
        if message.sender_header is not None and not self._owns(self.owner, message.sender_header):
            raise MessageError(
                f"The profile has no mailbox {message.sender_header.addr_spec}, which the message has as its Sender.",
                code="message.sender",
                hint="Take sender_header out, or add the mailbox in Outlook.",
            )
        return self._default_store()

    def chosen_store(self) -> Store:
        """Return the store that the settings name, else the default one.

        Raises:
            ConfigurationError: there is none of that name.
        """
        wanted = self._settings.account
        if not wanted:
            return self._default_store()
        for store in self.stores:
            if store.name.casefold() == wanted.casefold():
                return store
        raise ConfigurationError(
            f"The profile has no mailbox {wanted}; it has {', '.join(store.name for store in self.stores) or 'none'}.",
            code="configuration.account",
            hint="Correct the setting account: for Extended MAPI it is a mailbox's name as Outlook shows it.",
        )

    def writes_as(self, store: Store, sender: Address) -> bool:
        """Whether a sender is the owner of a store, so that nothing has to be said about it."""
        return self._owns(store.name if "@" in store.name else self.owner, sender)

    def open_store(self, store: Store) -> Any:
        """Open a store for writing."""
        mapi = self.library.mapi
        flags = mapi.MDB_WRITE | mapi.MAPI_BEST_ACCESS | (0 if self._settings.interactive else mapi.MDB_NO_DIALOG)
        return self._session.OpenMsgStore(0, store.identifier, None, flags)

    def folder(self, store: Any, tag: int) -> Any:
        """Open the folder whose entry id is a property of the store."""
        identifier = self.required(store, tag)
        return store.OpenEntry(identifier, None, self.library.mapi.MAPI_BEST_ACCESS)

    def drafts(self, store: Any) -> Any:
        """Open the folder of drafts, which only the Inbox knows."""
        inbox, _ = store.GetReceiveFolder(None, 0)
        opened = store.OpenEntry(inbox, None, self.library.mapi.MAPI_BEST_ACCESS)
        return store.OpenEntry(self.required(opened, tags.IPM_DRAFTS_ENTRYID), None, self.library.mapi.MAPI_BEST_ACCESS)

    def required(self, thing: Any, tag: int) -> Any:
        """Return a property.

        Raises:
            RefusedError: there is none (``refused.not-found``).
        """
        (value,) = self.properties(thing, (tag,))
        if value is None:
            raise failure(_NOT_FOUND, Stage.CONNECT, "looking for a folder of the mailbox")
        return value

    def properties(self, thing: Any, wanted: Sequence[int]) -> list[Any]:
        """Return properties, in order; None for what is not there."""
        _, found = thing.GetProps(tuple(wanted), 0)
        return [None if tags.is_error(tag) else value for tag, value in found]

    def rows(self, table: Any, columns: Sequence[int]) -> list[list[Any]]:
        """Return a table's rows; None for what is not there."""
        rows = self.library.mapi.HrQueryAllRows(table, tuple(columns), None, None, 0)
        return [[None if tags.is_error(tag) else value for tag, value in row] for row in rows]

    def address_book(self) -> Any:
        """Open the address book, as far as that asks nobody."""
        return self._session.OpenAddressBook(0, None, self.library.mapi.AB_NO_DIALOG)

    def close(self) -> None:
        """Sign out."""
        self._session.Logoff(0, 0, 0)

    def _find_stores(self) -> list[Store]:
        columns = (tags.ENTRYID, tags.DISPLAY_NAME, tags.DEFAULT_STORE)
        rows = self.rows(self._session.GetMsgStoresTable(0), columns)
        return [Store(name or "", identifier, bool(default)) for identifier, name, default in rows if identifier]

    def _find_owner(self) -> str:
        try:
            user = self._session.OpenEntry(self._session.QueryIdentity(), None, 0)
            smtp, kind, address = self.properties(user, (tags.SMTP_ADDRESS, tags.ADDRTYPE, tags.EMAIL_ADDRESS))
        except self.library.error:
            return ""  # profiles without Exchange need not have an identity
        return smtp or (address if kind == "SMTP" else "") or ""

    def _default_store(self) -> Store:
        for store in self.stores:
            if store.default:
                return store
        raise RefusedError(
            "The profile has no default mailbox.",
            code="refused.not-found",
            stage=Stage.CONNECT,
            hint="Set one in Outlook (File, Account Settings, Data Files).",
        )

    @staticmethod
    def _owns(owner: str, sender: Address) -> bool:
        return owner.casefold() in (sender.addr_spec.casefold(), (sender.ascii or "").casefold())


def open_session(library: Library, settings: MapiSettings) -> Session:
    """Sign in to the profile; without a name, to the one that Outlook runs with, else to the default profile.

    Raises:
        ConfigurationError: there is no mailbox as the settings name it.
        DeliveryError: as MAPI says.
    """
    mapi = library.mapi
    flags = mapi.MAPI_EXTENDED
    if settings.profile:
        # pywin32 hands the name over as Unicode, which MAPI has to be told.
        flags |= mapi.MAPI_NEW_SESSION | mapi.MAPI_EXPLICIT_PROFILE | mapi.MAPI_UNICODE
    else:
        flags |= mapi.MAPI_USE_DEFAULT
    if settings.interactive:
        flags |= mapi.MAPI_LOGON_UI
    if library.service:
        flags |= mapi.MAPI_NT_SERVICE
    with translated(library, Stage.AUTHENTICATION, "signing in to the profile"):
        session = mapi.MAPILogonEx(0, settings.profile or None, None, flags)
    try:
        with translated(library, Stage.CONNECT, "looking at the mailboxes of the profile"):
            found = Session(library, session, settings)
        found.chosen_store()
    except BaseException:
        session.Logoff(0, 0, 0)
        raise
    return found
