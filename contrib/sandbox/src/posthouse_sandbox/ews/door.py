"""Exchange Web Services as a door of the sandbox."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from posthouse_sandbox.certificates import ServerCertificate
from posthouse_sandbox.doors import ENTRA, AccountSettings, Premises, SignIn
from posthouse_sandbox.drafts import SavedDraft, page_of
from posthouse_sandbox.ews.autodiscover import answer_pox, answer_soap
from posthouse_sandbox.ews.errors import EwsError, HttpError, SoapFaultError
from posthouse_sandbox.ews.ntlm import DOMAIN, NtlmDoorman
from posthouse_sandbox.ews.service import Call, Service
from posthouse_sandbox.ews.sign_in import Doorman, Visitor
from posthouse_sandbox.ews.soap import envelope, fault, local, read
from posthouse_sandbox.faults import Fault
from posthouse_sandbox.web.door import CONNECTION, TLS_VERSION, WebDoor
from posthouse_sandbox.web.faults import with_faults

__all__ = ["ITEM", "LARGEST", "EwsDoor"]

LARGEST = 36_700_160
"""Bytes of the largest message by default: 35 MB, as in Exchange Online."""

_LARGEST_REQUEST = 64 * 1024 * 1024
_XML = "text/xml; charset=utf-8"

ITEM = "item"
"""The operation that stands for one item of a request, so that a script can let a part of it fail."""


class EwsDoor(WebDoor):
    """A stand-in for the Exchange Web Services of an Exchange server, as far as they send mail.

    The service is at ``door.ews_url``. It knows CreateItem, SendItem, CreateAttachment, GetItem, GetFolder and
    Autodiscover, takes Basic, NTLM and tokens of the sandbox, and refuses what Exchange refuses. Faults know requests
    by the name of the operation, and single items of a request as ``"item"``: ``only 200 ErrorSendAsDenied``. A fault's
    header ``BackOffMilliseconds`` becomes part of the XML.

    Args:
        name: of the door.
        schemes: how users may sign in, of ``"NTLM"``, ``"Basic"`` and ``"Bearer"``.
        impersonators: users who may act as any mailbox.
        largest: bytes of the largest message that may be sent.
        certificate: which certificate it shows.

    Attributes:
        service: the mailboxes.
        calls: the requests so far that signed in, oldest first.
        refused: how many requests did not.
    """

    kind = "ews"

    def __init__(
        self,
        name: str = "ews",
        *,
        schemes: Collection[str] = ("NTLM", "Basic", "Bearer"),
        impersonators: Collection[str] = (),
        largest: int = LARGEST,
        certificate: ServerCertificate | str = ServerCertificate.VALID,
    ) -> None:
        super().__init__(name, certificate=certificate)
        self.mechanisms = tuple(schemes)
        self.service: Service
        self.calls: list[Call] = []
        self.refused = 0
        self._impersonators = frozenset(impersonators)
        self._largest = largest
        self._kind_of_certificate = certificate
        self._premises: Premises
        self._doorman: Doorman

    @property
    def ews_url(self) -> str:
        """Address of the service."""
        return f"{self.url}/EWS/Exchange.asmx"

    @property
    def autodiscover_url(self) -> str:
        """Address of its Autodiscover service."""
        return f"{self.url}/autodiscover/autodiscover.svc"

    def accounts(self) -> Iterator[AccountSettings]:
        """Describe an account for each way to sign in."""
        user = next(iter(self._premises.credentials.passwords), None)
        if user is None:
            return
        base = {"kind": self.kind, "url": self.ews_url, "ca_file": str(self._premises.authority.ca_file)}
        if "NTLM" in self.mechanisms:
            yield AccountSettings(self.name, base, user, f"{self.name}-ntlm")
        if "Basic" in self.mechanisms:
            found = {**base, "url": self.autodiscover_url, "autodiscover": True}
            yield AccountSettings(f"{self.name}-basic", found, user)
        if "Bearer" in self.mechanisms:
            settings = {**base, "mailbox": user, "access": "impersonation", "save_sent": False}
            yield AccountSettings(f"{self.name}-oauth2", settings, user, ENTRA)

    def sign_ins(self) -> Iterator[SignIn]:
        """Describe the sign-in with NTLM."""
        user, password = next(iter(self._premises.credentials.passwords.items()), ("", ""))
        if user and "NTLM" in self.mechanisms:
            name = f"{DOMAIN}\\{user.partition('@')[0]}"
            yield SignIn(f"{self.name}-ntlm", {"kind": "ntlm", "username": name}, {"password": password})

    def application(self, premises: Premises) -> ASGIApp:
        """Make the application."""
        self._premises = premises
        certificate = premises.authority.server(self._kind_of_certificate)
        ntlm = NtlmDoorman(premises.credentials.passwords, certificate)
        self._doorman = Doorman(premises.credentials, premises.tokens, ntlm, self.mechanisms)
        self.service = Service(
            self.name,
            self.url,
            premises.inbox,
            impersonators=self._impersonators,
            largest=self._largest,
            trouble=self._scripted_trouble,
        )
        return Starlette(
            routes=[
                Route("/EWS/Exchange.asmx", self._ews, methods=["POST"]),
                Route("/autodiscover/autodiscover.svc", self._autodiscover, methods=["POST"]),
                Route("/autodiscover/autodiscover.xml", self._autodiscover, methods=["POST"]),
                Route("/owa/", self._show_draft),
            ]
        )

    @property
    def drafts(self) -> tuple[SavedDraft, ...]:
        """What waits in the mailboxes to be sent, oldest first."""
        return tuple(
            SavedDraft(
                door=self.name,
                id=name,
                mailbox=draft.mailbox,
                recipients=draft.item.recipients,
                raw=draft.item.as_mime(),
                link=self.service.link_to(name),
            )
            for name, draft in self.service.drafts.items()
        )

    async def _show_draft(self, request: Request) -> Response:
        return page_of(self.drafts, request.query_params.get("ItemID", ""))

    async def _ews(self, request: Request) -> Response:
        try:
            visitor, content = await self._admitted(request)
            call = self._read(request, visitor, content)
        except HttpError as error:
            return _refusal(error)
        except SoapFaultError as error:
            return Response(fault(error), 500, media_type=_XML)
        self.calls.append(call)
        ids = _ids(request)

        async def work() -> Response:
            try:
                answer = self.service.obey(call)
            except SoapFaultError as error:
                return Response(fault(error), 500, ids, _XML)
            return Response(envelope(answer), 200, ids, _XML)

        return await with_faults(self._premises.faults, self.name, call.operation, request, work, _render)

    async def _autodiscover(self, request: Request) -> Response:
        answer = answer_soap if request.url.path.endswith(".svc") else answer_pox
        try:
            _, content = await self._admitted(request)
            document = answer(content, self.ews_url)
        except HttpError as error:
            return _refusal(error)

        async def work() -> Response:
            return Response(document, 200, _ids(request), _XML)

        return await with_faults(self._premises.faults, self.name, "GetUserSettings", request, work, _render)

    async def _admitted(self, request: Request) -> tuple[Visitor, bytes]:
        """Return who makes a request, and its content."""
        content = await request.body()  # also of what is refused, so that the connection can be used again
        connection = request.scope["extensions"][CONNECTION]
        try:
            visitor = self._doorman.admit(request.headers.get("Authorization", ""), connection)
        except HttpError:
            self.refused += 1
            raise
        if len(content) > _LARGEST_REQUEST:
            raise HttpError(413)
        return visitor, content

    def _read(self, request: Request, visitor: Visitor, content: bytes) -> Call:
        if request.headers.get("Content-Type", "").partition(";")[0].strip() != "text/xml":
            raise HttpError(415)
        header, body = read(content)
        return Call(
            visitor=visitor,
            mailbox=self.service.mailbox_of(header, visitor),
            operation=local(body.tag),
            request=body,
            tls=request.scope["extensions"][TLS_VERSION],
            source=content.decode("utf-8", "replace"),
        )

    def _scripted_trouble(self) -> EwsError | None:
        if not any((door, operation) == (self.name, ITEM) for door, operation, _ in self._premises.faults.pending()):
            return None  # a script for all requests is not for the items of one
        fault = self._premises.faults.next(self.name, ITEM)
        return EwsError(fault.code, fault.text, fault.headers) if fault is not None and fault.code else None


def _render(fault_: Fault) -> Response:
    """Word a scripted fault: with one of Exchange's codes as SOAP, otherwise as the web server does."""
    assert fault_.status is not None
    if fault_.status == 500 and fault_.code:
        values = {name: value for name, value in fault_.headers.items() if name == "BackOffMilliseconds"}
        return Response(fault(EwsError(fault_.code, fault_.text, values)), 500, media_type=_XML)
    return Response(f"<html><body>{fault_.text or fault_.code}</body></html>", fault_.status, media_type="text/html")


def _refusal(error: HttpError) -> Response:
    response = Response(b"", error.status)
    for challenge in error.challenges:
        response.headers.append("WWW-Authenticate", challenge)
    if error.diagnostics:
        response.headers["x-ms-diagnostics"] = error.diagnostics
    return response


def _ids(request: Request) -> dict[str, str]:
    own = {"request-id": str(uuid4())}
    if request.headers.get("return-client-request-id") == "true" and "client-request-id" in request.headers:
        own["client-request-id"] = request.headers["client-request-id"]
    return own
