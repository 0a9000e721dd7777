"""``win32com.mapi.mapi`` for a test: the functions and methods that pywin32 has, with its arguments.

What MAPI answers stands in `World`; what its documentation does not allow raises. Sources: pywin32's folder
``com/win32comext/mapi/src`` for counts and types of arguments,
https://learn.microsoft.com/office/client-developer/outlook/mapi for the rest.
"""

# ruff: noqa: N802 - these are MAPI's names

from __future__ import annotations

import functools
import inspect
import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ComError", "FakeCom", "FakeMapi", "Sent", "StoreFacts", "World"]

NOT_FOUND, NOT_INITIALIZED, NO_RECIPIENTS, NO_SUPPORT, UNKNOWN_FLAGS, LOGON_FAILED, SUBMITTED, BAD_VALUE = (
    number - (1 << 32)
    for number in (0x8004010F, 0x80040605, 0x80040607, 0x80040102, 0x80040106, 0x80040111, 0x80040608, 0x80040301)
)
CLASS_NOT_REGISTERED = 0x80040154 - (1 << 32)
_KINDS = {0x0003: int, 0x000B: bool, 0x001F: str, 0x0102: bytes}
_FIRST_NAMED = 0x8000


class ComError(Exception):
    """In the shape of ``pythoncom.com_error``."""

    def __init__(self, hresult: int, strerror: str = "", excepinfo: Any = None, argerror: Any = None) -> None:
        super().__init__(hresult, strerror, excepinfo, argerror)
        self.hresult, self.strerror, self.excepinfo, self.argerror = hresult, strerror, excepinfo, argerror


class IID:
    """An interface id; only its identity counts."""


@dataclass
class StoreFacts:
    """A message store of the profile."""

    name: str
    outbox: list[Any] = field(default_factory=list)
    drafts: list[Any] = field(default_factory=list)
    default: bool = False
    inbox: bool = True


@dataclass
class Sent:
    """A message that was submitted, or saved as a draft."""

    store: str
    properties: dict[int, Any]
    recipients: list[dict[int, Any]]
    attachments: list[dict[int, Any]]
    named: dict[str, Any]


@dataclass
class World:
    """What is behind MAPI.

    Attributes:
        profile: the default profile's name.
        stores: its stores.
        owner: properties of the session's identity; None if it has none.
        converter: whether Outlook's converter is registered.
        converted: what it was given.
        lingering: how many looks at the Outbox a message outlives; None if it never leaves.
        submitted: messages that were taken.
        saved: drafts.
        logons: profile and flags of each logon.
        calls: every function and method, in order.
        initialized: how often each thread has initialized MAPI.
        hangs_in: the method that waits for `never` before it does anything.
        waits: set when something hangs.
    """

    profile: str = "Outlook"
    stores: list[StoreFacts] = field(default_factory=lambda: [StoreFacts("anna@example.org", default=True)])
    owner: dict[int, Any] | None = field(default_factory=lambda: {0x39FE001F: "anna@example.org"})
    converter: bool = True
    converted: list[bytes] = field(default_factory=list)
    lingering: int | None = 0
    submitted: list[Sent] = field(default_factory=list)
    saved: list[Sent] = field(default_factory=list)
    logons: list[tuple[str | None, int]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    initialized: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    open_sessions: int = 0
    hangs_in: str = ""
    waits: threading.Event = field(default_factory=threading.Event)
    never: threading.Event = field(default_factory=threading.Event)
    _late_faults: dict[str, int] = field(default_factory=dict)
    _faults: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))

    def script(self, name: str, *numbers: int) -> None:
        """Let the next uses of a function or method fail with HRESULTs (0 lets one pass)."""
        self._faults[name] += (number - (1 << 32) if number >> 31 else number for number in numbers)

    def script_after(self, name: str, number: int) -> None:
        """Let every use of a method do what it should, and then fail with an HRESULT, as if the answer got lost."""
        self._late_faults[name] = number - (1 << 32)

    def used(self, name: str) -> None:
        """Fail after a use, if a test wants that."""
        if name in self._late_faults:
            raise ComError(self._late_faults[name])

    def use(self, name: str) -> None:
        """Note a use, and fail if a test wants that, or if this thread has not initialized MAPI."""
        self.calls.append(name)
        if name != "mapi.MAPIInitialize" and not self.initialized[threading.get_ident()]:
            raise ComError(NOT_INITIALIZED)
        if self._faults[name] and (number := self._faults[name].popleft()):
            raise ComError(number)
        if name == self.hangs_in:
            self.waits.set()
            self.never.wait()


