"""The scripted server is correct unless told otherwise, does what it is told, and records every byte."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import trustme

from posthouse_esmtp.testing import (
    Default,
    Drop,
    Garbage,
    Raw,
    Reset,
    Say,
    ScriptedServer,
    Session,
    Signal,
    Stall,
    Step,
    StopReading,
    Wait,
)


class Client:
    """Writes lines, reads whatever comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, line: bytes) -> bytes:
        """Send a line and return the whole reply, without the last line's CRLF."""
        self.writer.write(line + b"\r\n")
        return await self.reply()

    async def reply(self) -> bytes:
        reply = b""
        while True:
            line = await self.reader.readline()
            reply += line
            if line[3:4] != b"-":
                return reply.removesuffix(b"\r\n")

    async def rest(self) -> bytes:
        """Return what comes until the server closes."""
        return await self.reader.read()


@contextlib.asynccontextmanager
async def client_of(server: ScriptedServer, context: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(
        server.host, server.port, ssl=context, server_hostname="localhost" if context else None
    )
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def talking(server: ScriptedServer) -> AsyncIterator[Client]:
    """Connect, read the greeting, say EHLO."""
    async with client_of(server) as client:
        assert (await client.reply()).startswith(b"220 ")
        assert (await client.ask(b"EHLO me")).startswith(b"250-")
        yield client


@contextlib.asynccontextmanager
async def in_envelope(server: ScriptedServer) -> AsyncIterator[Client]:
    """Have a sender and a recipient accepted."""
    async with talking(server) as client:
        assert await client.ask(b"MAIL FROM:<a@example.org>") == b"250 2.1.0 sender ok"
        assert await client.ask(b"RCPT TO:<b@example.org>") == b"250 2.1.5 recipient ok"
        yield client


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


# --- a correct server -------------------------------------------------------------------------------------------------


async def test_serves_an_ordinary_client() -> None:
    async with ScriptedServer() as server:

        def send() -> None:
            with smtplib.SMTP(server.host, server.port) as smtp:
                smtp.sendmail("a@example.org", ["b@example.org", "c@example.org"], "Subject: x\n\n.dot\n..\nend")

        await asyncio.to_thread(send)
        session = await server.session()
        await session.closed()
    [message] = server.messages
    assert message.sender.startswith(b"<a@example.org>")
    assert message.recipients == [b"<b@example.org>", b"<c@example.org>"]
    assert message.wire == b"Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n"
    assert message.content == b"Subject: x\r\n\r\n.dot\r\n..\r\nend\r\n"
    assert message.code == 250
    assert session.verbs == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]
    assert session.received.endswith(b"\r\nend\r\n.\r\nQUIT\r\n")


async def test_offers_what_it_was_told_to_offer() -> None:
    async with ScriptedServer(offers=["SIZE 100"], auth=["PLAIN", "LOGIN"]) as server, client_of(server) as client:
        await client.reply()
        assert await client.ask(b"EHLO me") == b"250-scripted.example\r\n250-SIZE 100\r\n250 AUTH PLAIN LOGIN"
        assert await client.ask(b"HELO me") == b"250 scripted.example"


async def test_offers_nothing_at_all() -> None:
    async with ScriptedServer(offers=[]) as server, client_of(server) as client:
        await client.reply()
        assert await client.ask(b"EHLO me") == b"250 scripted.example"


async def test_answers_a_pipelined_group_in_order() -> None:
    async with ScriptedServer() as server, talking(server) as client:
        client.writer.write(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n")
        codes = [(await client.reply())[:3] for _ in range(3)]
        assert codes == [b"250", b"250", b"354"]
        client.writer.write(b".\r\nNOOP\r\n")
        assert [(await client.reply())[:3] for _ in range(2)] == [b"250", b"250"]
    assert server.messages[0].wire == b""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (b"RCPT TO:<b@example.org>", b"503"),
        (b"DATA", b"554"),
        (b"STARTTLS", b"502"),
        (b"AUTH PLAIN", b"504"),
        (b"NONSENSE", b"502"),
        (b"\xff\xfe", b"502"),
        (b"NOOP", b"250"),
        (b"RSET", b"250"),
        (b"BDAT 0 LAST", b"503"),
    ],
)
async def test_holds_the_order_of_commands(command: bytes, code: bytes) -> None:
    async with ScriptedServer() as server, talking(server) as client:
        assert (await client.ask(command))[:3] == code
        assert server.sessions[0].commands[-1] == command


