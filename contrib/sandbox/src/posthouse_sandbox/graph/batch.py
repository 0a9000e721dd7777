"""``$batch``: several calls in one request, each with an answer of its own, in any order."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from posthouse_sandbox.graph.errors import GraphError
from posthouse_sandbox.graph.resources import read_json
from posthouse_sandbox.graph.service import Call, Result

__all__ = ["answer_batch"]

_MOST = 20


async def answer_batch(call: Call, answer: Callable[[Call], Awaitable[Result]]) -> Result:
    """Answer each part of a batch.

    Args:
        call: the batch.
        answer: answers one call, a refusal included.

    Raises:
        GraphError: it is no batch.
    """
    body = read_json(call.body, call.headers.get("content-type", ""))
    requests = body.get("requests") if isinstance(body, Mapping) else None
    if not isinstance(requests, list) or not 0 < len(requests) <= _MOST:
        raise _malformed(f"a batch has 1 to {_MOST} requests")
    parts = [_part(one, call) for one in requests]
    if len({name for name, _ in parts}) < len(parts):
        raise _malformed("two requests have the same id")
    responses: list[dict[str, Any]] = []
    for name, part in parts:
        result = await answer(part)
        response = {"id": name, "status": result.status, "headers": dict(result.headers)}
        responses.insert(0, response if result.body is None else {**response, "body": result.body})
    return Result(200, {"responses": responses})


def _part(request: Any, outer: Call) -> tuple[str, Call]:
    if not isinstance(request, Mapping) or not {"id", "method", "url"} <= request.keys():
        raise _malformed("a request lacks id, method or url")
    headers = {str(name).lower(): str(value) for name, value in (request.get("headers") or {}).items()}
    body = b""
    if "body" in request:
        if "content-type" not in headers:
            raise _malformed("a request with a body needs a Content-Type header")
        body = json.dumps(request["body"]).encode()
    headers["authorization"] = outer.headers.get("authorization", "")
    path = str(request["url"]).partition("?")[0]
    return str(request["id"]), Call(
        method=str(request["method"]).upper(), path=path, headers=headers, body=body, tls=outer.tls
    )


def _malformed(reason: str) -> GraphError:
    return GraphError(400, "BadRequest", f"Invalid batch payload format: {reason}.")
