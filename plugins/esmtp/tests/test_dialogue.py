"""The log of what client and server say: every line, no credential, no content, and nothing where nobody listens."""

from __future__ import annotations

import base64
import itertools
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import AuthenticationError, DeliveryError, Reply
from posthouse.messages import Submission
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_esmtp.dialogue import Dialogue
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.sasl.choice import MECHANISMS
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import Drop, ScriptedServer

PASSWORD = "päss wörd-geheim"
BODY = "For your eyes only"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger="posthouse_esmtp")
    return caplog


def credential_for(mechanism: str, password: str) -> Credential:
    kind = CredentialKind.BEARER if mechanism in ("XOAUTH2", "OAUTHBEARER") else CredentialKind.PASSWORD
    return Credential(kind=kind, user="ada", secret=Secret.literal(password))


def said_without(names: str, secret: str) -> None:
    """Assert that neither the secret nor anything that holds it in base64 is there."""
    assert secret not in names
    for word in names.replace('"', " ").split():
        try:
            decoded = base64.b64decode(word, validate=True)
        except ValueError:
            continue
        assert secret.encode() not in decoded


async def test_logs_the_conversation_and_neither_password_nor_content(
    log: pytest.LogCaptureFixture, connect, submit, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with ScriptedServer(tls=server_tls, auth=["PLAIN"], passwords={"ada": PASSWORD}) as server:
        connection = await connect(server, Security.STARTTLS, credential_for("PLAIN", PASSWORD), ca_file=ca_file)
        delivery = await connection.send(submit("bob@example.org", text=BODY))
        await connection.close()
    assert delivery.error is None
    lines = [record.getMessage().split("] ", 1)[1] for record in log.records]
    patterns = (
        "connected to 127.0.0.1, 220 ",
        "C: EHLO ",
        "S: 250 ",
        "C: STARTTLS",
        "S: 220 ",
        "encrypted with TLSv1.3, ",
        "C: EHLO ",
        "S: 250 ",
        "C: AUTH PLAIN ***",
        "S: 235 2.7.0 ***",
        "C: MAIL FROM:<ada@example.org>",
        "C: RCPT TO:<bob@example.org>",
        "C: DATA",
        "S: 250 ",
        "S: 250 ",
        "S: 354 ",
        "C: (",
        "S: 250 ",
        "C: QUIT",
        "S: 221 ",
        "closed",
    )
    assert len(lines) == len(patterns), lines
    assert all(line.startswith(pattern) for line, pattern in zip(lines, patterns, strict=True)), lines
    assert BODY not in log.text
    said_without(log.text, PASSWORD)


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_no_sign_in_shows_its_secret(
    mechanism: str, right: bool, log: pytest.LogCaptureFixture, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    known = PASSWORD if mechanism not in ("XOAUTH2", "OAUTHBEARER") else "ey.token-geheim"
    async with ScriptedServer(tls=server_tls, auth=[mechanism], passwords={"ada": known}) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file, command_timeout=10)
        opening = Opening(settings, credential_for(mechanism, known if right else known + "!"), Security.STARTTLS)
        if right:
            await (await opening.open()).close()
        else:
            with pytest.raises(AuthenticationError):
                await opening.open()
        answers = [command for command in server.sessions[0].commands if b"EHLO" not in command]
    assert f"C: AUTH {mechanism}" in log.text
    assert log.text.count(" C: ***") + log.text.count(f"AUTH {mechanism} ***") >= 1
    said_without(log.text, known)
    for command in answers:  # not even a hash or a proof, from which a weak password could be guessed
        for word in command.split()[2:] if command.startswith(b"AUTH") else [command]:
            assert len(word) < 8 or word == b"STARTTLS" or word.decode() not in log.text


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
@pytest.mark.parametrize("code", [b"535 5.7.8", b"421 4.7.0", b"500"])
async def test_a_server_that_repeats_the_secret_finds_no_echo(
    mechanism: str, code: bytes, log: pytest.LogCaptureFixture, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    secret = "geheim-und-lang"

    def repeat(session) -> bytes:
        last = session.commands[-1].split()[-1]
        return b"%b unknown: %b %b" % (code, last, secret.encode())

    script: Any = {"AUTH": repeat}
    if mechanism == "LOGIN":
        again = lambda session: b"334 UGFz" if len(session.commands) == 5 else repeat(session)  # noqa: E731
        script = {"AUTH": b"334 VXNlcm5hbWU6", "RESPONSE": again}
    async with ScriptedServer(on=script, tls=server_tls, auth=[mechanism]) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file, command_timeout=10)
        with pytest.raises(DeliveryError) as caught:
            await Opening(settings, credential_for(mechanism, secret), Security.STARTTLS).open()
    for text in (log.text, str(caught.value), repr(caught.value), repr(caught.value.reply), str(caught.value.details)):
        said_without(text, secret)
    assert "unknown" in str(caught.value.reply)


async def test_a_hostile_answer_stays_one_harmless_line(log: pytest.LogCaptureFixture, connect, submit) -> None:
    hostile = "550 5.1.1 \x1b[2J\u202egnp.exe\u2066 no".encode()
    async with ScriptedServer(on={"RCPT": [hostile]}) as server:
        await (await connect(server)).send(submit("bob@example.org"))
    line = next(record.getMessage() for record in log.records if "550" in record.getMessage())
    assert line.isprintable()
    assert "\\u202e" in line


async def test_nothing_is_spent_where_nobody_listens(connect, submit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="posthouse_esmtp")
    async with ScriptedServer() as server:
        connection = await connect(server)
        await connection.send(submit("bob@example.org"))
    assert Dialogue.begin("server") is None
    assert not caplog.records


async def test_a_lost_connection_says_why(log: pytest.LogCaptureFixture, connect, submit) -> None:
    async with ScriptedServer(on={"DOT": Drop()}) as server:
        await (await connect(server)).send(submit("bob@example.org"))
    assert "closed" in log.records[-1].getMessage()


@pytest.mark.parametrize("chunking", [True, False])
async def test_a_batch_shows_every_command_and_no_content(
    chunking: bool, log: pytest.LogCaptureFixture, connect, submit
) -> None:
    texts = [f"{BODY}\r\n.\r\nMAIL FROM:<x@example.org>\r\n" * count for count in (1, 3000, 1)]

    async def some() -> AsyncIterator[Submission]:
        for number, text in enumerate(texts):
            yield submit(f"r{number}@example.org", text=text)

    async with ScriptedServer() as server:
        connection = await connect(server, chunking=chunking)
        deliveries = [delivery async for delivery in connection.send_batch(some())]
        await connection.close()
    assert not any(delivery.error for delivery in deliveries)
    assert BODY not in log.text
    said = [record.getMessage().partition(" C: ")[2] for record in log.records]
    commands = [line for line in said if line and not line.startswith("(")]
    assert commands == [command.decode() for command in server.sessions[0].commands]


@given(
    content=st.lists(st.sampled_from([b"a", b".", b"\r\n", b"\r", b"\n", b"..", b"AUTH PLAIN x"]), max_size=12),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
def test_content_ends_where_the_server_sees_its_end(content: list[bytes], cuts: list[int]) -> None:
    body = b"".join(content) + b"\r\n"
    stuffed = (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:]
    wire = stuffed + b".\r\nMAIL FROM:<next@example.org>\r\n"
    logger = logging.getLogger("posthouse_esmtp")
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    before, level = logger.propagate, logger.level
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    try:
        dialogue = Dialogue("server")
        dialogue.received(Reply(354, "", "go on"))
        edges = sorted({0, len(wire), *(min(cut, len(wire)) for cut in cuts)})
        for start, end in itertools.pairwise(edges):
            dialogue.sent(wire[start:end])
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
        logger.setLevel(level)
    assert [line.split("] ", 1)[1] for line in lines] == [
        "S: 354 go on",
        f"C: ({len(stuffed)} bytes of content, and the lone dot)",
        "C: MAIL FROM:<next@example.org>",
    ]