async def test_a_second_sender_needs_a_reset() -> None:
    async with ScriptedServer() as server, in_envelope(server) as client:
        assert (await client.ask(b"MAIL FROM:<c@d>"))[:3] == b"503"
        await client.ask(b"RSET")
        assert (await client.ask(b"MAIL FROM:<c@d>"))[:3] == b"250"


async def test_only_crlf_dot_crlf_ends_the_content() -> None:
    tricky = b"a\n.\nb\r.\rc\r\n.\nd\n.\r\ne\r\n..\r\n"
    async with ScriptedServer() as server, in_envelope(server) as client:
        await client.ask(b"DATA")
        assert (await client.ask(tricky + b"."))[:3] == b"250"
    assert server.messages[0].wire == tricky


async def test_records_chunks() -> None:
    async with ScriptedServer() as server, in_envelope(server) as client:
        client.writer.write(b"BDAT 5\r\n.\r\n.x" + b"BDAT 3\r\n\0\xff\n" + b"BDAT 0 LAST\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == [b"250", b"250", b"250"]
    [message] = server.messages
    assert message.chunks == [b".\r\n.x", b"\0\xff\n", b""]
    assert message.content == b".\r\n.x\0\xff\n"


async def test_a_mistake_in_the_test_itself_comes_to_light() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        async with ScriptedServer() as server, in_envelope(server) as client:
            client.writer.write(b"BDAT many LAST\r\n")
            await client.rest()


# --- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_lets_in_who_knows_the_password(mechanism: str, password: str) -> None:
    async with ScriptedServer(auth=[mechanism], passwords={"ada": "right"}) as server:

        def sign_in() -> int:
            with smtplib.SMTP(server.host, server.port) as smtp:
                try:
                    return smtp.login("ada", password)[0]
                except smtplib.SMTPAuthenticationError as error:
                    return error.smtp_code

        assert await asyncio.to_thread(sign_in) == (235 if password == "right" else 535)
    assert server.sessions[0].user == ("ada" if password == "right" else "")


async def test_a_sign_in_can_be_cancelled_or_malformed() -> None:
    async with ScriptedServer(auth=["LOGIN"]) as server, talking(server) as client:
        assert (await client.ask(b"AUTH LOGIN")) == b"334 VXNlcm5hbWU6"
        assert (await client.ask(b"*"))[:3] == b"501"
        await client.ask(b"AUTH LOGIN")
        assert (await client.ask(b"%%%"))[:3] == b"501"


async def test_a_scripted_challenge_takes_the_scripted_response() -> None:
    challenge = b"334 " + base64.b64encode(b'{"status":"401"}')
    script = {"AUTH": challenge, "RESPONSE": b"535 5.7.8 no"}
    async with ScriptedServer(on=script, auth=["XOAUTH2"]) as server, talking(server) as client:
        assert await client.ask(b"AUTH XOAUTH2 AA==") == challenge
        assert await client.ask(b"") == b"535 5.7.8 no"
        assert server.sessions[0].commands[-2:] == [b"AUTH XOAUTH2 AA==", b""]


# --- TLS --------------------------------------------------------------------------------------------------------------


async def test_speaks_tls_from_the_first_byte(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls, implicit_tls=True) as server, client_of(server, trusting) as client:
        assert (await client.reply())[:3] == b"220"
        assert b"STARTTLS" not in await client.ask(b"EHLO me")
        assert server.sessions[0].encrypted
        assert server.sessions[0].plain_bytes == 0


async def test_upgrades(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls) as server, client_of(server) as client:
        await client.reply()
        assert b"STARTTLS" in await client.ask(b"EHLO me")
        assert (await client.ask(b"STARTTLS"))[:3] == b"220"
        await client.writer.start_tls(trusting, server_hostname="localhost")
        assert b"STARTTLS" not in await client.ask(b"EHLO again")
        session = server.sessions[0]
        assert session.plain_bytes == len(b"EHLO me\r\nSTARTTLS\r\n")
        assert session.commands == [b"EHLO me", b"STARTTLS", b"EHLO again"]
        assert session.injected == b""


async def test_keeps_apart_what_the_client_injects(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls) as server, talking(server) as client:
        assert (await client.ask(b"STARTTLS\r\nMAIL FROM:<evil@example.org>"))[:3] == b"220"
        await client.writer.start_tls(trusting, server_hostname="localhost")
        await client.ask(b"NOOP")
        assert server.sessions[0].injected == b"MAIL FROM:<evil@example.org>\r\n"
        assert "MAIL" not in server.sessions[0].verbs


async def test_can_inject_after_its_own_answer(server_tls: ssl.SSLContext) -> None:
    injection = Raw(b"220 go\r\n250 2.1.0 injected\r\n")
    async with ScriptedServer(tls=server_tls, on={"STARTTLS": injection}) as server, talking(server) as client:
        assert await client.ask(b"STARTTLS") == b"220 go"
        assert await client.reply() == b"250 2.1.0 injected"


async def test_notes_a_handshake_that_failed(server_tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls, implicit_tls=True) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            async with client_of(server, ssl.create_default_context()):
                pass
        async with client_of(server) as client:
            client.writer.write(b"EHLO in plain text\r\n")
            with contextlib.suppress(ConnectionError):
                await client.rest()
        session = await server.session(1)
        await session.closed()
        assert isinstance(session.tls_error, ssl.SSLError)


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_handshake_can_be_replaced(server_tls: ssl.SSLContext, implicit: bool) -> None:
    script = {"TLS": (Garbage(), Drop())}
    async with ScriptedServer(tls=server_tls, implicit_tls=implicit, on=script) as server, client_of(server) as client:
        if not implicit:
            await client.reply()
            await client.ask(b"STARTTLS")
        assert await client.rest() == Garbage().data


async def test_a_handshake_can_be_held_up(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    gate = asyncio.Event()
    script = {"TLS": (Wait(gate), Default())}
    async with ScriptedServer(tls=server_tls, implicit_tls=True, on=script) as server:
        connecting = asyncio.create_task(
            asyncio.open_connection(server.host, server.port, ssl=trusting, server_hostname="localhost")
        )
        await server.session()
        assert not connecting.done()
        gate.set()
        reader, writer = await connecting
        assert (await reader.readline())[:3] == b"220"
        writer.transport.abort()


# --- scripts ----------------------------------------------------------------------------------------------------------


async def test_one_command_is_answered_differently() -> None:
    async with ScriptedServer(on={"RCPT": [b"250 ok", b"550 5.1.1 no"]}) as server, talking(server) as client:
        await client.ask(b"MAIL FROM:<a@b>")
        answers = [await client.ask(b"RCPT TO:<%d@b>" % number) for number in range(3)]
        assert answers == [b"250 ok", b"550 5.1.1 no", b"250 2.1.5 recipient ok"]
        await client.ask(b"DATA")
        await client.ask(b"x\r\n.")
    assert server.messages[0].recipients == [b"<0@b>", b"<2@b>"]


async def test_a_refused_sender_makes_no_transaction() -> None:
    async with ScriptedServer(on={"MAIL": b"550 5.7.1 no"}) as server, talking(server) as client:
        await client.ask(b"MAIL FROM:<a@b>")
        assert (await client.ask(b"RCPT TO:<c@d>"))[:3] == b"503"


async def test_content_is_taken_wherever_a_354_was_said() -> None:
    async with ScriptedServer(on={"RCPT": b"550 no", "DATA": b"354 anyway"}) as server, talking(server) as client:
        await client.ask(b"MAIL FROM:<a@b>")
        await client.ask(b"RCPT TO:<c@d>")
        assert await client.ask(b"DATA") == b"354 anyway"
        assert (await client.ask(b"."))[:3] == b"250"
    assert server.messages[0].recipients == []


async def test_a_star_stands_for_every_other_command() -> None:
    async with ScriptedServer(on={"*": b"421 4.3.2 bye", "EHLO": Default()}) as server, talking(server) as client:
        assert await client.ask(b"NOOP") == b"421 4.3.2 bye"


async def test_a_function_decides() -> None:
    def decide(session: Session) -> Step:
        return b"250 first" if len(session.commands) == 2 else (b"421 enough", Drop())

    async with ScriptedServer(on={"NOOP": decide}) as server, talking(server) as client:
        assert await client.ask(b"NOOP") == b"250 first"
        assert await client.ask(b"NOOP") == b"421 enough"
        assert await client.rest() == b""


async def test_each_connection_has_its_script() -> None:
    async with ScriptedServer(on=[{"CONNECT": b"554 no"}, {}, {"CONNECT": b"220 third"}]) as server:
        greetings = []
        for _ in range(4):
            async with client_of(server) as client:
                greetings.append(await client.reply())
    assert greetings == [b"554 no", b"220 scripted.example ESMTP ready", b"220 third", b"220 third"]


async def test_replies_have_proper_line_ends() -> None:
    async with ScriptedServer(on={"NOOP": b"250-one\n250 two"}) as server, talking(server) as client:
        assert await client.ask(b"NOOP") == b"250-one\r\n250 two"


@pytest.mark.parametrize("pieces", [1, 2, 7, 100])
async def test_a_reply_comes_in_pieces(pieces: int) -> None:
    async with ScriptedServer(on={"NOOP": Say(b"250-one\n250 two", pieces)}) as server, talking(server) as client:
        assert await client.ask(b"NOOP") == b"250-one\r\n250 two"


async def test_a_reply_waits_for_an_event_and_tells_when_it_was_due() -> None:
    reached, gate = asyncio.Event(), asyncio.Event()
    script = {"NOOP": (Raw(b"25"), Signal(reached), Wait(gate), Raw(b"0 late\r\n"))}
    async with ScriptedServer(on=script) as server, talking(server) as client:
        asking = asyncio.create_task(client.ask(b"NOOP"))
        await reached.wait()
        assert not asking.done()
        gate.set()
        assert await asking == b"250 late"


async def test_replies_come_early_and_out_of_turn() -> None:
    async with ScriptedServer(on={"EHLO": (Default(), b"250 early")}) as server, talking(server) as client:
        assert await client.reply() == b"250 early"
        (await server.session()).say(b"421 4.3.2 out of turn")
        assert await client.reply() == b"421 4.3.2 out of turn"


@pytest.mark.parametrize("moment", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT", "QUIT"])
async def test_drops_at_any_moment_after_saying_its_last_word(moment: str) -> None:
    async with ScriptedServer(on={moment: (b"421 4.3.2 bye", Drop())}) as server, client_of(server) as client:
        client.writer.write(
            b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nline\r\n" + b"x" * 100_000 + b"\r\n.\r\nQUIT\r\n"
        )
        assert (await client.rest()).endswith(b"421 4.3.2 bye\r\n")


async def test_drops_in_the_middle_of_the_content() -> None:
    async with ScriptedServer(on={"BODY": Drop()}) as server, in_envelope(server) as client:
        await client.ask(b"DATA")
        client.writer.write(b"half a mess")
        assert await client.rest() == b""
    assert server.messages == []
    assert server.sessions[0].received.endswith(b"DATA\r\nhalf a mess")


async def test_drops_after_the_final_dot() -> None:
    async with ScriptedServer(on={"DOT": Drop()}) as server, in_envelope(server) as client:
        await client.ask(b"DATA")
        client.writer.write(b"whole\r\n.\r\n")
        assert await client.rest() == b""
    [message] = server.messages
    assert message.content == b"whole\r\n"
    assert message.code is None


@pytest.mark.parametrize("end", [lambda session: Reset(), None])
async def test_resets(end: Callable[[Session], Step] | None) -> None:
    async with ScriptedServer(on={"NOOP": end or Stall()}) as server, talking(server) as client:
        client.writer.write(b"NOOP\r\n")
        if end is None:
            server.sessions[0].reset()
        with pytest.raises(ConnectionResetError):
            await client.rest()
        await server.sessions[0].closed()


async def test_stalls_but_keeps_reading() -> None:
    async with ScriptedServer(on={"NOOP": Stall()}) as server:
        async with talking(server) as client:
            client.writer.write(b"NOOP\r\nRSET\r\n")
            await client.writer.drain()
        await server.sessions[0].closed()
        assert server.sessions[0].received.endswith(b"NOOP\r\nRSET\r\n")
        assert server.sessions[0].verbs == ["EHLO", "NOOP"]


async def test_stops_reading() -> None:
    reached = asyncio.Event()
    async with ScriptedServer(on={"BODY": (Signal(reached), StopReading())}) as server, in_envelope(server) as client:
        await client.ask(b"DATA")
        client.writer.write(b"x")
        await reached.wait()
        client.writer.write(b"x" * 50_000_000)
        draining = asyncio.create_task(client.writer.drain())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not draining.done()
        assert len(server.sessions[0].received) < 1_000_000
        client.writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await draining


async def test_waits_for_a_session_and_leaves_nothing_behind() -> None:
    async with ScriptedServer(on={"CONNECT": Stall()}) as server:
        waiting = asyncio.create_task(server.session(1))
        async with client_of(server), client_of(server):
            assert (await waiting).number == 1
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(server.host, server.port)
