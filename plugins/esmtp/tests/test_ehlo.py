"""How this machine introduces itself: always something that RFC 5321 allows."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_esmtp import ehlo
from posthouse_esmtp.ehlo import address_literal, ehlo_name, legal_domain
from posthouse_esmtp.settings import EsmtpSettings
from posthouse_esmtp.testing import ScriptedServer

LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
LEGAL = re.compile(rf"{LABEL}(?:\.{LABEL})+|\[[0-9.]+\]|\[IPv6:[0-9a-f:.]+\]")


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What is asked once per process is asked once per test here."""
    yield
    ehlo._system_name.cache_clear()
    ehlo._ask.cache_clear()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mail.example.org", "mail.example.org"),
        ("mail.example.org.", "mail.example.org"),
        ("my_pc.corp.example", "my-pc.corp.example"),
        ("-odd-.example.org", "odd.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("laptop", ""),
        ("", ""),
        ("..", ""),
        ("a..b", ""),
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("host.123", ""),
        ("x" * 64 + ".example", ""),
        ("evil\r\nMAIL FROM:<>.example.org", "evil--MAIL-FROM----.example.org"),
    ],
)
def test_makes_a_name_legal(name: str, expected: str) -> None:
    found = legal_domain(name)
    assert found == expected or (expected.endswith("--.example.org") and LEGAL.fullmatch(found))


@given(st.text(max_size=80))
def test_whatever_a_machine_is_called_is_legal_or_not_said(name: str) -> None:
    found = legal_domain(name)
    assert not found or LEGAL.fullmatch(found)


def test_writes_addresses_as_literals() -> None:
    assert address_literal("192.0.2.1") == "[192.0.2.1]"
    assert address_literal("fe80::1%eth0") == "[IPv6:fe80::1]"


async def test_uses_the_full_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: "Host_1.example.org")
    assert await ehlo_name(EsmtpSettings(host="x"), "127.0.0.1") == ("Host-1.example.org", "")


@pytest.mark.parametrize("name", ["laptop", "localhost.localdomain", "", "..."])
async def test_a_machine_without_a_full_name_says_its_address(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: name)
    assert await ehlo_name(EsmtpSettings(host="x"), "192.0.2.7") == ("[192.0.2.7]", "")


async def test_a_hanging_name_server_does_not_hold_the_mail_up(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(ehlo, "_PATIENCE", 0.05)
    monkeypatch.setattr(socket, "getfqdn", lambda: never.wait(20) or "late.example.org")
    monkeypatch.setattr(socket, "gethostname", lambda: "quick.example.org")
    try:
        assert await ehlo_name(EsmtpSettings(host="x"), "192.0.2.7") == ("quick.example.org", "")
    finally:
        never.set()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"ehlo_name": "mx.example.org"}, "mx.example.org"),
        ({"ehlo_name": "[192.0.2.9]"}, "[192.0.2.9]"),
        ({"ehlo_name": "external-url", "external_url": "https://erp.example.org:8443/web"}, "erp.example.org"),
        ({"ehlo_name": "external-url", "external_url": "http://192.0.2.8/"}, "[192.0.2.8]"),
        ({"ehlo_name": "external-url", "external_url": "https://[2001:db8::5]/"}, "[IPv6:2001:db8::5]"),
    ],
)
async def test_says_what_was_set(options: Any, expected: str) -> None:
    assert await ehlo_name(EsmtpSettings(host="x", **options), "127.0.0.1") == (expected, "")


@contextmanager
def answering(text: bytes, asked: list[str], status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/ip"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "expected"), [(b"203.0.113.7\n", "[203.0.113.7]"), (b" 2001:db8::7 ", "[IPv6:2001:db8::7]")]
)
async def test_asks_for_the_public_address_once(answer: bytes, expected: str) -> None:
    asked: list[str] = []
    with answering(answer, asked) as url:
        settings = EsmtpSettings(host="x", ehlo_name="public", public_address_url=url)
        for _ in range(3):
            assert await ehlo_name(settings, "127.0.0.1") == (expected, "")
    assert asked == ["/ip"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"<html>203.0.113.7</html>", 200), (b"", 200), (b"203.0.113.7", 500), (b"999.1.1.1", 200), (b"\xff\xfe", 200)],
)
async def test_does_without_the_public_address_and_says_so(
    answer: bytes, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda *_: "host.example.org")
    with answering(answer, [], status) as url:
        settings = EsmtpSettings(host="x", ehlo_name="public", public_address_url=url)
        name, note = await ehlo_name(settings, "127.0.0.1")
    assert name == "host.example.org"
    assert "public address" in note


async def test_the_server_hears_the_name(connect: Any) -> None:
    async with ScriptedServer() as server:
        await connect(server, ehlo_name="mx.example.org")
        assert server.sessions[0].commands == [b"EHLO mx.example.org"]


async def test_a_note_reaches_the_connection(connect: Any) -> None:
    async with ScriptedServer() as server:
        connection = await connect(
            server, ehlo_name="public", public_address_url="http://127.0.0.1:9/nobody-listens-here"
        )
        assert "public address" in connection.notes[0]
