from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeAlias

import httpx
import pytest

from posthouse_sandbox import Authority, Received, Sandbox, SmtpDoor
from posthouse_sandbox.inbox_page import InboxDoor

Client: TypeAlias = httpx.AsyncClient

MAIL = (
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@sandbox.example>\r\nTo: anna@sandbox.example\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <b>bold</b>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/related; boundary="r"\r\n\r\n'
    b'--r\r\nContent-Type: multipart/alternative; boundary="a"\r\n\r\n'
    b"--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nplain \xc3\xa4\r\n"
    b"--a\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<p>html =E4 <img src=3D"cid:logo@x"> <img src=3D"cid:page@x"><script>alert(1)</script></p>\r\n--a--\r\n'
    b"--r\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0=\r\n"
    b"--r\r\nContent-Type: text/html\r\nContent-ID: <page@x>\r\n"
    b'Content-Disposition: attachment; filename="../evil.html"\r\n\r\n<script>alert(2)</script>\r\n--r--\r\n'
)


def received(raw: bytes = MAIL, **changes: object) -> Received:
    facts = {"envelope_from": "joerg@sandbox.example", "recipients": ("anna@sandbox.example",), "door": "smtp"}
    return Received(**{"raw": raw, **facts, **changes})  # type: ignore[arg-type]


@pytest.fixture
async def house(sandbox_ca: Authority) -> AsyncIterator[Sandbox]:
    """Open an inbox page beside one SMTP door."""
    async with Sandbox(doors=[SmtpDoor("smtp", mechanisms=("PLAIN",)), InboxDoor()], authority=sandbox_ca) as running:
        yield running


@pytest.fixture
async def client(house: Sandbox) -> AsyncIterator[Client]:
    """Connect to it."""
    door = house.door("inbox")
    assert isinstance(door, InboxDoor)
    async with httpx.AsyncClient(base_url=door.url, trust_env=False) as running:
        yield running
