"""Scripted faults in front of the work of a web service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from posthouse_sandbox.faults import Fault, Faults
from posthouse_sandbox.web.door import CUT

__all__ = ["with_faults"]


async def with_faults(
    faults: Faults,
    door: str,
    operation: str,
    request: Request,
    work: Callable[[], Awaitable[Response]],
    render: Callable[[Fault], Response],
) -> Response:
    """Do the work of a request, unless a script says otherwise.

    Args:
        faults: the sandbox's.
        door: name of the door.
        operation: what the request is, such as ``"sendMail"``.
        request: the request.
        work: the door's own answer.
        render: how the service words an error with the fault's status, code and text. Not asked where the fault brings
            its own body; the fault's headers are added in either case.
    """
    fault = await faults.meet(door, operation)
    if fault is None:
        return await work()
    if fault.lose:
        await work()
    if fault.lose or fault.drop:
        return await _cut(request)
    assert fault.status is not None
    response = render(fault) if fault.body is None else Response(fault.body, fault.status)
    response.headers.update(fault.headers)
    return response


async def _cut(request: Request) -> Response:
    request.scope["extensions"][CUT]()
    await asyncio.sleep(0)  # the server learns of it in its next round, and then drops what is answered
    return Response()
