"""The session: application, namespace, accounts, stores, folders and tables.

https://learn.microsoft.com/office/vba/api/overview/outlook/object-model
"""

# ruff: noqa: N802, N803 - these are Outlook's names

from __future__ import annotations

import re
from typing import Any

from .errors import BAD_ARGUMENT, NOT_FOUND, ModelError
from .items import MailItem
from .members import ComClass, Property, documented
from .world import DRAFTS, OUTBOX, SENT, AccountFacts, World

__all__ = ["Account", "Accounts", "Application", "Folder", "Folders", "NameSpace", "Store", "Table"]

_FOLDERS = {4: OUTBOX, 5: SENT, 16: DRAFTS}  # OlDefaultFolders
_FILTER = re.compile(r"@SQL=\"http://schemas\.microsoft\.com/mapi/proptag/0x1035001F\" = '((?:[^']|'')*)'")


class Table(ComClass):
    """Rows about items, read without opening them."""

    def __init__(self, world: World, count: int) -> None:
        super().__init__(world)
        self.count = count

    @documented
    def GetRowCount(self) -> int:
        return self.count


class Folder(ComClass):
    """A folder of a store."""

    def __init__(self, world: World, name: str, store: str) -> None:
        super().__init__(world)
        self.name, self.store = name, store

    Name = Property(str, get=lambda self: self.name)
    FolderPath = Property(str, get=lambda self: f"\\\\{self.store}\\{self.name}")
    Folders = Property(ComClass, get=lambda self: Folders(self.world, self.store, self.name))

    @documented
    def GetTable(self, Filter: str = "", TableContents: int = 0) -> Table:
        match = _FILTER.fullmatch(Filter)
        if match is None or TableContents not in (0, 1):
            raise ModelError(BAD_ARGUMENT)
        wanted = match[1].replace("''", "'")
        if self.name == OUTBOX:
            self.world.look_at_outbox()
        tag = "http://schemas.microsoft.com/mapi/proptag/0x1035001F"
        found = [m for m in self.world.in_folder(self.name, self.store) if m.properties.get(tag) == wanted]
        return Table(self.world, len(found))


class Folders(ComClass):
    """The folders in a folder, or, without one, the mailboxes."""

    def __init__(self, world: World, store: str = "", above: str = "") -> None:
        super().__init__(world)
        self.store, self.above = store, above

    Count = Property(int, get=lambda self: len(self.names()))

    @documented
    def Item(self, Index: Any) -> Folder:
        if isinstance(Index, str) and Index in self.names():
            return self.folder(Index)
        if type(Index) is int and 1 <= Index <= len(self.names()):
            return self.folder(self.names()[Index - 1])
        raise ModelError(NOT_FOUND)

    def names(self) -> list[str]:
        stores = sorted({account.store for account in self.world.accounts} | {self.world.default_store})
        if not self.store:
            return stores
        known = {*((store, name) for store in stores for name in _FOLDERS.values()), *self.world.folders}
        above = f"{self.above}\\" if self.above else ""
        inside = [name.removeprefix(above) for store, name in known if store == self.store and name.startswith(above)]
        return sorted({name.partition("\\")[0] for name in inside})

    def folder(self, name: str) -> Folder:
        if not self.store:
            return Folder(self.world, "", name)
        return Folder(self.world, f"{self.above}\\{name}" if self.above else name, self.store)


class Store(ComClass):
    """A mailbox or data file."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world)
        self.name = name

    DisplayName = Property(str, get=lambda self: self.name)

    @documented
    def GetDefaultFolder(self, FolderType: int) -> Folder:
        if FolderType not in _FOLDERS:
            raise ModelError(BAD_ARGUMENT)
        return Folder(self.world, _FOLDERS[FolderType], self.name)


class Account(ComClass):
    """An account of the profile."""

    def __init__(self, world: World, facts: AccountFacts) -> None:
        super().__init__(world)
        self.facts = facts

    SmtpAddress = Property(str, get=lambda self: self.facts.address)
    DisplayName = Property(str, get=lambda self: self.facts.name)
    UserName = Property(str, get=lambda self: self.facts.name)
    AccountType = Property(int, get=lambda self: 0)
    DeliveryStore = Property(Store, get=lambda self: Store(self.world, self.facts.store))


class Accounts(ComClass):
    """The accounts of the profile, counted from 1."""

    Count = Property(int, get=lambda self: len(self.world.accounts))

    @documented
    def Item(self, Index: Any) -> Account:
        if type(Index) is not int or not 1 <= Index <= len(self.world.accounts):
            raise ModelError(BAD_ARGUMENT)
        return Account(self.world, self.world.accounts[Index - 1])


class NameSpace(ComClass):
    """The session."""

    CurrentProfileName = Property(str, get=lambda self: self.world.profile)
    Offline = Property(bool, get=lambda self: self.world.offline)
    Accounts = Property(Accounts, get=lambda self: Accounts(self.world))
    Folders = Property(ComClass, get=lambda self: Folders(self.world))
    DefaultStore = Property(Store, get=lambda self: Store(self.world, self.world.default_store))

    @documented
    def Logon(
        self,
        Profile: str = "",
        Password: str = "",
        ShowDialog: bool = False,
        NewSession: bool = False,
    ) -> None:
        self.world.logons.append((Profile, Password, ShowDialog, NewSession))

    @documented
    def GetDefaultFolder(self, FolderType: int) -> Folder:
        return Store(self.world, self.world.default_store).GetDefaultFolder(FolderType)  # type: ignore[no-any-return]

    @documented
    def SendAndReceive(self, showProgressDialog: bool) -> None:
        self.world.pushed += 1


class Application(ComClass):
    """Outlook."""

    Name = Property(str, get=lambda self: "Outlook")
    Version = Property(str, get=lambda self: self.world.version)
    IsTrusted = Property(bool, get=lambda self: self.world.trusted)
    Session = Property(NameSpace, get=lambda self: NameSpace(self.world))

    @documented
    def GetNamespace(self, Type: str) -> NameSpace:
        if Type != "MAPI":
            raise ModelError(NOT_FOUND)
        return NameSpace(self.world)

    @documented
    def CreateItem(self, ItemType: int) -> MailItem:
        if ItemType != 0:
            raise ModelError(BAD_ARGUMENT, "this stand-in makes mail only")
        return MailItem(self.world)
