"""What Entra ID, msal and the network say, as errors with cause and next step."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from string import Formatter

import pytest
from azure_oauth2_setup import Entra, request
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    Reply,
    Stage,
    ThrottledError,
)
from posthouse.hints import Hint, HintTable
from posthouse_azure_oauth2 import authenticate
from posthouse_azure_oauth2.translate import error_for
from posthouse_sandbox import Authority
from posthouse_sandbox.entra import REFUSALS, EntraError

HINTS = HintTable.load("posthouse_azure_oauth2").hints
FIELDS = {
    str(field): "x" for refusal in REFUSALS.values() for _, field, _, _ in Formatter().parse(refusal.text) if field
}
# What only a client that is not msal can cause, or what is no error to anybody.
UNEXPLAINED = {50058, 70003, 70016, 90014, 500133, 700054, 900144, 9002313}


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.enhanced or str(hint.code))
def test_each_example_finds_its_own_hint(hint: Hint) -> None:
    code, enhanced, text = hint.example.split(" ", 2)
    assert HintTable.load("posthouse_azure_oauth2").find(Reply(int(code), enhanced, text), Stage.AUTHENTICATION) is hint
    assert hint.error_code.partition(".")[0] in ("authentication", "throttled")
    assert hint.cause.endswith(".")
    assert hint.next.endswith(".")


@pytest.mark.parametrize("code", sorted(REFUSALS.keys() - UNEXPLAINED))
def test_each_refusal_of_the_stand_in_is_explained(code: int) -> None:
    refusal = EntraError(code, **FIELDS)
    error = error_for(refusal.as_dict(), server="login.example", status=refusal.refusal.status)
    assert isinstance(error, AuthenticationError)
    assert error.code != "authentication.refused"
    assert error.hint
    assert error.reply is not None
    assert error.reply.enhanced == f"AADSTS{code}"
    assert "Trace ID" not in str(error)
    assert error.details["trace_id"] == refusal.trace_id


def test_what_nobody_knows_is_passed_on() -> None:
    error = error_for({"error": "odd", "error_description": "AADSTS4711: Something odd."}, server="login.example")
    assert error.code == "authentication.refused"
    assert "AADSTS4711: Something odd" in error.message
    assert "code=4711" in error.hint


@given(
    st.dictionaries(
        st.sampled_from(["error", "error_description", "error_codes", "suberror", "claims", "trace_id"]),
        st.text(max_size=3000) | st.integers() | st.none() | st.lists(st.integers(), max_size=3),
    ),
    st.integers(200, 599),
)
@settings(max_examples=100)
def test_no_answer_breaks_the_translation(result: dict[str, object], status: int) -> None:
    error = error_for(result, server="login.example", status=status)
    assert isinstance(error, DeliveryError)
    assert len(error.message) < 2000


# --- servers that misbehave -------------------------------------------------------------------------------------------


@asynccontextmanager
async def server(authority: Authority, answer: bytes) -> AsyncIterator[str]:
    """A TLS server that answers everything in one way; yields its authority URL."""

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        finally:
            writer.close()

    listening = await asyncio.start_server(reply, "127.0.0.1", 0, ssl=authority.server_context())
    async with listening:
        yield f"https://localhost:{listening.sockets[0].getsockname()[1]}/tenant"


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def failure(entra: Entra, authority: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as refused:
        await authenticate(entra.settings(authority=authority), request())
    assert entra.secret not in str(refused.value)
    return refused.value


@pytest.mark.parametrize(
    ("answer", "kind", "code", "temporary", "retry_after"),
    [
        (http("503 Busy"), AuthenticationError, "authentication.unavailable", True, 30),
        (http("429 Slow down", Retry_After="7"), ThrottledError, "throttled", True, 7),
        (http("404 Not found", b"<html>"), AuthenticationError, "authentication.authority", False, None),
        (http("200 OK", b"<html>"), AuthenticationError, "authentication.authority", False, None),
        (http("200 OK", b"{}"), AuthenticationError, "authentication.authority", False, None),
        (b"what?\r\n\r\n", ConnectError, "connect", True, None),
        (b"", ConnectError, "connect", True, None),
    ],
    ids=["503", "429", "404", "html", "empty", "no-http", "closed"],
)
async def test_each_way_to_misbehave_is_named(
    entra: Entra,
    sandbox_ca: Authority,
    answer: bytes,
    kind: type[DeliveryError],
    code: str,
    temporary: bool,
    retry_after: float | None,
) -> None:
    async with server(sandbox_ca, answer) as authority:
        error = await failure(entra, authority)
    assert isinstance(error, kind), error
    assert (error.code, error.temporary, error.retry_after) == (code, temporary, retry_after)
    assert error.hint


async def test_nobody_is_there(entra: Entra) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await failure(entra, f"https://localhost:{port}/tenant")
    assert (error.code, error.temporary) == ("connect", True)
    assert "refused" in error.message


async def test_a_server_that_never_answers_is_given_up(
    entra: Entra, sandbox_ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posthouse_azure_oauth2.transport.ANSWER_SECONDS", 0.1)

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    context: ssl.SSLContext = sandbox_ca.server_context()
    listening = await asyncio.start_server(wait, "127.0.0.1", 0, ssl=context)
    async with listening:
        error = await failure(entra, f"https://localhost:{listening.sockets[0].getsockname()[1]}/tenant")
    assert error.code == "connect.timeout"
