"""Turn the exceptions of requests, urllib3 and the sign-in libraries into Posthouse's own, by one table."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping

from attrs import evolve

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    PosthouseError,
    ProtocolError,
    Stage,
)
from posthouse.translation import (
    CERTIFICATE,
    CLIENT_CERTIFICATE,
    MISMATCH,
    NAME_SERVER,
    NOT_TLS,
    REFUSED,
    UNREACHABLE,
    UNTRUSTED,
    VERSION,
    Meaning,
    host_unknown,
)

__all__ = ["translate"]


_FAILED = Meaning(
    ConnectError, "connect", "no connection", "Check url, and the network of this machine.", temporary=True
)
_LOST = evolve(
    _FAILED,
    code="connect.lost",
    what="the connection broke",
    hint="Try again. If it always breaks here, look at the server's log and at proxies in between.",
)
_TIMEOUT = evolve(
    _FAILED,
    code="connect.timeout",
    what="no answer in time",
    hint="Check url, and whether a firewall drops the connection; a large message may need a longer timeout.",
)
_PROXY = Meaning(
    ConnectError,
    "connect.proxy-refused",
    "the proxy cannot be reached, or refused to connect to the server",
    "Check the setting proxy: address, user name and password, and whether it allows this server.",
    temporary=True,
)
_HOST_UNKNOWN = host_unknown("url")
_SYSTEM: Mapping[int, Meaning] = {
    errno.ECONNREFUSED: evolve(REFUSED, hint="Check the host and port in url, and that the server runs."),
    **{number: evolve(meaning, hint=_FAILED.hint) for number, meaning in UNREACHABLE.items()},
    errno.ETIMEDOUT: _TIMEOUT,
}

_MISMATCH = evolve(MISMATCH, hint="Use the name that the certificate holds in url.")
_CERTIFICATE: Mapping[int, Meaning] = {**CERTIFICATE, 62: _MISMATCH, 64: _MISMATCH}
_HANDSHAKE = evolve(
    UNTRUSTED,
    code="tls.handshake",
    what="the TLS handshake failed",
    hint="Check that url names an https server, and that it offers TLS 1.2 or newer.",
)
_CLOSED = evolve(
    _HANDSHAKE,
    code="tls.closed",
    what="the server closed the connection while it was encrypted",
    hint="Try again. If it stays, the server may want a certificate of this client: client_cert and client_key.",
    temporary=True,
)
_REASONS: tuple[tuple[tuple[str, ...], Meaning], ...] = (  # OpenSSL's names
    (
        ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE"),
        CLIENT_CERTIFICATE,
    ),
    (
        ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"),
        evolve(VERSION, hint="The server must offer TLS 1.2 or newer; its administrator can switch that on."),
    ),
    (
        ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER"),
        evolve(NOT_TLS, hint=_HANDSHAKE.hint),
    ),
    (("UNEXPECTED_EOF",), _CLOSED),
)
_SIGN_IN = Meaning(
    AuthenticationError,
    "authentication.handshake",
    "the sign-in was cut short",
    "Check that the server offers the kind of sign-in that auth names; a proxy in between may break NTLM and Kerberos.",
    stage=Stage.AUTHENTICATION,
    temporary=False,
)
_MALFORMED = Meaning(
    ProtocolError,
    "protocol",
    "what came back is no HTTP",
    "Check that url names an Exchange server.",
    Stage.CONTENT,
)


def translate(error: Exception, server: str) -> PosthouseError:
    """Return the error that an exception amounts to.

    Whether the request was handed over is not its affair: see `posthouse_ews.wire.Wire`.

    Args:
        error: what was raised.
        server: the server's name.
    """
    chain = tuple(_chain(error))
    own = next((cause for cause in chain if isinstance(cause, PosthouseError)), None)
    if own is not None:
        return own
    meaning = _meaning(chain)
    return meaning.error(
        f"{server}: {meaning.what}{_evidence(chain)}",
        code=meaning.code,
        stage=meaning.stage,
        temporary=meaning.temporary,
        hint=meaning.hint,
        details={"server": server},
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps; urllib3 keeps some in attributes."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, getattr(one, "reason", None), *one.args[:2], one.__context__]


def _meaning(chain: tuple[BaseException, ...]) -> Meaning:
    import requests
    from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError

    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(cause.verify_code, UNTRUSTED)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLZeroReturnError):
            reason = cause.reason or ("UNEXPECTED_EOF" if isinstance(cause, ssl.SSLEOFError) else "")
            return next((found for names, found in _REASONS if any(name in reason for name in names)), _HANDSHAKE)
    if any(isinstance(cause, ProxyError | requests.exceptions.ProxyError) for cause in chain):
        return _PROXY
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            return NAME_SERVER if cause.errno == socket.EAI_AGAIN else _HOST_UNKNOWN
        if isinstance(cause, OSError) and (known := _SYSTEM.get(cause.errno or 0)) is not None:
            return known
    if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in chain):
        return _TIMEOUT
    if any(isinstance(cause, NewConnectionError) for cause in chain):
        return _FAILED
    if any(isinstance(cause, ConnectionError | requests.ConnectionError) for cause in chain):
        return _LOST
    return _MALFORMED if isinstance(chain[0], requests.RequestException | HTTPError | OSError) else _SIGN_IN


def _evidence(chain: tuple[BaseException, ...]) -> str:
    words = next((getattr(cause, "verify_message", "") for cause in chain if hasattr(cause, "verify_message")), "")
    return f" ({words})" if words else ""
