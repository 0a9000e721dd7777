"""Turn the exceptions of httpx into Posthouse's own."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import evolve

from posthouse.errors import ConnectError, Stage, TlsError
from posthouse.translation import (
    CERTIFICATE,
    MISMATCH,
    NAME_SERVER,
    REFUSED,
    UNREACHABLE,
    UNTRUSTED,
    Meaning,
    host_unknown,
)

__all__ = ["AnswerLostError", "translated"]


class AnswerLostError(ConnectError):
    """A request was handed over, and no answer came: it may or may not have been obeyed."""

    default_code = "connect.lost"


_LOST = Meaning(AnswerLostError, "connect.lost", "the connection broke before the answer", "Try again.", temporary=True)
_SILENT = evolve(
    _LOST, code="connect.timeout", what="no answer in time", hint="Try again later, or raise transport.timeout."
)
_UNFINISHED = Meaning(ConnectError, "connect.lost", "the connection broke", "Try again.", temporary=True)
_TIMEOUT = Meaning(
    ConnectError,
    "connect.timeout",
    "no connection in time",
    "Check the network of this machine, and whether a firewall or proxy is in between.",
    temporary=True,
)
_FAILED = Meaning(
    ConnectError,
    "connect",
    "no connection",
    "Check base_url, and the network of this machine; some need a proxy.",
    temporary=True,
)
_PROXY = Meaning(
    ConnectError,
    "connect.proxy-refused",
    "the proxy refused to connect",
    "Check user name and password in the setting proxy, and whether the proxy allows this host.",
    temporary=True,
)
_HOST_UNKNOWN = host_unknown("base_url")
_SYSTEM: Mapping[int, Meaning] = {
    errno.ECONNREFUSED: evolve(REFUSED, hint="Check base_url and proxy, and that the server runs."),
    **{number: evolve(meaning, hint=_FAILED.hint) for number, meaning in UNREACHABLE.items()},
}
_UNTRUSTED = evolve(
    UNTRUSTED,
    hint="If a proxy opens the encryption, or it is your own server, name the authority's certificate with ca_file.",
)
_MISMATCH = evolve(MISMATCH, hint="Use the name that the certificate holds in base_url.")
_CERTIFICATE: Mapping[int, Meaning] = {
    9: evolve(CERTIFICATE[9], hint="Check the clock of this machine."),
    10: evolve(
        CERTIFICATE[10],
        hint="Check the clock of this machine; if it is right, the server's administrator must renew it.",
    ),
    18: evolve(CERTIFICATE[18], hint="If this is your server, name its certificate with ca_file."),
    62: _MISMATCH,
    64: evolve(_MISMATCH, what="the server's certificate is for another address"),
}
_HANDSHAKE = Meaning(
    TlsError,
    "tls.handshake",
    "the TLS handshake failed",
    "Check that base_url names an https server; a proxy in between may have to be named with proxy.",
    stage=Stage.TLS,
    temporary=False,
)


@contextmanager
def translated(server: str) -> Iterator[None]:
    """Raise what the block raises as a `DeliveryError`, chained with ``from``.

    Raises:
        AnswerLostError: the request was handed over, or may have been.
        ConnectError, TlsError: it was not.
    """
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        meaning = _meaning(error)
        raise meaning.error(
            f"{server}: {meaning.what}",
            code=meaning.code,
            stage=meaning.stage,
            temporary=meaning.temporary,
            hint=meaning.hint,
            details={"server": server},
        ) from error


def _meaning(error: Exception) -> Meaning:
    import httpx

    if isinstance(error, httpx.ConnectError | OSError):
        return _of_the_cause(error)
    if isinstance(error, httpx.ProxyError):
        return _PROXY
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return _TIMEOUT
    if isinstance(error, httpx.WriteError | httpx.WriteTimeout | httpx.LocalProtocolError):
        return _UNFINISHED  # the server never saw the end of the request, so it cannot obey
    return _SILENT if isinstance(error, httpx.TimeoutException) else _LOST


def _of_the_cause(error: BaseException) -> Meaning:
    """Look for the exception of the system that httpx and httpcore have wrapped."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(cause.verify_code, _UNTRUSTED)
        if isinstance(cause, ssl.SSLError):
            return _HANDSHAKE
        if isinstance(cause, socket.gaierror):
            return NAME_SERVER if cause.errno == socket.EAI_AGAIN else _HOST_UNKNOWN
        if isinstance(cause, OSError) and (meaning := _SYSTEM.get(cause.errno or 0)):
            return meaning
        if isinstance(cause, TimeoutError):
            return _TIMEOUT
        cause = cause.__cause__ or cause.__context__
    return _FAILED
