"""Turn the exceptions of httpx into Posthouse's own."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import evolve, frozen

from posthouse.errors import ConnectError, DeliveryError, Stage, TlsError

__all__ = ["AnswerLostError", "translated"]


class AnswerLostError(ConnectError):
    """A request was handed over, and no answer came: it may or may not have been obeyed."""

    default_code = "connect.lost"


@frozen
class _Meaning:
    """What a foreign exception amounts to."""

    error: type[DeliveryError]
    code: str
    what: str
    hint: str
    stage: Stage = Stage.CONNECT
    temporary: bool = True


_LOST = _Meaning(AnswerLostError, "connect.lost", "the connection broke before the answer", "Try again.")
_SILENT = evolve(
    _LOST, code="connect.timeout", what="no answer in time", hint="Try again later, or raise transport.timeout."
)
_UNFINISHED = _Meaning(ConnectError, "connect.lost", "the connection broke", "Try again.")
_TIMEOUT = _Meaning(
    ConnectError,
    "connect.timeout",
    "no connection in time",
    "Check the network of this machine, and whether a firewall or proxy is in between.",
)
_FAILED = _Meaning(
    ConnectError, "connect", "no connection", "Check base_url, and the network of this machine; some need a proxy."
)
_PROXY = _Meaning(
    ConnectError,
    "connect.proxy-refused",
    "the proxy refused to connect",
    "Check user name and password in the setting proxy, and whether the proxy allows this host.",
)
_HOST_UNKNOWN = _Meaning(
    ConnectError,
    "connect.host-unknown",
    "no such host",
    "Check the spelling of base_url; if it is right, check the name server of this machine.",
    stage=Stage.RESOLVE,
    temporary=False,
)
_NAME_SERVER = _Meaning(
    ConnectError,
    "connect.name-server",
    "the name server did not answer",
    "Try again later; check the name server of this machine.",
    stage=Stage.RESOLVE,
)
_SYSTEM: Mapping[int, _Meaning] = {
    errno.ECONNREFUSED: _Meaning(
        ConnectError,
        "connect.refused",
        "nothing listens there, or a firewall refuses",
        "Check base_url and proxy, and that the server runs.",
    ),
    errno.EHOSTUNREACH: evolve(_FAILED, code="connect.unreachable", what="no route to the host"),
    errno.ENETUNREACH: evolve(_FAILED, code="connect.unreachable", what="no route to the network"),
}
_UNTRUSTED = _Meaning(
    TlsError,
    "tls.certificate-untrusted",
    "no authority that this machine trusts vouches for the server's certificate",
    "If a proxy opens the encryption, or it is your own server, name the authority's certificate with ca_file.",
    stage=Stage.TLS,
    temporary=False,
)
_CERTIFICATE: Mapping[int, _Meaning] = {  # X509_V_ERR_… of OpenSSL's x509_vfy.h
    9: evolve(
        _UNTRUSTED,
        code="tls.certificate-not-yet-valid",
        what="the server's certificate is not valid yet",
        hint="Check the clock of this machine.",
    ),
    10: evolve(
        _UNTRUSTED,
        code="tls.certificate-expired",
        what="the server's certificate has expired",
        hint="Check the clock of this machine; if it is right, the server's administrator must renew it.",
    ),
    18: evolve(
        _UNTRUSTED,
        code="tls.certificate-self-signed",
        what="the server's certificate is signed by itself",
        hint="If this is your server, name its certificate with ca_file.",
    ),
    62: evolve(
        _UNTRUSTED,
        code="tls.hostname-mismatch",
        what="the server's certificate is for another name",
        hint="Use the name that the certificate holds in base_url.",
    ),
    64: evolve(
        _UNTRUSTED,
        code="tls.hostname-mismatch",
        what="the server's certificate is for another address",
        hint="Use the name that the certificate holds in base_url.",
    ),
}
_HANDSHAKE = _Meaning(
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


def _meaning(error: Exception) -> _Meaning:
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


def _of_the_cause(error: BaseException) -> _Meaning:
    """Look for the exception of the system that httpx and httpcore have wrapped."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE.get(cause.verify_code, _UNTRUSTED)
        if isinstance(cause, ssl.SSLError):
            return _HANDSHAKE
        if isinstance(cause, socket.gaierror):
            return _NAME_SERVER if cause.errno == socket.EAI_AGAIN else _HOST_UNKNOWN
        if isinstance(cause, OSError) and (meaning := _SYSTEM.get(cause.errno or 0)):
            return meaning
        if isinstance(cause, TimeoutError):
            return _TIMEOUT
        cause = cause.__cause__ or cause.__context__
    return _FAILED
