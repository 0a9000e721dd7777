"""Foreign exceptions, provoked with real sockets and real handshakes, become errors that say what to do."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import errno
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import trustme

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Stage,
    TlsError,
)
from posthouse_esmtp.testing import Drop, Garbage, Raw, Reset, ScriptedServer, Stall
from posthouse_esmtp.translate import translate, translated

FAR_FUTURE = datetime.datetime(2200, 1, 1)  # noqa: DTZ001 - trustme wants naive UTC


@pytest.fixture
def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def good(certificates: Any) -> ssl.SSLContext:
    context: ssl.SSLContext = certificates.context()
    return context


async def caught_from(action: Awaitable[object], stage: Stage, port: int = 0, host: str = "localhost") -> DeliveryError:
    """Do something that fails, and return the error that it becomes."""
    with pytest.raises(DeliveryError) as caught, translated(stage, host=host, port=port):
        await action
    error = caught.value
    assert error.__cause__ is not None
    assert error.stage is stage
    assert error.hint
    assert error.code.partition(".")[0] == type(error).default_code
    assert host in error.message
    return error


async def shake_hands(port: int, context: ssl.SSLContext, name: str = "localhost", limit: float = 20) -> None:
    """Connect with TLS, and wait for the greeting or the end."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().create_connection(
        lambda: asyncio.StreamReaderProtocol(reader),
        "127.0.0.1",
        port,
        ssl=context,
        server_hostname=name,
        ssl_handshake_timeout=limit,
    )
    try:
        if not await reader.readline():
            raise ConnectionResetError("closed")
    finally:
        transport.abort()
        await asyncio.sleep(0)


# --- certificates -----------------------------------------------------------------------------------------------------


