"""Scripted faults in front of a web service."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthouse_sandbox import Authority, Premises, Sandbox, WebDoor
from posthouse_sandbox.faults import Fault
from posthouse_sandbox.web import with_faults


class CountingDoor(WebDoor):
    """Counts the requests that it worked on."""

    worked = 0

    def application(self, premises: Premises) -> Starlette:
        async def work() -> Response:
            self.worked += 1
            return Response(status_code=202)

        async def count(request: Request) -> Response:
            return await with_faults(premises.faults, self.name, "count", request, work, _render)

        return Starlette(routes=[Route("/count", count, methods=["POST"])])


def _render(fault: Fault) -> Response:
    return JSONResponse({"code": fault.code, "message": fault.text}, fault.status or 500)


async def test_a_request_meets_what_the_script_says(sandbox_ca: Authority) -> None:
    door = CountingDoor("counting")
    async with Sandbox(doors=(door,), authority=sandbox_ca) as sandbox:
        sandbox.faults.script("counting", "429 Busy with Retry-After 2: Slow down, then 202, then drop, then lose")
        sandbox.faults.script("counting", Fault(status=200, body="<not/>", headers={"Content-Type": "text/xml"}))
        async with httpx.AsyncClient(base_url=door.url, verify=sandbox.authority.client_context()) as client:
            busy = await client.post("/count")
            assert (busy.status_code, busy.headers["Retry-After"]) == (429, "2")
            assert busy.json() == {"code": "Busy", "message": "Slow down"}
            assert door.worked == 0
            assert (await client.post("/count")).status_code == 202
            for worked in (1, 2):
                with pytest.raises(httpx.RemoteProtocolError, match="without sending"):
                    await client.post("/count")
                assert door.worked == worked
            own = await client.post("/count")
            assert (own.status_code, own.text, own.headers["Content-Type"]) == (200, "<not/>", "text/xml")
            assert (await client.post("/count")).status_code == 202
