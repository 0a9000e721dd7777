"""From settings and credential to a connection that has signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from posthouse.errors import ConfigurationError, PosthouseError, ProtocolError
from posthouse.providers import Credential, CredentialKind
from posthouse.tls.trust import Trust
from posthouse_ews.answers import error_for
from posthouse_ews.connection import EwsConnection
from posthouse_ews.logs import keep_secrets_out
from posthouse_ews.online import ending_at
from posthouse_ews.settings import Access, EwsSettings
from posthouse_ews.translate import translate
from posthouse_ews.worker import Worker

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse_ews.service import Service
    from posthouse_ews.wire import Wire

__all__ = ["Opening", "mailbox_for", "open_connection", "server_of"]


async def open_connection(account: Account, settings: EwsSettings, credential: Credential) -> EwsConnection:
    """Connect, sign in, and see that the mailbox can be reached.

    Raises:
        ConfigurationError: a file cannot be used, or nothing says which mailbox.
        ConnectError, TlsError: no connection.
        AuthenticationError: the server does not let this user in, or not to this mailbox.
        ThrottledError, RefusedError, ProtocolError: as the server says.
        PluginError: Kerberos needs a package that is not installed.
    """
    worker = Worker()
    opening = Opening(account, settings, credential)
    try:
        await worker.run(opening.prepare)
        await worker.run(opening.sign_in)
    except BaseException:
        opening.abort()
        worker.close(opening.close)
        raise
    return opening.connection(worker)


class Opening:
    """The steps to a connection, so that a test can tell about each. All but `connection` block.

    Args:
        account: the account.
        settings: its transport's.
        credential: from its authenticator.

    Attributes:
        url: address of the service, known after `prepare`.
        mailbox: address of the mailbox, known after `prepare`.
    """

    def __init__(self, account: Account, settings: EwsSettings, credential: Credential) -> None:
        self._account = account
        self._settings = settings
        self._credential = credential
        self.url = settings.url
        self.mailbox = settings.mailbox
        self._wire: Wire | None = None
        self._service: Service | None = None

    def prepare(self) -> None:
        """Read files, load libraries, and find the address where it is not fixed."""
        keep_secrets_out()
        from posthouse_ews.service import Service
        from posthouse_ews.sign_in import auth_for
        from posthouse_ews.wire import Wire

        settings = self._settings
        self.mailbox = mailbox_for(self._account, settings, self._credential)
        self._wire = Wire(Trust.of(settings))
        auth = auth_for(self._credential)
        proxy = settings.proxy.reveal() if settings.proxy is not None else ""
        if settings.autodiscover:
            from posthouse_ews.autodiscover import discover

            self.url = discover(settings, self.mailbox, self._wire, auth, proxy)
        self._service = Service(
            self.url,
            self._wire,
            auth,
            mailbox=self.mailbox,
            access=settings.access,
            version=settings.version,
            timeout=settings.timeout,
            proxy=proxy,
        )

    def sign_in(self) -> str:
        """Ask for the folder that the copy goes to, and return its name; so NTLM has its connection, too."""
        assert self._service is not None
        name = "sentitems" if self._settings.save_sent else "drafts"
        server = server_of(self.url)
        try:
            response = self._service.get_folder(name, self._other_mailbox)
        except Exception as error:
            raise translate(error, server) from error
        answer = response.answers[0] if response.answers else None
        if answer is None and response.fault is None and response.status == 200:
            raise _no_ews(server)
        if answer is None or not answer.done:
            raise error_for(response, answer, server=server, request="GetFolder")
        return name

    def connection(self, worker: Worker) -> EwsConnection:
        """Return the connection, which owns the worker from now on."""
        from posthouse_ews.service import SentCopy
        from posthouse_ews.sign_in import NAMES

        assert self._service is not None
        assert self._wire is not None
        ending = ending_at(self.url)
        return EwsConnection(
            self._service,
            self._wire,
            worker,
            server=server_of(self.url),
            copy=SentCopy(self._settings.save_sent, self._other_mailbox),
            authentication=NAMES[self._credential.kind],
            notes=(f"{ending.cause} {ending.next}",) if ending else (),
        )

    @property
    def service(self) -> Service:
        """The calls, known after `prepare`."""
        assert self._service is not None
        return self._service

    @property
    def wire(self) -> Wire:
        """The connection under them, known after `prepare`."""
        assert self._wire is not None
        return self._wire

    def abort(self) -> None:
        """Cut the connection. From any thread."""
        if self._wire is not None:
            self._wire.abort()

    def close(self) -> None:
        """Close what is open."""
        if self._service is not None:
            self._service.close()

    @property
    def _other_mailbox(self) -> str:
        """The mailbox whose folders a delegate uses; empty for the delegate's own, and under impersonation."""
        if self._settings.access is Access.IMPERSONATION or not self._settings.save_sent:
            return ""
        return self._settings.mailbox


def mailbox_for(account: Account, settings: EwsSettings, credential: Credential) -> str:
    """Return the address of the mailbox that requests are for.

    Raises:
        ConfigurationError: nothing says which (``ews.mailbox``).
    """
    if settings.mailbox:
        return settings.mailbox
    if account.sender is not None:
        return account.sender.addr_spec
    if credential.kind is not CredentialKind.KERBEROS and "@" in credential.user:
        return credential.user
    raise ConfigurationError(
        f"Nothing says which mailbox the account {account.name!r} sends from.",
        code="ews.mailbox",
        hint="Set mailbox in the transport, or the account's sender.",
    )


def server_of(url: str) -> str:
    """Return host and port as a person knows them."""
    return urlsplit(url).netloc


def _no_ews(server: str) -> PosthouseError:
    return ProtocolError(
        f"{server}: what answers there is no EWS",
        code="protocol.not-ews",
        hint="Check url: it usually ends with /EWS/Exchange.asmx. A sign-in page may stand in between.",
    )