async def tls_error(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> DeliveryError:
    async with ScriptedServer(tls=server, implicit_tls=True) as scripted:
        return await caught_from(shake_hands(scripted.port, client, name), Stage.TLS, 465)


async def test_expired_certificate(certificates: Any, client: ssl.SSLContext) -> None:
    error = await tls_error(certificates.context("expired"), client)
    assert isinstance(error, TlsError)
    assert error.code == "tls.certificate-expired"
    assert not error.temporary


async def test_certificate_from_the_future(authority: trustme.CA, client: ssl.SSLContext) -> None:
    certificate = authority.issue_cert(
        "localhost", not_before=FAR_FUTURE, not_after=FAR_FUTURE + datetime.timedelta(days=1)
    )
    error = await tls_error(server_context(certificate), client)
    assert error.code == "tls.certificate-not-yet-valid"
    assert "clock" in error.hint


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_certificate_for_another_name(certificates: Any, client: ssl.SSLContext, name: str) -> None:
    error = await tls_error(certificates.context("wrong_host"), client, name)
    assert error.code == "tls.hostname-mismatch"
    assert name in error.message
    assert "server_name" in error.hint


async def test_unknown_authority(certificates: Any, client: ssl.SSLContext) -> None:
    error = await tls_error(certificates.context("unknown_authority"), client)
    assert error.code == "tls.certificate-untrusted"
    assert "ca_file" in error.hint


async def test_unknown_authority_that_sends_its_own_certificate(client: ssl.SSLContext, tmp_path: Path) -> None:
    stranger = trustme.CA()
    leaf = stranger.issue_cert("localhost")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(leaf.private_key_and_cert_chain_pem.bytes() + stranger.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    assert (await tls_error(context, client)).code == "tls.certificate-untrusted"


async def test_self_signed_certificate(certificates: Any, client: ssl.SSLContext) -> None:
    error = await tls_error(certificates.context("self_signed"), client)
    assert error.code == "tls.certificate-self-signed"
    assert "trusted_certificates" in error.hint


async def test_a_certificate_with_another_flaw(good: ssl.SSLContext, client: ssl.SSLContext) -> None:
    client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF  # and there is no such list
    error = await tls_error(good, client)
    assert error.code == "tls.certificate"
    assert "CRL" in error.message


# --- handshakes -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def openssl_server(context: ssl.SSLContext) -> Iterator[int]:
    """Run a server that sends its TLS alerts, as asyncio's does not; yield its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with contextlib.suppress(OSError), connection, context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


async def test_no_common_version(client: ssl.SSLContext, good: ssl.SSLContext) -> None:
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    client.minimum_version = ssl.TLSVersion.TLSv1_3
    with openssl_server(good) as port:
        error = await caught_from(shake_hands(port, client), Stage.TLS, port)
    assert error.code == "tls.version"
    assert "tls_min" in error.hint


async def test_no_common_cipher(client: ssl.SSLContext, good: ssl.SSLContext) -> None:
    good.maximum_version = ssl.TLSVersion.TLSv1_2
    good.set_ciphers("ECDHE+AES128")
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("ECDHE+AES256")
    with openssl_server(good) as port:
        error = await caught_from(shake_hands(port, client), Stage.TLS, port)
    assert error.code == "tls.handshake"
    assert "cipher" in error.hint


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_certificate_wanted(
    authority: trustme.CA, client: ssl.SSLContext, good: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    authority.configure_trust(good)
    good.verify_mode = ssl.CERT_REQUIRED
    good.maximum_version = version
    with openssl_server(good) as port:
        error = await caught_from(shake_hands(port, client), Stage.TLS, port)
    # TLS 1.2 has no alert of its own for a missing certificate
    assert error.code == ("tls.client-certificate" if version is ssl.TLSVersion.TLSv1_3 else "tls.handshake")


async def test_client_certificate_of_an_unknown_authority(
    authority: trustme.CA, client: ssl.SSLContext, good: ssl.SSLContext
) -> None:
    authority.configure_trust(good)
    good.verify_mode = ssl.CERT_REQUIRED
    trustme.CA().issue_cert("client.example").configure_cert(client)
    with openssl_server(good) as port:
        error = await caught_from(shake_hands(port, client), Stage.TLS, port)
    assert error.code == "tls.client-certificate"
    assert "client_cert" in error.hint


@pytest.mark.parametrize(
    ("port", "kind"), [(25, "transport kind smtp "), (587, "transport kind starttls"), (465, "587 with starttls")]
)
async def test_a_plain_text_port(client: ssl.SSLContext, port: int, kind: str) -> None:
    async with ScriptedServer() as scripted:
        error = await caught_from(shake_hands(scripted.port, client), Stage.TLS, port)
    assert isinstance(error, TlsError)
    assert error.code == "tls.not-tls"
    assert "plain text" in error.message
    assert kind in error.hint


async def test_garbage_instead_of_a_handshake(client: ssl.SSLContext, good: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=good, implicit_tls=True, on={"TLS": Garbage()}) as scripted:
        assert (await caught_from(shake_hands(scripted.port, client), Stage.TLS)).code == "tls.not-tls"


@pytest.mark.parametrize("end", [Drop(), Reset()])
async def test_a_handshake_cut_short(client: ssl.SSLContext, good: ssl.SSLContext, end: Drop | Reset) -> None:
    async with ScriptedServer(tls=good, implicit_tls=True, on={"TLS": end}) as scripted:
        error = await caught_from(shake_hands(scripted.port, client), Stage.TLS)
    assert isinstance(error, TlsError)
    assert error.code == "tls.closed"
    assert error.temporary


async def test_a_handshake_that_never_ends(client: ssl.SSLContext, good: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=good, implicit_tls=True, on={"TLS": Stall()}) as scripted:
        error = await caught_from(shake_hands(scripted.port, client, limit=0.1), Stage.TLS)
    assert error.code == "connect.timeout"
    assert error.temporary


async def test_starttls_with_a_bad_certificate(certificates: Any, client: ssl.SSLContext) -> None:
    stranger = certificates.context("unknown_authority")
    async with ScriptedServer(tls=stranger) as scripted, connected(scripted.port) as smtp:
        error = await caught_from(smtp.starttls(tls_context=client, server_hostname="localhost"), Stage.TLS)
    assert error.code == "tls.certificate-untrusted"


# --- names, addresses, ports ------------------------------------------------------------------------------------------


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as bound:  # bound, and nobody listens
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def open_tcp(host: str, port: int, local_addr: tuple[str, int] | None = None) -> None:
    await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port, local_addr=local_addr)


@pytest.mark.parametrize("host", ["no-such-host.invalid", f"{'a' * 70}.example", "a..b"])
async def test_unknown_host(host: str) -> None:
    error = await caught_from(open_tcp(host, 25), Stage.CONNECT, 25, host)
    assert isinstance(error, ConnectError)
    assert error.code == "connect.host-unknown"
    assert not error.temporary
    assert error.details["host"] == host


async def test_nothing_listens(closed_port: int) -> None:
    error = await caught_from(open_tcp("127.0.0.1", closed_port), Stage.CONNECT, closed_port)
    assert error.code == "connect.refused"
    assert error.temporary
    assert str(closed_port) in error.message


async def test_nothing_listens_on_any_address_of_a_host(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def both_addresses(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, closed_port))
            for address in ("127.0.0.1", "127.0.0.2")
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both_addresses)
    error = await caught_from(open_tcp("two-addresses.example", closed_port), Stage.CONNECT, closed_port)
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno is None  # asyncio joins the two in one text
    assert error.code == "connect.refused"


async def test_an_address_that_this_machine_does_not_have(closed_port: int) -> None:
    action = open_tcp("127.0.0.1", closed_port, local_addr=("192.0.2.1", 0))
    error = await caught_from(action, Stage.CONNECT)
    assert error.code == "connect.source-address"
    assert "source_address" in error.hint


async def test_a_network_that_cannot_be_reached() -> None:
    error = await caught_from(open_tcp("255.255.255.255", 25), Stage.CONNECT)  # TCP has no broadcast
    assert error.code in ("connect.unreachable", "connect.not-permitted")  # as the system puts it


@pytest.mark.parametrize(
    ("number", "code", "temporary"),
    [
        (errno.EHOSTUNREACH, "connect.unreachable", True),
        (errno.EPERM, "connect.not-permitted", False),
        (errno.EACCES, "connect.not-permitted", False),
        (errno.ENETUNREACH, "connect.unreachable", True),
        (errno.EMFILE, "connect", True),
    ],
)
def test_what_depends_on_the_network_around_this_machine(number: int, code: str, temporary: bool) -> None:
    error = translate(OSError(number, "as the system says"), Stage.CONNECT, host="h", port=25)
    assert isinstance(error, ConnectError)
    assert (error.code, error.temporary) == (code, temporary)


def test_a_name_server_that_does_not_answer() -> None:
    # provoking it would need another name server for this process
    error = translate(socket.gaierror(socket.EAI_AGAIN, "try again"), Stage.RESOLVE, host="h", port=25)
    assert error is not None
    assert (error.code, error.temporary) == ("connect.name-server", True)


async def test_a_connection_that_takes_too_long() -> None:
    async def connect() -> None:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()

    error = await caught_from(connect(), Stage.CONNECT)
    assert error.code == "connect.timeout"
    assert "firewall" in error.hint


@pytest.mark.parametrize("end", [Drop(), Reset()])
async def test_a_connection_that_breaks(end: Drop | Reset) -> None:
    async with ScriptedServer(on={"CONNECT": (b"220 hello", end)}) as scripted:
        reader, writer = await asyncio.open_connection(scripted.host, scripted.port)
        try:
            error = await caught_from(_read_on(reader), Stage.CONTENT)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    assert error.code == "connect.lost"
    assert error.temporary


async def _read_on(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"never")


# --- aiosmtplib -------------------------------------------------------------------------------------------------------


def smtp_client(port: int, **options: object) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, **options)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[aiosmtplib.SMTP]:
    smtp = smtp_client(port)
    await smtp.connect()
    try:
        yield smtp
    finally:
        smtp.close()


async def test_aiosmtplib_finds_nobody_listening(closed_port: int) -> None:
    assert (await caught_from(smtp_client(closed_port).connect(), Stage.CONNECT)).code == "connect.refused"


async def test_aiosmtplib_finds_no_host() -> None:
    smtp = aiosmtplib.SMTP(hostname="no-such-host.invalid", port=25, start_tls=False)
    assert (await caught_from(smtp.connect(), Stage.CONNECT)).code == "connect.host-unknown"


@pytest.mark.parametrize(
    ("greeting", "error", "code"),
    [
        (b"554 5.7.1 not you", RefusedError, "refused.client"),
        (b"421 4.3.2 going down", ConnectError, "connect.closing"),
        (Drop(), ConnectError, "connect.lost"),
        (Reset(), ConnectError, "connect.lost"),
        (Garbage(), ProtocolError, "protocol.malformed-reply"),
        (Stall(), ConnectError, "connect.timeout"),
    ],
)
async def test_aiosmtplib_is_greeted_badly(
    greeting: bytes | Drop | Reset | Garbage | Stall, error: type[DeliveryError], code: str
) -> None:
    async with ScriptedServer(on={"CONNECT": greeting}) as scripted:
        smtp = smtp_client(scripted.port, timeout=0.2)
        found = await caught_from(smtp.connect(), Stage.GREETING)
        smtp.close()
    assert (type(found), found.code) == (error, code)
    if code == "connect.timeout":
        assert "smtps" in found.hint


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        (b"535 5.7.8 no", AuthenticationError, "authentication.refused"),
        (b"454 4.7.0 later", AuthenticationError, "authentication.temporary"),
        (Raw(b"nonsense\r\n"), ProtocolError, "protocol.malformed-reply"),
        (Drop(), ConnectError, "connect.lost"),
    ],
)
async def test_aiosmtplib_is_refused(answer: bytes | Raw | Drop, error: type[DeliveryError], code: str) -> None:
    async with ScriptedServer(auth=["PLAIN"], on={"AUTH": answer}) as scripted, connected(scripted.port) as smtp:
        found = await caught_from(smtp.auth_plain("ada", "hush"), Stage.AUTHENTICATION)
    assert (type(found), found.code) == (error, code)
    assert "hush" not in str(found)


async def test_aiosmtplib_misses_an_extension(client: ssl.SSLContext) -> None:
    async with ScriptedServer() as scripted, connected(scripted.port) as smtp:
        found = await caught_from(smtp.starttls(tls_context=client), Stage.TLS)
    assert isinstance(found, ProtocolError)
    assert "STARTTLS" in found.message


# --- proxies ----------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def proxy(*answers: bytes) -> AsyncIterator[int]:
    """Run a SOCKS server that gives these answers, one per message, and yield its port."""

    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            for answer in answers:
                await reader.read(1000)
                writer.write(answer)
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        done.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await done.wait()


async def through(port: int, timeout: float = 20) -> None:
    from python_socks.async_.asyncio import Proxy

    await Proxy.from_url(f"socks5://ada:hush@127.0.0.1:{port}").connect("mail.example", 25, timeout=timeout)


async def test_a_proxy_that_is_not_there(closed_port: int) -> None:
    error = await caught_from(through(closed_port), Stage.CONNECT)
    assert (error.code, error.temporary) == ("connect.proxy-unreachable", True)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([b"\x05\xff"], "authentication"),
        ([b"\x05\x02", b"\x01\x01"], "authentication"),
        ([b"\x05\x02", b"\x01\x00", b"\x05\x02\x00\x01" + bytes(6)], "not allowed"),
    ],
)
async def test_a_proxy_that_refuses(answers: list[bytes], said: str) -> None:
    async with proxy(*answers) as port:
        error = await caught_from(through(port), Stage.CONNECT)
    assert error.code == "connect.proxy-refused"
    assert said in error.message.lower()
    assert "hush" not in str(error)


async def test_a_proxy_that_says_nothing() -> None:
    async with proxy() as port:
        error = await caught_from(through(port, timeout=0.1), Stage.CONNECT)
    assert (error.code, error.temporary) == ("connect.proxy-timeout", True)


# --- what is left alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyError("x"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")])
def test_a_programming_error_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translated(Stage.CONTENT, host="h", port=25):
        raise error
    assert caught.value is error


def test_our_own_errors_stay_what_they_are() -> None:
    error = RefusedError("no")
    with pytest.raises(RefusedError) as caught, translated(Stage.CONTENT, host="h", port=25):
        raise error
    assert caught.value is error


async def test_cancelling_stays_what_it_is() -> None:
    started: list[Callable[[], None]] = []

    async def wait() -> None:
        with translated(Stage.CONTENT, host="h", port=25):
            started.append(lambda: None)
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    assert started
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
