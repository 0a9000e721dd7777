"""Graph as a door of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from posthouse_sandbox.certificates import ServerCertificate
from posthouse_sandbox.doors import ENTRA, AccountSettings, Premises
from posthouse_sandbox.drafts import SavedDraft, page_of
from posthouse_sandbox.faults import Fault
from posthouse_sandbox.graph.batch import answer_batch
from posthouse_sandbox.graph.errors import GraphError, error_body
from posthouse_sandbox.graph.service import Call, Result, Service, operation_of
from posthouse_sandbox.web.door import TLS_VERSION, WebDoor
from posthouse_sandbox.web.faults import with_faults

__all__ = ["GraphDoor"]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class GraphDoor(WebDoor):
    """A stand-in for Microsoft Graph (graph.microsoft.com), as far as it sends mail.

    Its ``base_url`` is ``door.base_url``. It takes tokens of the sandbox for Graph, and refuses what Graph refuses,
    with its codes. Faults know its requests by the names in `posthouse_sandbox.graph.service.operation_of`; a fault for
    ``sendMail`` also meets the parts of a batch.

    Args:
        name: of the door.
        certificate: which certificate it shows.

    Attributes:
        service: what it holds: drafts, uploads, and which messages were kept in Sent Items.
        calls: the requests so far, oldest first; those within a batch follow the batch.
    """

    kind = "graph"
    mechanisms = ("OAuth2 bearer",)

    def __init__(self, name: str = "graph", *, certificate: ServerCertificate | str = ServerCertificate.VALID) -> None:
        super().__init__(name, certificate=certificate)
        self.service: Service
        self.calls: list[Call] = []
        self._premises: Premises

    @property
    def base_url(self) -> str:
        """What all calls begin with."""
        return f"{self.url}/v1.0"

    def accounts(self) -> Iterator[AccountSettings]:
        """Describe an account that keeps a copy in Sent Items, and one that does not."""
        user = next(iter(self._premises.credentials.passwords), None)
        settings = {"kind": self.kind, "base_url": self.base_url, "ca_file": str(self._premises.authority.ca_file)}
        if user:
            yield AccountSettings(self.name, settings, user, ENTRA)
            yield AccountSettings(f"{self.name}-unsaved", {**settings, "save_sent": False}, user, ENTRA)

    def application(self, premises: Premises) -> ASGIApp:
        """Make the application."""
        self._premises = premises
        self.service = Service(self.name, self.url, premises.tokens, premises.inbox)
        return Starlette(
            routes=[
                Route("/v1.0/{path:path}", self._answer_request, methods=_METHODS),
                Route("/upload/{token}", self._answer_request, methods=_METHODS),
                Route("/owa/", self._show_draft),
            ]
        )

    @property
    def drafts(self) -> tuple[SavedDraft, ...]:
        """What waits in the mailboxes to be sent, oldest first."""
        return tuple(
            SavedDraft(
                door=self.name,
                id=draft.id,
                mailbox=draft.mailbox,
                recipients=draft.content.recipients,
                raw=draft.content.as_mime(),
                link=draft.web_link,
            )
            for draft in self.service.mailboxes.drafts.values()
            if draft.is_draft
        )

    async def _show_draft(self, request: Request) -> Response:
        return page_of(self.drafts, request.query_params.get("ItemID", ""))

    async def _answer_request(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii").removeprefix("/v1.0")
        call = Call(
            method=request.method,
            path=path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.body(),
            tls=request.scope["extensions"][TLS_VERSION],
        )
        self.calls.append(call)
        ids = _ids(call)

        async def work() -> Response:
            return _response(await self._obey(call), ids)

        def render(fault: Fault) -> Response:
            return _response(_of_fault(fault), ids)

        operation = operation_of(call.method, call.path)
        return await with_faults(self._premises.faults, self.name, operation, request, work, render)

    async def _obey(self, call: Call) -> Result:
        try:
            if operation_of(call.method, call.path) == "$batch":
                return await answer_batch(call, self._answer_part)
            return await self.service.counted(call, lambda: self.service.obey(call))
        except GraphError as error:
            return Result(error.status, error_body(error.code, error.message, _ids(call)["request-id"]), error.headers)

    async def _answer_part(self, call: Call) -> Result:
        self.calls.append(call)
        fault = await self._premises.faults.meet(self.name, operation_of(call.method, call.path))
        if fault is None or fault.status is None:
            return await self._obey(call)
        return _of_fault(fault)


def _of_fault(fault: Fault) -> Result:
    assert fault.status is not None
    if fault.body is not None:
        return Result(fault.status, json.loads(fault.body), fault.headers)
    if fault.status < 300:
        return Result(fault.status, None, fault.headers)
    body = error_body(fault.code or "UnknownError", fault.text or "As the script asks for.", str(uuid4()))
    return Result(fault.status, body, fault.headers)


def _ids(call: Call) -> dict[str, str]:
    own = {"request-id": str(uuid4()), "x-ms-ags-diagnostic": '{"ServerInfo":{"DataCenter":"Sandbox"}}'}
    if call.headers.get("return-client-request-id") == "true" and "client-request-id" in call.headers:
        own["client-request-id"] = call.headers["client-request-id"]
    return own


def _response(result: Result, ids: Mapping[str, str]) -> Response:
    headers: dict[str, Any] = {**ids, **result.headers}
    if result.body is None:
        return Response(status_code=result.status, headers=headers)
    return Response(json.dumps(result.body), result.status, headers, "application/json")
