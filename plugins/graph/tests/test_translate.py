"""Trouble on the way: whether a message can have left decides what becomes of it."""

from __future__ import annotations

import errno
import socket
import ssl

import httpx
import pytest

from posthouse.errors import ConnectError, DeliveryError, Stage, TlsError
from posthouse_graph.translate import AnswerLostError, translated


def wrapped(cause: BaseException) -> httpx.ConnectError:
    """What httpx makes of an exception of the system."""
    error = httpx.ConnectError("wrapped")
    error.__cause__ = cause
    return error


def certificate(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("bad")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("error", "kind", "code", "stage"),
    [
        (httpx.ReadTimeout(""), AnswerLostError, "connect.timeout", Stage.CONNECT),
        (httpx.ReadError(""), AnswerLostError, "connect.lost", Stage.CONNECT),
        (httpx.RemoteProtocolError(""), AnswerLostError, "connect.lost", Stage.CONNECT),
        (httpx.WriteError(""), ConnectError, "connect.lost", Stage.CONNECT),
        (httpx.WriteTimeout(""), ConnectError, "connect.lost", Stage.CONNECT),
        (httpx.ConnectTimeout(""), ConnectError, "connect.timeout", Stage.CONNECT),
        (httpx.PoolTimeout(""), ConnectError, "connect.timeout", Stage.CONNECT),
        (httpx.ProxyError(""), ConnectError, "connect.proxy-refused", Stage.CONNECT),
        (httpx.ConnectError(""), ConnectError, "connect", Stage.CONNECT),
        (wrapped(ConnectionRefusedError(errno.ECONNREFUSED, "")), ConnectError, "connect.refused", Stage.CONNECT),
        (wrapped(OSError(errno.EHOSTUNREACH, "")), ConnectError, "connect.unreachable", Stage.CONNECT),
        (wrapped(OSError(errno.ENETUNREACH, "")), ConnectError, "connect.unreachable", Stage.CONNECT),
        (wrapped(socket.gaierror(socket.EAI_NONAME, "")), ConnectError, "connect.host-unknown", Stage.RESOLVE),
        (wrapped(socket.gaierror(socket.EAI_AGAIN, "")), ConnectError, "connect.name-server", Stage.RESOLVE),
        (wrapped(certificate(9)), TlsError, "tls.certificate-not-yet-valid", Stage.TLS),
        (wrapped(certificate(10)), TlsError, "tls.certificate-expired", Stage.TLS),
        (wrapped(certificate(18)), TlsError, "tls.certificate-self-signed", Stage.TLS),
        (wrapped(certificate(19)), TlsError, "tls.certificate-untrusted", Stage.TLS),
        (wrapped(certificate(62)), TlsError, "tls.hostname-mismatch", Stage.TLS),
        (wrapped(certificate(64)), TlsError, "tls.hostname-mismatch", Stage.TLS),
        (wrapped(ssl.SSLError("WRONG_VERSION_NUMBER")), TlsError, "tls.handshake", Stage.TLS),
        (TimeoutError(), ConnectError, "connect.timeout", Stage.CONNECT),
    ],
)
def test_every_trouble_has_its_error(error: Exception, kind: type[DeliveryError], code: str, stage: Stage) -> None:
    with pytest.raises(DeliveryError) as caught, translated("graph.example"):
        raise error
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.stage) == (code, stage)
    assert caught.value.hint
    assert caught.value.__cause__ is error
    assert "graph.example" in caught.value.message


def test_what_is_no_trouble_of_a_connection_passes() -> None:
    with pytest.raises(ZeroDivisionError), translated("graph.example"):
        raise ZeroDivisionError
