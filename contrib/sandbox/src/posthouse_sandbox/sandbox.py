"""The sandbox: its doors, opened and closed together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from urllib.parse import quote

from posthouse_sandbox.certificates import Authority
from posthouse_sandbox.configuration import render
from posthouse_sandbox.credentials import Credentials
from posthouse_sandbox.doors import AccountSettings, Door, Premises
from posthouse_sandbox.entra import EntraDoor
from posthouse_sandbox.ews import EwsDoor
from posthouse_sandbox.faults import Faults
from posthouse_sandbox.files import make_private_folder, write_private
from posthouse_sandbox.graph import GraphDoor
from posthouse_sandbox.inbox import Inbox
from posthouse_sandbox.inbox_page import InboxDoor
from posthouse_sandbox.smtp import PASSWORD_MECHANISMS, TOKEN_MECHANISMS, Security, SmtpDoor
from posthouse_sandbox.tokens import Tokens

__all__ = ["Sandbox", "default_doors"]


def default_doors() -> tuple[Door, ...]:
    """Return a new door of each sort: SMTP with every security, and the stand-ins for Microsoft's services."""
    passwords = tuple(PASSWORD_MECHANISMS)
    everything = (*passwords, *TOKEN_MECHANISMS)
    return (
        SmtpDoor("smtp", Security.OFFERED),
        SmtpDoor("smtp-auth", Security.OFFERED, mechanisms=everything),
        SmtpDoor("smtp-plain"),
        SmtpDoor("smtp-plain-auth", mechanisms=passwords),
        SmtpDoor("starttls", Security.REQUIRED),
        SmtpDoor("starttls-auth", Security.REQUIRED, mechanisms=everything),
        SmtpDoor("exchange", Security.REQUIRED, mechanisms=("LOGIN", "XOAUTH2"), exchange_like=True),
        SmtpDoor("smtps", Security.IMPLICIT),
        SmtpDoor("smtps-auth", Security.IMPLICIT, mechanisms=everything),
        EntraDoor(),
        GraphDoor(),
        EwsDoor(),
        InboxDoor(),
    )


class Sandbox:
    """Local stand-ins for mail servers, on free ports of the loopback interface.

    ``async with Sandbox() as sandbox`` runs it on the caller's event loop, ``with Sandbox() as sandbox`` in a thread of
    its own. An instance is entered once.

    Args:
        directory: where certificates, passwords and messages are written. Without one, messages stay in memory, and the
            other files are removed at the end.
        doors: what to open; `default_doors` if None.
        credentials: who may sign in; two users with random passwords if None.
        authority: issues the certificates; a new one if None.

    Attributes:
        doors: its servers, each with ``host`` and ``port`` while it is open.
        credentials: who may sign in.
        directory: where its files are; exists from the beginning of the with block on, as do the next two.
        authority: what its clients have to trust.
        inbox: what was received; it can still be read after the end.
        tokens: issues and checks the access tokens of its doors.
        faults: answers to script, ``sandbox.faults.script("graph", "429 with Retry-After 2, then 202", "sendMail")``.

    Raises:
        ValueError: two doors have the same name.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        doors: Sequence[Door] | None = None,
        credentials: Credentials | None = None,
        authority: Authority | None = None,
    ) -> None:
        self.doors = tuple(doors) if doors is not None else default_doors()
        if len({door.name for door in self.doors}) < len(self.doors):
            raise ValueError("two doors of a sandbox have the same name")
        self.credentials = credentials or Credentials()
        self.directory: Path
        self.authority: Authority
        self.inbox: Inbox
        self.tokens = Tokens()
        self.faults = Faults()
        self._given_directory = directory
        self._given_authority = authority
        self._sign_ins: dict[str, dict[str, object]] = {}
        self._open = AsyncExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) that clients have to trust."""
        return self.authority.ca_file

    def door(self, name: str) -> Door:
        """Return the door of this name.

        Raises:
            LookupError: there is none.
        """
        for door in self.doors:
            if door.name == name:
                return door
        raise LookupError(f"no door named {name}; there are {', '.join(door.name for door in self.doors)}")

    def accounts(self) -> tuple[AccountSettings, ...]:
        """Describe every account that a configuration of this sandbox can have."""
        every = (account for door in self.doors for account in door.accounts())
        return tuple(account for account in every if account.sign_in is None or account.sign_in in self._sign_ins)

    def authenticator_of(self, account: AccountSettings) -> str:
        """Return the kind of authenticator that an account needs."""
        if account.sign_in:
            return str(self._sign_ins[account.sign_in]["kind"])
        return "password" if account.user else "none"

    def configuration(self, accounts: Collection[str] | None = None) -> str:
        """Return the text of a ``posthouse.toml``.

        Args:
            accounts: names of the accounts it shall have; all of `accounts` if None.

        Raises:
            ValueError: it would have no account.
        """
        chosen = (account for account in self.accounts() if accounts is None or account.name in accounts)
        return render(chosen, {user: self._password_file(user) for user in self.credentials.passwords}, self._sign_ins)

    def _password_file(self, user: str) -> Path:
        return self.directory / "passwords" / quote(user, safe="@")

    # On the caller's event loop

    async def __aenter__(self) -> Self:
        try:
            premises = self._prepare()
            for door in self.doors:
                self._open.push_async_callback(door.close)
                await door.open(premises)
            self._note_sign_ins()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    def _prepare(self) -> Premises:
        """Write what the doors and their clients need to know."""
        if self._given_directory is None:
            self.directory = Path(self._open.enter_context(TemporaryDirectory(prefix="posthouse-sandbox-")))
            self.inbox = Inbox()
        else:
            self.directory = make_private_folder(self._given_directory)
            self.inbox = Inbox(self.directory / "inbox")
        self.authority = self._given_authority or Authority(self.directory / "certificates")
        make_private_folder(self.directory / "passwords")
        for user, password in self.credentials.passwords.items():
            write_private(self._password_file(user), password.encode())
        return Premises(self.authority, self.credentials, self.inbox, self.tokens, self.faults, self.doors)

    def _note_sign_ins(self) -> None:
        """Write the secrets of the ways to sign in that doors make possible."""
        for sign_in in (sign_in for door in self.doors for sign_in in door.sign_ins()):
            settings = dict(sign_in.settings)
            for name, secret in sign_in.secrets.items():
                file = self._password_file(f"{sign_in.name}-{name}")
                write_private(file, secret.encode())
                settings[name] = f"file:{file}"
            self._sign_ins[sign_in.name] = settings

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._open.aclose()

    # In a thread of its own

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="posthouse-sandbox", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.__aenter__(), self._loop).result()
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._loop is not None
        try:
            asyncio.run_coroutine_threadsafe(self._open.aclose(), self._loop).result()
        finally:
            self._end_thread()

    def _end_thread(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
