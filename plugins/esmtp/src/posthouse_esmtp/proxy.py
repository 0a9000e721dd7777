"""Connect through a SOCKS or HTTP proxy, which looks the server's name up itself."""

from __future__ import annotations

import asyncio
import base64
import socket
from urllib.parse import SplitResult, unquote, urlsplit

import aiohappyeyeballs
from python_socks import ProxyConnectionError, ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy

from posthouse.errors import ConfigurationError, Stage
from posthouse.secrets import Secret
from posthouse_esmtp.settings import EsmtpSettings
from posthouse_esmtp.translate import translated

__all__ = ["connect_through"]

_DEFAULT_PORTS = {"socks5": 1080, "socks5h": 1080, "socks4": 1080, "http": 8080}
_LONGEST_HEAD = 16384


async def connect_through(proxy: Secret, settings: EsmtpSettings) -> socket.socket:
    """Return a socket that a proxy has connected to the account's server.

    Args:
        proxy: the proxy's URL, with its credentials.
        settings: the account's.

    Raises:
        ConfigurationError: the URL cannot be used (``connect.proxy-url``).
        ConnectError: the proxy cannot be reached, does not let us through, or finds no way (``connect.proxy-…``).
    """
    url = urlsplit(await asyncio.to_thread(proxy.reveal))
    try:
        port = url.port or _DEFAULT_PORTS.get(url.scheme, 0)
    except ValueError:
        port = 0
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or not port:
        raise ConfigurationError(
            "the proxy's URL cannot be used: expected socks5://HOST:PORT or http://HOST:PORT", code="connect.proxy-url"
        )
    with translated(Stage.CONNECT, host=settings.host, port=settings.port):
        if url.scheme == "http":
            return await _http_connect(url, url.hostname, port, settings)
        return await _socks_connect(url, url.hostname, port, settings)


async def _socks_connect(url: SplitResult, host: str, port: int, settings: EsmtpSettings) -> socket.socket:
    proxy = Proxy(
        ProxyType.SOCKS4 if url.scheme == "socks4" else ProxyType.SOCKS5,
        host,
        port,
        unquote(url.username) if url.username else None,
        unquote(url.password or "") if url.username else None,
        rdns=True,
    )
    local = {"local_addr": (settings.source_address, 0)} if settings.source_address else {}
    return await proxy.connect(settings.host, settings.port, timeout=settings.timeout, **local)


async def _http_connect(url: SplitResult, host: str, port: int, settings: EsmtpSettings) -> socket.socket:
    """Ask for a tunnel (RFC 9110 section 9.3.6).

    Not left to python-socks, which reads as much as there is: a mail server speaks first, and its greeting would be
    lost with the proxy's answer.
    """
    sock = await _reach(host, port, settings.source_address)
    try:
        await asyncio.get_running_loop().sock_sendall(sock, _connect_request(url, settings))
        _check_status(await _read_head(sock))
    except BaseException:
        sock.close()
        raise
    return sock


async def _read_head(sock: socket.socket) -> bytes:
    """Return the answer up to its empty line, and leave what follows where it is."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD:
        if not (byte := await asyncio.get_running_loop().sock_recv(sock, 1)):
            raise ProxyError("it closed the connection")
        head += byte
    return head


def _check_status(head: bytes) -> None:
    status = head.split(b"\r\n", 1)[0].decode("ascii", "backslashreplace")
    if status.split(" ")[1:2] != ["200"]:
        raise ProxyError(status)


def _connect_request(url: SplitResult, settings: EsmtpSettings) -> bytes:
    target = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if url.username:
        credentials = f"{unquote(url.username)}:{unquote(url.password or '')}".encode()
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(credentials).decode()}")
    return "\r\n".join([*lines, "", ""]).encode()


async def _reach(host: str, port: int, source: str) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        local = await loop.getaddrinfo(source, 0, type=socket.SOCK_STREAM) if source else None
        return await aiohappyeyeballs.start_connection(addresses, local_addr_infos=local, happy_eyeballs_delay=0.25)
    except OSError as error:
        raise ProxyConnectionError(error.errno, f"{host}:{port}: {error.strerror or error}") from error
