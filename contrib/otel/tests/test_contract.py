"""The extension as the engine sees it: what spans and metrics a program gets, and what is not in them."""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib.metadata import entry_points

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import posthouse_otel
from posthouse import AsyncMailer, ConnectError, Mailer, Message, RefusedError
from posthouse.config import parse
from posthouse.hookspecs import GROUPS
from posthouse_sandbox import Sandbox

from .conftest import Telemetry

MESSAGE = Message(to="ada@example.com", subject="Confidential", text="Hello", message_id="<private@example.org>")
TRACER = trace.get_tracer("test")


def configuration(port: int, account: str = "office", more: str = "") -> str:
    return f"""
        [plugins]
        extensions = ["otel"]
        [accounts.{account}]
        sender = "Office <office@example.org>"
        transport = {{ kind = "smtp", host = "127.0.0.1", port = {port}, starttls = "never" }}
        {more}
        """


def mailer(port: int, account: str = "office", more: str = "") -> Mailer:
    return Mailer(parse(configuration(port, account, more) + f'[purposes]\nx = "{account}"', "test"))


def async_mailer(port: int, account: str = "office") -> AsyncMailer:
    return AsyncMailer(parse(configuration(port, account), "test"))


def test_the_entry_point_names_it() -> None:
    (entry_point,) = entry_points(group=GROUPS["extension"], name="otel")
    assert entry_point.load() is posthouse_otel
    assert posthouse_otel.describe().name == "otel"
    assert posthouse_otel.describe().label
    assert posthouse_otel.describe().summary


def test_importing_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, posthouse_otel; posthouse_otel.describe();"
        "sys.exit(bool({'opentelemetry', 'asyncio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


async def test_a_message_is_three_spans(telemetry: Telemetry, port: int) -> None:
    async with async_mailer(port) as sender:
        with TRACER.start_as_current_span("request") as request:
            await sender.send(MESSAGE, account="office")
    spans = [span for span in telemetry.spans if span.name != "request"]
    assert [span.name for span in spans] == ["Authenticate", "Connect", "Send"]
    for span in spans:
        assert span.parent is not None
        assert span.parent.span_id == request.get_span_context().span_id
        assert span.kind is SpanKind.CLIENT
        assert span.status.status_code is StatusCode.UNSET
        assert span.instrumentation_scope is not None
        assert span.instrumentation_scope.name == "posthouse"
    assert dict(spans[2].attributes or {}) == {
        "network.operation": "send",
        "network.protocol.name": "smtp",
        "url.scheme": "smtp",
        "server.address": "127.0.0.1",
        "server.port": port,
        "posthouse.account": "office",
        "posthouse.transport": "smtp",
        "posthouse.authenticator": "none",
        "posthouse.recipients": 1,
        "posthouse.attempt": 1,
    }
    assert "server.address" not in (spans[0].attributes or {})


def test_the_parent_is_kept_from_any_thread(telemetry: Telemetry, port: int) -> None:
    with mailer(port) as sender:

        def work(name: str) -> None:
            with TRACER.start_as_current_span(name):
                sender.send(MESSAGE, account="office")

        threads = [threading.Thread(target=work, args=(f"thread {number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    parents = {span.context.span_id: span.name for span in telemetry.spans if span.name.startswith("thread")}
    sends = [span for span in telemetry.spans if span.name == "Send"]
    assert {parents[span.parent.span_id] for span in sends if span.parent} == {f"thread {n}" for n in range(4)}


def test_a_batch_holds_its_messages(telemetry: Telemetry, sandbox: Sandbox, port: int) -> None:
    to = ["ada@example.com", "unknown@example.com", "carl@example.com"]
    with mailer(port) as sender, TRACER.start_as_current_span("campaign") as campaign:
        receipts = list(sender.send_many([Message(to=one, text=".") for one in to], account="office"))
    assert [receipt.error is None for receipt in receipts] == [True, False, True]
    batches = {span.context.span_id: span for span in telemetry.spans if span.name == "Batch"}
    sends = [span for span in telemetry.spans if span.name == "Send"]
    assert len(sends) == 3
    assert {span.parent.span_id for span in sends if span.parent} == set(batches)
    assert {span.parent.span_id for span in batches.values() if span.parent} == {campaign.get_span_context().span_id}
    refused = [span for span in sends if span.status.status_code is StatusCode.ERROR]
    assert len(refused) == 1
    assert (refused[0].attributes or {})["posthouse.reply.code"] == 550
    assert len(sandbox.inbox.messages) == 2


async def test_a_refusal_is_an_error_without_its_words(telemetry: Telemetry, port: int) -> None:
    async with async_mailer(port) as sender:
        with pytest.raises(RefusedError) as caught:
            await sender.send(Message(to="unknown@example.com", subject="Confidential"), account="office")
    (span,) = [span for span in telemetry.spans if span.name == "Send"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description is None
    assert span.events == ()
    assert span.attributes is not None
    assert span.attributes["error.type"] == caught.value.code
    assert span.attributes["posthouse.error.stage"] == "recipient"
    assert span.attributes["posthouse.error.temporary"] is False


async def test_nothing_of_a_message_is_told(telemetry: Telemetry, port: int) -> None:
    async with async_mailer(port, "discreet") as sender:
        await sender.send(MESSAGE, account="discreet")
        with pytest.raises(RefusedError):
            await sender.send(Message(to="unknown@example.com", subject="Confidential"), account="discreet")
        assert (await sender.test("discreet")).ok
    told = "".join(f"{span.name} {span.attributes} {span.events} {span.status.description}" for span in telemetry.spans)
    told += str([attributes for attributes, _ in telemetry.points("posthouse.client.operation.count")])
    for private in ("@", "ada", "Confidential", "private"):
        assert private not in told


async def test_operations_are_counted_and_measured(telemetry: Telemetry, port: int) -> None:
    async with async_mailer(port, "counted") as sender:
        for _ in range(3):
            await sender.send(MESSAGE, account="counted")
        with pytest.raises(RefusedError):
            await sender.send(Message(to="unknown@example.com"), account="counted")
        await sender.test("counted")
    counts = {
        (attributes["network.operation"], attributes.get("error.type", "")): point.value  # type: ignore[union-attr]
        for attributes, point in telemetry.points("posthouse.client.operation.count")
        if attributes["posthouse.account"] == "counted"
    }
    refusal = next(error for operation, error in counts if error)
    assert counts == {
        ("authenticate", ""): 2,
        ("connect", ""): 1,
        ("send", ""): 3,
        ("send", refusal): 1,
        ("test", ""): 1,
    }
    durations = {
        attributes["network.operation"]: point
        for attributes, point in telemetry.points("posthouse.client.operation.duration")
        if attributes["posthouse.account"] == "counted" and "error.type" not in attributes
    }
    assert durations["send"].count == 3  # type: ignore[union-attr]
    assert 0 < durations["send"].sum < 60  # type: ignore[union-attr]
    assert durations["send"].explicit_bounds[0] == 0.005  # type: ignore[union-attr]


async def test_a_connection_that_fails(telemetry: Telemetry, unused_tcp_port: int) -> None:
    async with async_mailer(unused_tcp_port, "down") as sender:
        with pytest.raises(ConnectError) as caught:
            await sender.send(MESSAGE, account="down")
    *_, span = telemetry.spans
    assert span.name == "Connect"
    assert (span.attributes or {})["error.type"] == caught.value.code
