"""A session of Outlook: its profile, and the accounts in it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from attrs import evolve, frozen

from posthouse.errors import AuthenticationError, ConfigurationError, RefusedError

if TYPE_CHECKING:
    from posthouse_mapi.outlook.remote import Line, Remote
    from posthouse_mapi.settings import MapiSettings

__all__ = ["OutlookAccount", "Session", "open_session"]


@frozen
class OutlookAccount:
    """An account in Outlook.

    Attributes:
        address: what it sends from.
        name: what Outlook calls the account.
        user_name: what stands in From, where the server does not know better.
        remote: the object.
    """

    address: str
    name: str
    user_name: str
    remote: Remote

    def answers_to(self, text: str) -> bool:
        """Whether this is the account that an address or a name means."""
        return text.casefold() in (self.address.casefold(), self.name.casefold())


@frozen
class Session:
    """Outlook, signed in to a profile.

    Attributes:
        application, namespace: Outlook's objects.
        profile: the profile's name.
        accounts: the accounts in it.
        chosen: the one that the settings name; None if they name none.
        sent_folder: the folder for copies that the settings name; None if they name none.
    """

    application: Remote
    namespace: Remote
    profile: str
    accounts: tuple[OutlookAccount, ...]
    chosen: OutlookAccount | None
    sent_folder: Remote | None = None

    def account(self, text: str) -> OutlookAccount | None:
        """Return the account with an address or a name; None if there is none."""
        return next((account for account in self.accounts if account.answers_to(text)), None)


def open_session(line: Line, settings: MapiSettings) -> Session:
    """Start Outlook if need be, and sign in.

    Raises:
        ConfigurationError: Outlook has no such account (``mapi.account``) or folder (``mapi.folder``).
        AuthenticationError: it runs with another profile (``authentication.profile``), or refuses this one.
        ConnectError, ThrottledError: it cannot be reached.
    """
    application = line.application()
    namespace = application.made("GetNamespace", "MAPI")
    namespace.call("Logon", settings.profile, "", settings.interactive, False)
    profile = str(namespace.get("CurrentProfileName"))
    if settings.profile and profile.casefold() != settings.profile.casefold():
        raise AuthenticationError(
            f"Outlook is running with the profile {profile!r}, not {settings.profile!r}.",
            code="authentication.profile",
            hint="Outlook uses one profile at a time: close it, or change the setting profile.",
        )
    accounts = _accounts(namespace.child("Accounts"))
    session = Session(application, namespace, profile, accounts, None, _sent_folder(namespace, settings.sent_folder))
    if not settings.account:
        return session
    chosen = session.account(settings.account)
    if chosen is None:
        names = ", ".join(account.address or account.name for account in accounts) or "none"
        raise ConfigurationError(
            f"Outlook has no account {settings.account!r}; it has: {names}.",
            code="mapi.account",
            hint="Correct the setting account, or add the account in Outlook (File, Account Settings).",
        )
    return evolve(session, chosen=chosen)


def _sent_folder(namespace: Remote, path: str) -> Remote | None:
    r"""Find a folder by its path, as ``Folder.FolderPath`` has it: ``\\mailbox\folder``; None for no path."""
    folder: Remote | None = None
    for name in filter(None, path.split("\\")):
        folders = (folder or namespace).child("Folders")
        try:
            folder = folders.made("Item", unquote(name))
        except RefusedError as error:
            raise ConfigurationError(
                f"Outlook has no folder {path}: there is no {unquote(name)}.",
                code="mapi.folder",
                hint="Copy location and name from the folder's Properties in Outlook, where the mailbox must be open.",
            ) from error
    return folder


def _accounts(found: Remote) -> tuple[OutlookAccount, ...]:
    accounts = []
    for position in range(1, int(found.get("Count")) + 1):
        account = found.made("Item", position)
        address, name, user = (str(account.get(one) or "") for one in ("SmtpAddress", "DisplayName", "UserName"))
        accounts.append(OutlookAccount(address, name, user, account))
    return tuple(accounts)
