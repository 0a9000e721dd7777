"""A web application behind TLS: open, answers, closes whatever is under way."""

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from posthouse_sandbox import Authority, Premises, Sandbox, ServerCertificate
from posthouse_sandbox.web import WebDoor


class Echo(WebDoor):
    kind = "echo"

    def application(self, premises: Premises) -> ASGIApp:
        self.waiting = asyncio.Event()
        self.ended = asyncio.Event()
        return Starlette(routes=[Route("/echo", self.echo, methods=["POST"]), Route("/never", self.never)])

    async def echo(self, request: Request) -> Response:
        return JSONResponse({"body": (await request.body()).decode(), "url": self.url})

    async def never(self, request: Request) -> Response:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError("waits for nothing")


async def test_a_web_door_answers_over_tls_of_the_sandbox(tmp_path: Path, sandbox_ca: Authority) -> None:
    door = Echo("echo")
    async with (
        Sandbox(tmp_path, doors=[door], authority=sandbox_ca),
        httpx.AsyncClient(verify=sandbox_ca.client_context(), trust_env=False) as client,
    ):
        answer = await client.post(f"{door.url}/echo", content=b"hello" * 100_000)
        assert answer.json() == {"body": "hello" * 100_000, "url": f"https://localhost:{door.port}"}
        assert list(door.accounts()) == []


async def test_closing_ends_what_is_under_way(tmp_path: Path, sandbox_ca: Authority) -> None:
    door = Echo("echo")
    async with httpx.AsyncClient(verify=sandbox_ca.client_context(), trust_env=False) as client:
        async with Sandbox(tmp_path, doors=[door], authority=sandbox_ca):
            request = asyncio.create_task(client.get(f"{door.url}/never"))
            await door.waiting.wait()
        with pytest.raises(httpx.TransportError):
            await request
    assert door.ended.is_set()
    with pytest.raises(RuntimeError, match="not open"):
        _ = door.url


async def test_a_client_that_does_not_trust_the_door_harms_nobody(tmp_path: Path, sandbox_ca: Authority) -> None:
    door = Echo("echo", certificate=ServerCertificate.WRONG_HOST)
    async with Sandbox(tmp_path, doors=[door], authority=sandbox_ca):
        async with httpx.AsyncClient(verify=sandbox_ca.client_context(), trust_env=False) as strict:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await strict.post(f"{door.url}/echo")
        lenient = ssl.create_default_context(cafile=str(sandbox_ca.ca_file))
        lenient.check_hostname = False
        async with httpx.AsyncClient(verify=lenient, trust_env=False) as client:
            assert (await client.post(f"{door.url}/echo", content=b"x")).json()["body"] == "x"
