"""The HTTPS connection under requests: one account's own trust, and whether a request was handed over.

Import it in a worker thread: requests and urllib3 take their time.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPSConnection

if TYPE_CHECKING:
    import ssl

    from requests.auth import AuthBase

    from posthouse.tls.trust import Trust

__all__ = ["USER_AGENT", "Wire", "open_session"]

USER_AGENT = "posthouse-ews"


class Wire:
    """What is known of the connection of one session.

    Args:
        trust: how the server proves who it is.

    Attributes:
        trust: the same.
        handed_over: True once a request was written to its last byte. Whoever sends one sets it to False before.
        security: TLS version of the connection; ``"TLS"`` before there is one.
    """

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self.handed_over = False
        self.security = "TLS"
        self._socket: ssl.SSLSocket | None = None

    def opened(self, sock: Any) -> None:
        """Look at a connection before anything is sent.

        Raises:
            TlsError: its certificate is not one of the pinned ones.
        """
        self.trust.check(sock)
        self.security = sock.version() or self.security
        self._socket = sock

    def abort(self) -> None:
        """Cut the connection, so that a thread that waits for the server wakes up. From any thread."""
        sock = self._socket
        if sock is not None:
            with suppress(OSError):  # it is closed already
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not SSLSocket's own: that changes what the other uses


class _Connection(HTTPSConnection):
    def __init__(self, wire: Wire, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wire = wire

    def connect(self) -> None:
        super().connect()
        self._wire.opened(self.sock)
        self.is_verified = True  # as far as the account wants it; urllib3 would warn of what `test` warns of

    def request(self, *args: Any, **kwargs: Any) -> None:
        super().request(*args, **kwargs)
        self._wire.handed_over = True


class _Adapter(HTTPAdapter):
    """Trusts what the account trusts: requests would add its own authorities, and those of the environment."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0, pool_block=True)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **self._tls(), **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": self._pool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **self._tls(), **kwargs)
        manager.pool_classes_by_scheme = {"https": self._pool}
        return manager

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify=True)
        return host, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the connection as it is: its context knows everything."""

    def _tls(self) -> dict[str, Any]:
        context = self._wire.trust.context
        return {"ssl_context": context, "assert_hostname": None if context.check_hostname else False}

    def _pool(self, *args: Any, **kwargs: Any) -> HTTPSConnectionPool:
        pool = HTTPSConnectionPool(*args, **kwargs)
        pool.ConnectionCls = partial(_Connection, self._wire)  # type: ignore[assignment]
        return pool


def open_session(wire: Wire, auth: AuthBase | None, proxy: str = "") -> requests.Session:
    """Return a session for one server, which connects when it is first used.

    Args:
        wire: what its connection is like.
        auth: signs requests in.
        proxy: URL of the proxy; empty for none. Nothing is taken from the environment.
    """
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", _Adapter(wire))
    session.auth = auth
    session.proxies = {"https": proxy} if proxy else {}
    session.headers["User-Agent"] = USER_AGENT
    return session