def long(value: Any) -> int:
    """Check an argument as PyArg_ParseTuple's "l" does on Windows, where a long has 32 bits."""
    if not isinstance(value, int):
        raise TypeError(f"an integer is required, not {type(value).__name__}")
    if not -(1 << 31) <= value < 1 << 31:
        raise OverflowError("Python int too large to convert to C long")
    return value


def interface(value: Any) -> None:
    if value is not None and not isinstance(value, IID):
        raise TypeError("an IID or None is required")


def octets(value: Any) -> None:
    if not isinstance(value, bytes):
        raise TypeError(f"bytes are required, not {type(value).__name__}")


def text_or_none(value: Any) -> None:
    if value is not None and (not isinstance(value, str) or "\0" in value):
        raise TypeError("a text or None is required")


def sequence(value: Any) -> None:
    if not isinstance(value, list | tuple):
        raise TypeError("a sequence is required")


def anything(value: Any) -> None:
    """Take it."""


def takes(*kinds: Callable[[Any], Any], optional: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Check the arguments of a method by position, as pywin32 does; keywords it does not know."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def checked(self: Any, *arguments: Any) -> Any:
            if not len(kinds) - optional <= len(arguments) <= len(kinds):
                raise TypeError(f"{function.__name__}() takes {len(kinds)} arguments ({len(arguments)} given)")
            for kind, argument in zip(kinds, arguments, strict=False):
                kind(argument)
            name = f"{type(self).__name__.removeprefix('Fake').lower()}.{function.__name__}"
            self.world.use(name)
            result = function(self, *arguments)
            self.world.used(name)
            return result

        assert not inspect.signature(function).parameters.keys() & {"kwargs"}
        return checked

    return decorate


def property_values(values: Any) -> dict[int, Any]:
    """Check properties as SPropValue takes them: tag and value, the value of the tag's type."""
    found: dict[int, Any] = {}
    for item in values:
        if not isinstance(item, tuple) or len(item) != 2:
            raise TypeError("An SPropValue item must be a tuple of (integer, object)")
        tag, value = item
        kind = _KINDS.get(tag & 0xFFFF)
        if kind is None or not 0 <= tag < 1 << 32:
            raise TypeError(f"Unsupported MAPI property type {tag:#x}")
        if type(value) is not kind:
            raise TypeError(f"{tag:#010x} takes {kind.__name__}, not {type(value).__name__}")
        if kind is int:
            long(value)
        if isinstance(value, str) and "\0" in value:
            raise ValueError(f"{tag:#010x} would end early")
        assert tag not in found, f"{tag:#010x} twice"
        found[tag] = value
    return found


class Thing:
    """Something with properties."""

    def __init__(self, world: World, properties: dict[int, Any] | None = None) -> None:
        self.world = world
        self.properties = dict(properties or {})
        self.names: dict[int, str] = {}

    @takes(sequence, long, optional=1)
    def GetProps(self, tags: Sequence[int], flags: int = 0) -> tuple[int, tuple[tuple[int, Any], ...]]:
        missing = [tag for tag in tags if tag not in self.properties]
        found = tuple(
            (tag & 0xFFFF0000 | 0x000A, NOT_FOUND) if tag in missing else (tag, self.properties[tag]) for tag in tags
        )
        return (0x00040380 if missing else 0), found

    @takes(sequence)
    def SetProps(self, values: Any) -> tuple[int, None]:
        self.properties |= property_values(values)
        return 0, None

    @takes(sequence, long, optional=1)
    def GetIDsFromNames(self, names: Any, flags: int = 0) -> tuple[int, ...]:
        if flags != 2:
            raise ComError(NOT_FOUND)
        numbers = []
        for space, name in names:
            if space is not FakeMapi.PS_INTERNET_HEADERS or not isinstance(name, str):
                raise TypeError("a name is (IID, text)")
            number = _FIRST_NAMED + len(self.names)
            self.names[number] = name
            numbers.append(number << 16)
        return tuple(numbers)

    @takes(long, interface, long, long)
    def OpenProperty(self, tag: int, iid: IID, options: int, flags: int) -> FakeStream:
        if iid is not FakeCom.IID_IStream or options or flags != 3:
            raise ComError(UNKNOWN_FLAGS)
        return FakeStream(self.world, lambda content: self.properties.__setitem__(tag, content))

    @takes(long)
    def SaveChanges(self, flags: int) -> None:
        if flags not in (0, 1, 2, 4):
            raise ComError(UNKNOWN_FLAGS)
        self.saved()

    def saved(self) -> None:
        """Do what saving means."""


class FakeStream:
    """An IStream; what was written counts once it is committed."""

    def __init__(self, world: World, done: Callable[[bytes], None]) -> None:
        self.world, self.content, self._done = world, b"", done

    @takes(octets)
    def Write(self, content: bytes) -> int:
        self.content += content
        return len(content)

    @takes(long, long)
    def Seek(self, offset: int, origin: int) -> int:
        assert (offset, origin) == (0, 0)
        return 0

    @takes(long)
    def Commit(self, flags: int) -> None:
        if flags != 0:
            raise ComError(UNKNOWN_FLAGS)
        self._done(self.content)


class FakeAttachment(Thing):
    """An attachment; it belongs to the message once it is saved."""

    def __init__(self, world: World, message: FakeMessage) -> None:
        super().__init__(world)
        self._message = message

    def saved(self) -> None:
        self._message.attachments.append(self.properties)


class FakeMessage(Thing):
    """A message."""

    def __init__(self, world: World, folder: FakeFolder) -> None:
        super().__init__(world)
        self.folder = folder
        self.recipients: list[dict[int, Any]] = []
        self.attachments: list[dict[int, Any]] = []
        self._gone = False

    @takes(interface, long)
    def CreateAttach(self, iid: IID | None, flags: int) -> list[Any]:
        if flags:
            raise ComError(UNKNOWN_FLAGS)
        return [len(self.attachments), FakeAttachment(self.world, self)]

    @takes(long, sequence)
    def ModifyRecipients(self, flags: int, rows: Any) -> None:
        if flags not in (0, 2):
            raise ComError(UNKNOWN_FLAGS)
        checked = [property_values(row) for row in rows]
        for row in checked:
            if row.get(0x0C150003) not in (1, 2, 3) or not {0x0FFF0102, 0x3001001F, 0x3003001F} <= row.keys():
                raise ComError(BAD_VALUE)
        self.recipients = checked if flags == 0 else self.recipients + checked

    @takes(long)
    def SubmitMessage(self, flags: int) -> None:
        if flags not in (0, 1):
            raise ComError(UNKNOWN_FLAGS)
        if self._gone or self.folder.kind != "outbox":
            raise ComError(SUBMITTED)
        if not self.recipients:
            raise ComError(NO_RECIPIENTS)
        self._gone = True
        self.world.submitted.append(self.as_sent())
        self.folder.messages.append(self)

    def saved(self) -> None:
        self.properties[0x0FFF0102] = f"entry {len(self.world.saved)}".encode()
        self.world.saved.append(self.as_sent())
        self.folder.messages.append(self)

    def as_sent(self) -> Sent:
        named = {self.names[tag >> 16]: value for tag, value in self.properties.items() if tag >> 16 in self.names}
        plain = {tag: value for tag, value in self.properties.items() if tag >> 16 < _FIRST_NAMED}
        return Sent(self.folder.store.name, plain, self.recipients, self.attachments, named)


class FakeFolder(Thing):
    """A folder of a store."""

    def __init__(self, world: World, store: StoreFacts, kind: str) -> None:
        super().__init__(world, {0x3001001F: kind.title()})
        self.store, self.kind = store, kind
        self.messages: list[FakeMessage] = getattr(store, kind, [])
        if kind == "inbox" and store.inbox:
            self.properties[0x36D70102] = b"drafts"

    @takes(interface, long)
    def CreateMessage(self, iid: IID | None, flags: int) -> FakeMessage:
        if flags:
            raise ComError(UNKNOWN_FLAGS)
        return FakeMessage(self.world, self)

    @takes(octets, interface, long)
    def OpenEntry(self, entry: bytes, iid: IID | None, flags: int) -> FakeFolder:
        return FakeFolder(self.world, self.store, entry.decode())

    @takes(long)
    def GetContentsTable(self, flags: int) -> FakeTable:
        rows = [dict(message.properties) for message in self.messages]
        if self.world.lingering is not None:
            self.world.lingering -= 1
            if self.world.lingering < 0:
                self.messages.clear()
                rows = []
        return FakeTable(self.world, rows)

    @takes(sequence, long, anything, long)
    def DeleteMessages(self, entries: Any, window: int, progress: None, flags: int) -> None:
        assert progress is None
        self.messages[:] = [one for one in self.messages if one.properties.get(0x0FFF0102) not in entries]


class FakeStore(Thing):
    """An open message store."""

    def __init__(self, world: World, facts: StoreFacts) -> None:
        super().__init__(world, {0x35E20102: b"outbox", 0x35E40102: b"sent"})
        self.facts = facts

    @takes(octets, interface, long)
    def OpenEntry(self, entry: bytes, iid: IID | None, flags: int) -> FakeFolder:
        return FakeFolder(self.world, self.facts, entry.decode())

    @takes(text_or_none, long, optional=2)
    def GetReceiveFolder(self, kind: str | None = None, flags: int = 0) -> tuple[bytes, str]:
        return b"inbox", "IPM"


class FakeTable:
    """A table, for HrQueryAllRows."""

    def __init__(self, world: World, rows: list[dict[int, Any]]) -> None:
        self.world, self.rows = world, rows


class FakeSession:
    """What MAPILogonEx returns."""

    def __init__(self, world: World) -> None:
        self.world = world

    @takes(long)
    def GetMsgStoresTable(self, flags: int) -> FakeTable:
        rows: Iterator[dict[int, Any]] = (
            {0x0FFF0102: store.name.encode(), 0x3001001F: store.name, 0x3400000B: store.default}
            for store in self.world.stores
        )
        return FakeTable(self.world, list(rows))

    @takes(long, octets, interface, long)
    def OpenMsgStore(self, window: int, entry: bytes, iid: IID | None, flags: int) -> FakeStore:
        if flags & ~0x17:
            raise ComError(UNKNOWN_FLAGS)
        return FakeStore(self.world, next(one for one in self.world.stores if one.name.encode() == entry))

    @takes()
    def QueryIdentity(self) -> bytes:
        if self.world.owner is None:
            raise ComError(NOT_FOUND)
        return b"me"

    @takes(octets, interface, long)
    def OpenEntry(self, entry: bytes, iid: IID | None, flags: int) -> Thing:
        return Thing(self.world, self.world.owner)

    @takes(long, interface, long)
    def OpenAddressBook(self, window: int, iid: IID | None, flags: int) -> object:
        assert flags == 1, "a dialog might be shown"
        return "address book"

    @takes(long, long, long)
    def Logoff(self, window: int, flags: int, reserved: int) -> None:
        self.world.open_sessions -= 1


class FakeConverter:
    """IConverterSession."""

    def __init__(self, world: World) -> None:
        self.world = world

    @takes(anything)
    def SetAdrBook(self, book: Any) -> None:
        assert book == "address book"

    @takes(anything, anything, long)
    def MIMEToMAPI(self, stream: FakeStream, message: FakeMessage, flags: int) -> None:
        self.world.converted.append(stream.content)
        message.recipients = [{0x0C150003: 1, 0x3003001F: "whoever stands in To"}]


class FakeCom:
    """``pythoncom``, as far as MAPI needs it."""

    com_error = ComError
    IID_IStream = IID()
    CLSCTX_INPROC_SERVER = 1

    def __init__(self, world: World) -> None:
        self.world = world

    def CoCreateInstance(self, clsid: Any, outer: None, context: int, iid: IID) -> FakeConverter:
        if not self.world.converter:
            raise ComError(CLASS_NOT_REGISTERED, "Class not registered")
        assert (clsid, outer, context, iid) == (
            FakeMapi.CLSID_IConverterSession,
            None,
            1,
            FakeMapi.IID_IConverterSession,
        )
        return FakeConverter(self.world)

    def CreateStreamOnHGlobal(self) -> FakeStream:
        return FakeStream(self.world, lambda _: None)


class FakeMapi:
    """The module. Its numbers are pywin32's: those beyond 31 bits are negative."""

    MAPI_INIT_VERSION, MAPI_MULTITHREAD_NOTIFICATIONS, MAPI_NT_SERVICE = 0, 1, 0x10000
    MAPI_LOGON_UI, MAPI_NEW_SESSION, MAPI_EXPLICIT_PROFILE, MAPI_EXTENDED, MAPI_USE_DEFAULT = 1, 2, 0x10, 0x20, 0x40
    MAPI_UNICODE = -0x80000000
    MAPI_BEST_ACCESS, MAPI_MODIFY, MAPI_CREATE = 0x10, 1, 2
    MDB_NO_DIALOG, MDB_WRITE, AB_NO_DIALOG = 1, 4, 1
    KEEP_OPEN_READWRITE, MODRECIP_ADD, CCSF_SMTP = 2, 2, 2
    PS_INTERNET_HEADERS, IID_IConverterSession, CLSID_IConverterSession = IID(), IID(), IID()

    def __init__(self, world: World) -> None:
        self.world = world
        self._count = itertools.count()

    @takes(anything)
    def MAPIInitialize(self, init: Any) -> None:
        if not isinstance(init, tuple) or len(init) != 2:
            raise TypeError("MAPIINIT_0 tuple() takes exactly 2 arguments")
        version, flags = map(long, init)
        if version != 0 or flags & ~0x10009:
            raise ComError(UNKNOWN_FLAGS)
        self.world.initialized[threading.get_ident()] += 1

    @takes()
    def MAPIUninitialize(self) -> None:
        self.world.initialized[threading.get_ident()] -= 1

    @takes(long, text_or_none, text_or_none, long)
    def MAPILogonEx(self, window: int, profile: str | None, password: str | None, flags: int) -> FakeSession:
        assert password is None
        if not flags & self.MAPI_EXTENDED or bool(profile) != bool(flags & self.MAPI_UNICODE):
            raise ComError(UNKNOWN_FLAGS)  # pywin32 hands Unicode over, so MAPI has to know
        if (profile or self.world.profile) != self.world.profile:
            raise ComError(LOGON_FAILED)
        self.world.logons.append((profile, flags))
        self.world.open_sessions += 1
        return FakeSession(self.world)

    @takes(anything, sequence, anything, anything, long)
    def HrQueryAllRows(self, table: FakeTable, tags: Any, restriction: None, order: None, most: int) -> list[Any]:
        assert restriction is None
        assert order is None
        return [
            tuple((tag, row[tag]) if tag in row else (tag & 0xFFFF0000 | 0x000A, NOT_FOUND) for tag in tags)
            for row in table.rows
        ]
