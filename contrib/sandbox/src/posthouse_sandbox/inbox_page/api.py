"""The inbox as JSON, for programs and tests."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthouse_sandbox.doors import Premises
from posthouse_sandbox.faults import ANY, Fault
from posthouse_sandbox.inbox import Received
from posthouse_sandbox.inbox_page.contents import Contents

__all__ = ["Api", "ApiError", "download"]

LONGEST_WAIT = 300.0
"""Seconds that a request may wait for the next message."""

Answer = Callable[[Request], Awaitable[Response]]


class ApiError(Exception):
    """A request that gets no answer.

    Args:
        status: HTTP status.
        text: what is wrong, for a person.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Api:
    """The routes below ``/api``.

    Args:
        premises: the sandbox's.
    """

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._inbox = premises.inbox

    def routes(self) -> list[Route]:
        """Return what is answered."""
        table: list[tuple[str, str, Answer]] = [
            ("GET", "/messages", self._list),
            ("DELETE", "/messages", self._clear),
            ("GET", "/messages/next", self._next),
            ("GET", "/messages/{id}", self._get),
            ("DELETE", "/messages/{id}", self._delete),
            ("GET", "/messages/{id}/raw", self._raw),
            ("GET", "/messages/{id}/request", self._request),
            ("GET", "/messages/{id}/parts/{number:int}", self._part),
            ("GET", "/drafts", self._drafts),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._script),
            ("DELETE", "/faults", self._clear_faults),
            ("POST", "/events/{name}", self._release),
            ("GET", "/doors", self._doors),
            ("GET", "/users", self._users),
            ("GET", "/tokens", self._tokens),
        ]
        return [Route(f"/api{path}", _with_errors(answer), methods=[method]) for method, path, answer in table]

    # Messages

    async def _list(self, request: Request) -> Response:
        wanted = {name: request.query_params[name] for name in ("door", "user", "to") if name in request.query_params}
        messages = [
            {"number": number, "subject": Contents(received).subject, **received.as_dict()}
            for number, received in self._inbox.numbered
            if _fits(received, wanted)
        ]
        return JSONResponse({"last": self._inbox.count, "messages": messages})

    async def _next(self, request: Request) -> Response:
        after = _number(request, "after", None)
        timeout = _number(request, "timeout", 30)
        assert timeout is not None
        try:
            number, received = await self._inbox.next(after, timeout=min(float(timeout), LONGEST_WAIT))
        except TimeoutError:
            return Response(status_code=204)
        return JSONResponse({"number": number, **Contents(received).as_dict()})

    async def _get(self, request: Request) -> Response:
        return JSONResponse(Contents(self._found(request)).as_dict())

    async def _delete(self, request: Request) -> Response:
        if not self._inbox.remove(request.path_params["id"]):
            raise ApiError(404, "there is no such message")
        return Response(status_code=204)

    async def _clear(self, request: Request) -> Response:
        self._inbox.clear()
        return Response(status_code=204)

    async def _raw(self, request: Request) -> Response:
        received = self._found(request)
        return download(received.raw, "message/rfc822", f"{received.id}.eml")

    async def _request(self, request: Request) -> Response:
        received = self._found(request)
        if received.request is None:
            raise ApiError(404, "this message came as it is, not in a request of a web service")
        return download(received.request.encode(), "text/plain; charset=utf-8", f"{received.id}.txt")

    async def _part(self, request: Request) -> Response:
        parts = Contents(self._found(request)).parts
        part = next((part for part in parts if part.number == request.path_params["number"]), None)
        if part is None:
            raise ApiError(404, "the message has no such part")
        return download(part.content, part.content_type, part.filename or f"part-{part.number}")

    def _found(self, request: Request) -> Received:
        received = self._inbox.find(request.path_params["id"])
        if received is None:
            raise ApiError(404, "there is no such message")
        return received

    async def _drafts(self, request: Request) -> Response:
        drafts = [draft.as_dict() for door in self._premises.doors for draft in getattr(door, "drafts", ())]
        return JSONResponse({"drafts": drafts})

    # Faults

    async def _faults(self, request: Request) -> Response:
        pending = [
            {"door": door, "operation": operation, "fault": fault.as_dict()}
            for door, operation, fault in self._premises.faults.pending()
        ]
        return JSONResponse({"faults": pending})

    async def _script(self, request: Request) -> Response:
        body = await _json(request)
        door, operation, script, faults = (body.pop(name, None) for name in ("door", "operation", "script", "faults"))
        names = [door.name for door in self._premises.doors]
        if door not in names:
            raise ApiError(400, f"no door is named {door!r}; there are {', '.join(names)}")
        if body or (script is None) is (faults is None) or not isinstance(operation, str | None):
            raise ApiError(400, 'expected {"door": …, "operation": …, "script": …}, or "faults" instead of "script"')
        try:
            told = str(script) if faults is None else [Fault.from_dict(fault) for fault in faults]
            self._premises.faults.script(door, told, operation or ANY)
        except (ValueError, TypeError, AttributeError) as error:
            raise ApiError(400, str(error)) from error
        return await self._faults(request)

    async def _clear_faults(self, request: Request) -> Response:
        self._premises.faults.clear(request.query_params.get("door"))
        return Response(status_code=204)

    async def _release(self, request: Request) -> Response:
        return JSONResponse({"waiting": self._premises.faults.release(request.path_params["name"])})

    # The house

    async def _doors(self, request: Request) -> Response:
        doors = [
            {
                "name": door.name,
                "kind": door.kind,
                "host": door.host,
                "port": door.port,
                "url": getattr(door, "url", None),
                "security": str(door.security),
                "mechanisms": list(door.mechanisms),
            }
            for door in self._premises.doors
        ]
        return JSONResponse({"doors": doors, "ca_file": str(self._premises.authority.ca_file)})

    async def _users(self, request: Request) -> Response:
        return JSONResponse({"users": list(self._premises.credentials.passwords)})

    async def _tokens(self, request: Request) -> Response:
        issued = [
            {
                "audience": token.audience,
                "user": token.user,
                "app": token.app_id,
                "permissions": sorted(token.scopes | token.roles),
                "expires_at": token.expires_at,
            }
            for token in self._premises.tokens.issued
        ]
        return JSONResponse({"tokens": issued})


def download(content: bytes, content_type: str, filename: str) -> Response:
    """Return bytes that a browser saves rather than shows, whatever they pretend to be."""
    disposition = f"attachment; filename*=UTF-8''{quote(filename.encode('utf-8', 'replace'), safe='')}"
    headers = {"Content-Disposition": disposition, "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(content, media_type=content_type, headers=headers)


def _fits(received: Received, wanted: Mapping[str, str]) -> bool:
    facts: dict[str, tuple[str | None, ...]] = {
        "door": (received.door,),
        "user": (received.user,),
        "to": received.recipients,
    }
    return all(value in facts[name] for name, value in wanted.items())


def _number(request: Request, name: str, otherwise: int | None) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ApiError(400, f"{name} must be a whole number, not {text!r}")
    return int(text)


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "expected a JSON object")
    return body


def _with_errors(answer: Answer) -> Answer:
    async def answer_or_say_why(request: Request) -> Response:
        try:
            return await answer(request)
        except ApiError as error:
            return JSONResponse({"error": str(error)}, error.status)

    return answer_or_say_why
