"""Opening a connection: every way to refuse is its own error, and nothing is sent that must not be."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from posthouse.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Stage,
    ThrottledError,
    TlsError,
)
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_esmtp.opening import Opening
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import Drop, Garbage, Raw, Reset, Say, ScriptedServer, Session, Signal, Stall

PASSWORD = "correct horse"
CREDENTIAL = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal(PASSWORD))


async def refused(
    server: ScriptedServer, security: Security, credential: Credential | None = None, **options: Any
) -> DeliveryError:
    """Return the error of a connection that must not come about."""
    settings = EsmtpSettings(**{"host": server.host, "port": server.port, **options})
    with pytest.raises(DeliveryError) as caught:
        await Opening(settings, credential or Credential(), security).open()
    assert caught.value.hint or caught.value.reply
    for session in server.sessions:
        await asyncio.wait_for(session.closed(), 10)
        assert b"MAIL" not in session.received
    return caught.value


# --- connecting and greeting ------------------------------------------------------------------------------------------


async def test_names_a_host_that_does_not_exist() -> None:
    settings = EsmtpSettings(host="no-such-host.invalid", port=25)
    with pytest.raises(ConnectError) as caught:
        await Opening(settings, Credential(), Security.NEVER).open()
    assert caught.value.stage is Stage.RESOLVE
    assert "no-such-host.invalid" in caught.value.message


async def test_names_a_port_where_nobody_listens() -> None:
    async with ScriptedServer() as server:
        port = server.port
    with pytest.raises(ConnectError) as caught:
        await Opening(EsmtpSettings(host="127.0.0.1", port=port), Credential(), Security.NEVER).open()
    assert caught.value.code == "connect.refused"


@pytest.mark.parametrize(
    ("greeting", "kind", "code"),
    [
        (b"554 5.7.1 go away", RefusedError, "refused.client"),
        (b"421 4.3.2 too busy", ConnectError, "connect.closing"),
        (Drop(), ConnectError, "connect.lost"),
        (Reset(), ConnectError, "connect.lost"),
        (Garbage(), ProtocolError, "protocol.malformed-reply"),
        (Raw(b"SSH-2.0-OpenSSH_9.6\r\n"), ProtocolError, "protocol.malformed-reply"),
    ],
)
async def test_takes_no_for_an_answer(greeting: Any, kind: type[DeliveryError], code: str) -> None:
    async with ScriptedServer(on={"CONNECT": greeting}) as server:
        error = await refused(server, Security.NEVER)
        assert isinstance(error, kind)
        assert (error.code, error.stage) == (code, Stage.GREETING)


async def test_gives_up_on_a_server_that_never_greets() -> None:
    async with ScriptedServer(on={"CONNECT": Stall()}) as server:
        error = await refused(server, Security.NEVER, timeout=0.2)
        assert (error.code, error.stage, error.temporary) == ("connect.timeout", Stage.GREETING, True)
        assert "smtps" in error.hint


async def test_reads_a_greeting_in_pieces(connect: Any) -> None:
    async with ScriptedServer(on={"CONNECT": Say(b"220-first line\n220 second line", pieces=9)}) as server:
        assert (await connect(server)).usable


# --- EHLO -------------------------------------------------------------------------------------------------------------


async def test_says_helo_to_a_server_that_knows_no_ehlo(connect: Any, submit: Any) -> None:
    async with ScriptedServer(on={"EHLO": b"502 5.5.1 what?"}) as server:
        connection = await connect(server)
        delivery = await connection.send(submit(text="Grüße"))
        assert delivery.error is None
        assert server.sessions[0].verbs == ["EHLO", "HELO", "MAIL", "RCPT", "DATA"]
        assert server.sessions[0].commands[2] == b"MAIL FROM:<ada@example.org>"
        assert server.messages[0].content.isascii()


async def test_reports_a_server_that_wants_neither() -> None:
    async with ScriptedServer(on={"EHLO": b"550 5.7.1 no", "HELO": b"550 5.7.1 no"}) as server:
        error = await refused(server, Security.NEVER)
        assert (error.code, error.stage) == ("refused.client", Stage.EHLO)


async def test_does_not_insist_when_told_to_come_later() -> None:
    async with ScriptedServer(on={"EHLO": b"421 4.7.0 try later"}) as server:
        error = await refused(server, Security.NEVER)
        assert error.temporary
        assert server.sessions[0].verbs == ["EHLO"]


async def test_notices_a_server_that_speaks_out_of_turn() -> None:
    def talkative(session: Session) -> Any:
        session.say(b"250-scripted.example\n250 SIZE 1000\n250 and another thing")
        return Stall()

    async with ScriptedServer(on={"EHLO": talkative}) as server:
        settings = EsmtpSettings(host=server.host, port=server.port)
        opening = Opening(settings, CREDENTIAL, Security.NEVER)
        with pytest.raises(DeliveryError):
            await opening.open()
        assert opening.wire is not None
        assert isinstance(opening.wire.failure, ProtocolError)
        assert opening.wire.failure.code == "protocol.out-of-turn"


# --- STARTTLS ---------------------------------------------------------------------------------------------------------


async def test_asks_again_what_the_server_offers_once_it_is_encrypted(
    connect: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    def ehlo(session: Session) -> bytes:
        return b"250-x\n250 SIZE 1000" if session.encrypted else b"250-x\n250-SIZE 5\n250-CHUNKING\n250 STARTTLS"

    async with ScriptedServer(tls=server_tls, on={"EHLO": ehlo}) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file)
        opening = Opening(settings, Credential(), Security.STARTTLS)
        connection = await opening.open()
        assert opening.offers.size == 1000
        assert not opening.offers.offers("CHUNKING")
        assert connection.security.startswith("TLSv1.")
        await connection.close()


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IF_OFFERED])
@pytest.mark.parametrize(
    "injection", [b"250 2.0.0 injected\r\n", b"250-injected ", b"\x16\x03\x01\x00\x05hello", b"x", b"421 bye\r\n"]
)
async def test_refuses_what_was_injected_before_the_handshake(
    injection: bytes, security: Security, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with ScriptedServer(
        tls=server_tls, on={"STARTTLS": (Raw(b"220 2.0.0 go ahead\r\n" + injection), Stall())}
    ) as server:
        error = await refused(server, security, ca_file=ca_file)
        assert isinstance(error, TlsError)
        assert error.code == "tls.starttls-injection"
        assert len(server.sessions) == 1
        assert server.sessions[0].verbs == ["EHLO", "STARTTLS"]


async def test_refuses_a_server_that_does_not_offer_it() -> None:
    async with ScriptedServer() as server:
        error = await refused(server, Security.STARTTLS, CREDENTIAL)
        assert (error.code, error.temporary) == ("tls.starttls-not-offered", False)
        assert server.sessions[0].verbs == ["EHLO"]


@pytest.mark.parametrize(("answer", "temporary"), [(b"454 4.7.0 not now", True), (b"501 5.5.4 what?", False)])
async def test_reports_a_server_that_offers_it_and_refuses(
    answer: bytes, temporary: bool, server_tls: ssl.SSLContext
) -> None:
    async with ScriptedServer(tls=server_tls, on={"STARTTLS": answer}) as server:
        error = await refused(server, Security.STARTTLS, CREDENTIAL)
        assert isinstance(error, TlsError)
        assert error.temporary is temporary


@pytest.mark.parametrize("handshake", [Drop(), Reset(), Garbage()])
async def test_reports_a_handshake_that_fails(handshake: Any, server_tls: ssl.SSLContext, ca_file: Path) -> None:
    for implicit, security in ((False, Security.STARTTLS), (True, Security.TLS)):
        async with ScriptedServer(tls=server_tls, implicit_tls=implicit, on={"TLS": handshake}) as server:
            error = await refused(server, security, CREDENTIAL, ca_file=ca_file)
            assert isinstance(error, TlsError)
            assert error.stage is Stage.TLS


async def test_gives_up_on_a_handshake_that_hangs(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    for implicit, security in ((False, Security.STARTTLS), (True, Security.TLS)):
        async with ScriptedServer(tls=server_tls, implicit_tls=implicit, on={"TLS": Stall()}) as server:
            error = await refused(server, security, ca_file=ca_file, timeout=0.3)
            assert (error.code, error.stage) == ("connect.timeout", Stage.TLS)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("wrong_host", "tls.hostname-mismatch"),
        ("expired", "tls.certificate-expired"),
        ("self_signed", "tls.certificate-self-signed"),
        ("unknown_authority", "tls.certificate-untrusted"),
    ],
)
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
async def test_refuses_a_bad_certificate(kind: str, code: str, security: Security, certificates: Any) -> None:
    context = certificates.context(kind)
    async with ScriptedServer(tls=context, implicit_tls=security is Security.TLS) as server:
        error = await refused(server, security, CREDENTIAL, ca_file=certificates.ca_file)
        assert isinstance(error, TlsError)
        assert error.code == code
        assert b"AUTH" not in server.sessions[0].received


# --- opportunistic encryption -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [{"TLS": Drop()}, {"TLS": Reset()}, {"STARTTLS": b"454 4.7.0 not now"}])
async def test_falls_back_to_plain_text_on_a_new_connection(
    trouble: Any, connect: Any, submit: Any, server_tls: ssl.SSLContext
) -> None:
    async with ScriptedServer(tls=server_tls, on=[trouble, {}]) as server:
        connection = await connect(server, Security.IF_OFFERED)
        assert connection.security == "none"
        assert "plain text" in connection.notes[0]
        assert (await connection.send(submit())).error is None
        assert [session.verbs[:2] for session in server.sessions] == [["EHLO", "STARTTLS"], ["EHLO", "MAIL"]]


@pytest.mark.parametrize("allow", [False, True])
async def test_signs_in_to_no_fallback(allow: bool, server_tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls, auth=["SCRAM-SHA-256", "PLAIN"]) as server:
        error = await refused(server, Security.IF_OFFERED, CREDENTIAL, allow_plaintext_auth=allow)
        assert error.code == "tls.certificate-untrusted"
        assert "sign-in" in error.hint
        assert len(server.sessions) == 1


async def test_does_not_fall_back_from_a_pinned_certificate(server_tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls) as server:
        error = await refused(server, Security.IF_OFFERED, trusted_certificates=("00" * 32,))
        assert error.code == "tls.fingerprint"
        assert len(server.sessions) == 1


async def test_does_not_fall_back_for_a_wrong_configuration(server_tls: ssl.SSLContext, tmp_path: Path) -> None:
    async with ScriptedServer(tls=server_tls) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=tmp_path / "missing.pem")
        with pytest.raises(ConfigurationError) as caught:
            await Opening(settings, Credential(), Security.IF_OFFERED).open()
        assert "missing.pem" in str(caught.value)
        assert len(server.sessions) == 1


# --- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"])
async def test_signs_in_with_a_password(
    mechanism: str, connect: Any, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    credential = Credential(kind=CredentialKind.PASSWORD, user="ädä", secret=Secret.literal("pässwörd €"))
    async with ScriptedServer(tls=server_tls, auth=[mechanism], passwords={"ädä": "pässwörd €"}) as server:
        connection = await connect(server, Security.STARTTLS, credential, ca_file=ca_file)
        assert connection.authentication == mechanism


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
async def test_signs_in_with_a_token(mechanism: str, connect: Any, server_tls: ssl.SSLContext, ca_file: Path) -> None:
    credential = Credential(kind=CredentialKind.BEARER, user="ada@example.org", secret=Secret.literal("t0ken"))
    async with ScriptedServer(tls=server_tls, auth=[mechanism], passwords={"ada@example.org": "t0ken"}) as server:
        connection = await connect(server, Security.STARTTLS, credential, ca_file=ca_file)
        assert connection.authentication == mechanism


async def test_takes_the_strongest_and_obeys_the_configuration(connect: Any) -> None:
    async with ScriptedServer(auth=["PLAIN", "CRAM-MD5", "SCRAM-SHA-1"], passwords={"ada": PASSWORD}) as server:
        best = await connect(server, Security.NEVER, CREDENTIAL, allow_plaintext_auth=True)
        assert best.authentication == "SCRAM-SHA-1"
        limited = await connect(
            server, Security.NEVER, CREDENTIAL, allow_plaintext_auth=True, auth_mechanisms=("PLAIN",)
        )
        assert limited.authentication == "PLAIN"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"])
async def test_reports_a_wrong_password_without_showing_it(
    mechanism: str, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with ScriptedServer(tls=server_tls, auth=[mechanism], passwords={"ada": "another"}) as server:
        error = await refused(server, Security.STARTTLS, CREDENTIAL, ca_file=ca_file)
        assert isinstance(error, AuthenticationError)
        assert (error.code, error.temporary) == ("authentication.refused", False)
        assert PASSWORD not in f"{error!r} {error} {error.details}"


async def test_reports_the_reason_that_a_token_is_refused_with(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    credential = Credential(kind=CredentialKind.BEARER, user="ada", secret=Secret.literal("old"))
    async with ScriptedServer(tls=server_tls, auth=["XOAUTH2"], passwords={"ada": "new"}) as server:
        error = await refused(server, Security.STARTTLS, credential, ca_file=ca_file)
        assert isinstance(error, AuthenticationError)
        assert "401" in error.message


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (b"454 4.7.0 temporary failure", AuthenticationError, "authentication.temporary"),
        (b"432 4.3.2 concurrent connections limit exceeded", ThrottledError, ""),
        (b"250 2.0.0 ok", ProtocolError, "protocol.unexpected-reply"),
        (b"334 this is not base64!", AuthenticationError, "authentication.challenge"),
        (Drop(), ConnectError, "connect.lost"),
    ],
)
async def test_reports_other_answers_to_a_sign_in(
    answer: Any, kind: type[DeliveryError], code: str, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    async with ScriptedServer(tls=server_tls, auth=["CRAM-MD5"], on={"AUTH": answer}) as server:
        error = await refused(server, Security.STARTTLS, CREDENTIAL, ca_file=ca_file)
        assert isinstance(error, kind)
        assert error.code.startswith(code)


async def test_shows_no_password_on_a_line_that_others_can_read() -> None:
    async with ScriptedServer(auth=["PLAIN", "LOGIN"], passwords={"ada": PASSWORD}) as server:
        error = await refused(server, Security.NEVER, CREDENTIAL)
        assert error.code == "authentication.plaintext"
        assert b"AUTH" not in server.sessions[0].received


# --- giving up --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["CONNECT", "EHLO", "STARTTLS", "TLS", "AUTH"])
async def test_leaves_nothing_behind_when_cancelled(moment: str, server_tls: ssl.SSLContext, ca_file: Path) -> None:
    reached = asyncio.Event()
    async with ScriptedServer(tls=server_tls, auth=["PLAIN"], on={moment: (Signal(reached), Stall())}) as server:
        settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file)
        task = asyncio.create_task(Opening(settings, CREDENTIAL, Security.STARTTLS).open())
        session = await server.session()
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(session.closed(), 10)


async def test_offers_a_client_certificate(authority: trustme.CA, ca_file: Path, connect: Any, tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = authority.issue_cert("client.example.org")
    certificate, key = tmp_path / "client.pem", tmp_path / "client.key"
    own.cert_chain_pems[0].write_to_path(certificate)
    own.private_key_pem.write_to_path(key)
    async with ScriptedServer(tls=context) as server:
        connection = await connect(server, Security.STARTTLS, ca_file=ca_file, client_cert=certificate, client_key=key)
        assert connection.usable
        error = await refused_after(server, ca_file)
        assert isinstance(error, DeliveryError)


async def refused_after(server: ScriptedServer, ca_file: Path) -> DeliveryError:
    """With TLS 1.3 a missing client certificate shows only after the handshake, when the server hangs up."""
    settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file)
    with pytest.raises(DeliveryError) as caught:
        await Opening(settings, Credential(), Security.STARTTLS).open()
    return caught.value
