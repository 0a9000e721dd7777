"""Each kind of untrustworthy connection is refused with its own error, and before anything is sent."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from posthouse.accounts import Account
from posthouse.errors import ConfigurationError, ConnectError, PosthouseError, TlsError
from posthouse.providers import Credential
from posthouse.secrets import Secret
from posthouse_ews.opening import open_connection
from posthouse_ews.settings import EwsSettings
from posthouse_sandbox import Authority

from .conftest import Exchange, submission


async def code_of(account: Account, settings: EwsSettings, credential: Credential) -> str:
    with pytest.raises(PosthouseError) as caught:
        await open_connection(account, settings, credential)
    assert caught.value.hint
    return caught.value.code


async def works(account: Account, settings: EwsSettings, credential: Credential) -> bool:
    connection = await open_connection(account, settings, credential)
    delivery = await connection.send(submission())
    await connection.close()
    return delivery.error is None


def fingerprint(authority: Authority, kind: str) -> str:
    pem = authority.server(kind).certificate_file.read_text().partition("-----END CERTIFICATE-----")[0]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem + "-----END CERTIFICATE-----")).hexdigest()


@pytest.mark.parametrize(
    ("door_options", "code"),
    [
        ({"certificate": "expired"}, "tls.certificate-expired"),
        ({"certificate": "wrong-host"}, "tls.hostname-mismatch"),
        ({"certificate": "self-signed"}, "tls.certificate-self-signed"),
    ],
)
async def test_bad_certificates(exchange: Exchange, account: Account, basic: Credential, code: str) -> None:
    assert await code_of(account, exchange.settings(), basic) == code
    assert exchange.operations() == []
    assert exchange.door.refused == 0


@pytest.mark.parametrize("door_options", [{"certificate": "wrong-host"}])
async def test_ca_only_takes_any_name(exchange: Exchange, account: Account, basic: Credential) -> None:
    assert await works(account, exchange.settings(verify="ca-only"), basic)


@pytest.mark.parametrize("door_options", [{"certificate": "self-signed"}, {"certificate": "expired"}])
async def test_none_takes_anything(exchange: Exchange, account: Account, basic: Credential) -> None:
    assert await works(account, exchange.settings(verify="none"), basic)


@pytest.mark.parametrize("door_options", [{"certificate": "self-signed"}])
async def test_a_pinned_certificate_is_the_only_one(
    exchange: Exchange, account: Account, basic: Credential, authority: Authority
) -> None:
    right, wrong = fingerprint(authority, "self-signed"), fingerprint(authority, "valid")
    assert await works(account, exchange.settings(trusted_certificates=(right,)), basic)
    before = exchange.operations()
    assert await code_of(account, exchange.settings(trusted_certificates=(wrong,)), basic) == "tls.fingerprint"
    assert exchange.operations() == before


@pytest.mark.parametrize("door_options", [{"certificate": "self-signed"}])
async def test_a_trusted_file_is_trusted(
    exchange: Exchange, account: Account, basic: Credential, authority: Authority
) -> None:
    file = str(authority.server("self-signed").certificate_file)
    assert await works(account, exchange.settings(trusted_certificates=(file,)), basic)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
async def test_the_environment_never_overrides_ca_file(
    exchange: Exchange,
    account: Account,
    basic: Credential,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    other = Authority(tmp_path / "other")
    monkeypatch.setenv(variable, str(other.ca_file))
    assert await works(account, exchange.settings(), basic)
    monkeypatch.setenv(variable, str(exchange.sandbox.ca_file))
    assert await code_of(account, exchange.settings(ca_file=other.ca_file), basic) == "tls.certificate-untrusted"


async def test_proxies_of_the_environment_are_not_used(
    exchange: Exchange, account: Account, basic: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert await works(account, exchange.settings(), basic)


async def test_the_accounts_own_proxy_is_used(exchange: Exchange, account: Account, basic: Credential) -> None:
    asked: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        there, to = await asyncio.open_connection("127.0.0.1", exchange.door.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, to), pump(there, writer))

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
        target.close()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        proxy = f"http://ada:hunter2@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await works(account, exchange.settings(proxy=Secret.literal(proxy)), basic)
    assert asked[0].startswith(b"CONNECT localhost:")
    assert b"Proxy-Authorization: Basic " in asked[0]


async def test_a_proxy_that_is_not_there(exchange: Exchange, account: Account, basic: Credential) -> None:
    proxy = Secret.literal(f"http://ada:hunter2@127.0.0.1:{closed_port()}")
    with pytest.raises(ConnectError) as caught:
        await open_connection(account, exchange.settings(proxy=proxy), basic)
    assert caught.value.code == "connect.proxy-refused"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"ca_file": Path("gone.pem")}, "tls.ca-file"),
        ({"trusted_certificates": ("gone.pem",)}, "tls.trusted-certificate"),
        ({"trusted_certificates": (__file__,)}, "tls.trusted-certificate"),
        ({"client_cert": Path("gone.pem")}, "tls.client-cert"),
    ],
)
async def test_files_that_cannot_be_used(
    exchange: Exchange, account: Account, basic: Credential, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await open_connection(account, exchange.settings(**options), basic)
    assert caught.value.code == code


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_nothing_listens(exchange: Exchange, account: Account, basic: Credential) -> None:
    settings = exchange.settings(url=f"https://127.0.0.1:{closed_port()}/EWS/Exchange.asmx")
    with pytest.raises(ConnectError) as caught:
        await open_connection(account, settings, basic)
    assert (caught.value.code, caught.value.temporary) == ("connect.refused", True)


async def test_no_such_host(exchange: Exchange, account: Account, basic: Credential) -> None:
    settings = exchange.settings(url="https://nowhere.invalid/EWS/Exchange.asmx")
    assert await code_of(account, settings, basic) in {"connect.host-unknown", "connect.name-server"}


async def test_a_server_without_tls(exchange: Exchange, account: Account, basic: Credential) -> None:
    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await code_of(account, exchange.settings(url=f"https://127.0.0.1:{port}/"), basic) == "tls.not-tls"


async def test_client_certificates(exchange: Exchange, account: Account, basic: Credential) -> None:
    context = exchange.sandbox.authority.server_context(client_certificates=True)

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    client = exchange.sandbox.authority.client()
    async with await asyncio.start_server(close, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/EWS/Exchange.asmx"
        # With TLS 1.3 the server's alert and the client's first words cross on the way: either may come first, and
        # words that reach a closed socket are answered by a reset, which overtakes the alert.
        code = await code_of(account, exchange.settings(url=url), basic)
        assert code in {"tls.client-certificate", "tls.closed", "connect.lost"}
        settings = exchange.settings(url=url, client_cert=client.certificate_file, client_key=client.key_file)
        assert await code_of(account, settings, basic) == "protocol.not-ews"


async def test_the_error_is_of_its_class(exchange: Exchange, account: Account, basic: Credential) -> None:
    with pytest.raises(TlsError):
        await open_connection(account, exchange.settings(ca_file=None), basic)
