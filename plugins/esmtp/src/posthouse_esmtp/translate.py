"""The one table that turns foreign exceptions (sockets, TLS, aiosmtplib, proxies) into Posthouse's own.

::

    with translated(Stage.CONNECT, host="mail.example.org", port=587):
        ...
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import evolve, frozen

from posthouse.errors import ConnectError, DeliveryError, PosthouseError, ProtocolError, Reply, Stage, TlsError
from posthouse_esmtp.answers import error_for
from posthouse_esmtp.replies import split_enhanced

__all__ = ["translate", "translated"]


@frozen
class _Meaning:
    """What a foreign exception amounts to."""

    error: type[DeliveryError]
    code: str
    what: str
    hint: str
    temporary: bool = False


_HOST_UNKNOWN = _Meaning(
    ConnectError,
    "connect.host-unknown",
    "no such host",
    "Check the spelling of host; if it is right, check the name server of this machine.",
)
_LOST = _Meaning(
    ConnectError,
    "connect.lost",
    "the connection broke",
    "Try again. If it always breaks here, look at the server's log and at firewalls in between.",
    temporary=True,
)
_TIMEOUT = _Meaning(
    ConnectError,
    "connect.timeout",
    "no answer in time",
    "Check host and port, and whether a firewall drops the connection; many networks block port 25.",
    temporary=True,
)
_SILENT = evolve(
    _TIMEOUT,
    what="the server accepted the connection and did not answer in time",
    hint="If this port wants TLS from the first byte (465 does), use transport kind smtps; else the server is slow.",
)
_CONNECT_FAILED = _Meaning(
    ConnectError, "connect", "no connection", "Check host and port, and the network of this machine.", temporary=True
)

_ADDRESS_LOOKUP: Mapping[int, _Meaning] = {
    socket.EAI_AGAIN: _Meaning(
        ConnectError,
        "connect.name-server",
        "the name server did not answer",
        "Try again later; check the name server of this machine.",
        temporary=True,
    ),
}

_SYSTEM: Mapping[int, _Meaning] = {
    errno.ECONNREFUSED: _Meaning(
        ConnectError,
        "connect.refused",
        "nothing listens there, or a firewall refuses",
        "Check the port (587 for starttls, 465 for smtps, 25 for smtp) and that the server runs.",
        temporary=True,
    ),
    errno.EHOSTUNREACH: _Meaning(
        ConnectError,
        "connect.unreachable",
        "no route to the host",
        "Check the network of this machine.",
        temporary=True,
    ),
    errno.ENETUNREACH: _Meaning(
        ConnectError,
        "connect.unreachable",
        "no route to the network",
        "Check the network of this machine.",
        temporary=True,
    ),
    errno.EADDRNOTAVAIL: _Meaning(
        ConnectError,
        "connect.source-address",
        "this machine has no such address to send from",
        "Correct source_address, or leave it out.",
    ),
    errno.EACCES: _Meaning(
        ConnectError, "connect.not-permitted", "this machine forbids it", "Check the firewall of this machine."
    ),
    errno.EPERM: _Meaning(
        ConnectError, "connect.not-permitted", "this machine forbids it", "Check the firewall of this machine."
    ),
    errno.ETIMEDOUT: _TIMEOUT,
    errno.ECONNRESET: _LOST,
    errno.ECONNABORTED: _LOST,
    errno.EPIPE: _LOST,
}

_UNTRUSTED = _Meaning(
    TlsError,
    "tls.certificate-untrusted",
    "no authority that this machine trusts vouches for the server's certificate",
    "If it is your own authority, name its certificate with ca_file; if the server forgot to send an intermediate "
    "certificate, its administrator must add it.",
)
_MISMATCH = _Meaning(
    TlsError,
    "tls.hostname-mismatch",
    "the server's certificate is for another name",
    "Use the name that the certificate holds as host, or state it as server_name.",
)
_WEAK = _Meaning(
    TlsError,
    "tls.certificate-weak",
    "the server's certificate is too weak",
    "The server's administrator must replace it by one with a longer key and SHA-256.",
)
_CERTIFICATE: Mapping[int, _Meaning] = {  # X509_V_ERR_… of OpenSSL's x509_vfy.h
    9: _Meaning(
        TlsError,
        "tls.certificate-not-yet-valid",
        "the server's certificate is not valid yet",
        "Check the clock of this machine; if it is right, tell the server's administrator.",
    ),
    10: _Meaning(
        TlsError,
        "tls.certificate-expired",
        "the server's certificate has expired",
        "The server's administrator must renew it. Check the clock of this machine, too.",
    ),
    18: _Meaning(
        TlsError,
        "tls.certificate-self-signed",
        "the server's certificate is signed by itself",
        "If this is your server, compare the certificate's SHA-256 fingerprint with the server's and put it into "
        "trusted_certificates.",
    ),
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
    23: _Meaning(
        TlsError,
        "tls.certificate-revoked",
        "the server's certificate was revoked",
        "Do not send anything; the server's administrator must replace it.",
    ),
    62: _MISMATCH,
    64: _MISMATCH,
    66: _WEAK,
    67: _WEAK,
    68: _WEAK,
}
_CERTIFICATE_OTHER = evolve(
    _UNTRUSTED,
    code="tls.certificate",
    what="the server's certificate cannot be verified",
    hint="Tell the server's administrator, or trust this certificate explicitly with trusted_certificates.",
)

_NOT_TLS = _Meaning(TlsError, "tls.not-tls", "the server speaks plain text where TLS was expected", "")
_HANDSHAKE: tuple[tuple[re.Pattern[str], _Meaning], ...] = (  # searched in OpenSSL's name of the reason
    (re.compile("WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_LAYER"), _NOT_TLS),
    (
        re.compile("PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_LOW"),
        _Meaning(
            TlsError,
            "tls.version",
            "server and account allow no TLS version in common",
            "The server should offer TLS 1.2 or newer. If it cannot, lower tls_min, though old versions are weak.",
        ),
    ),
    (
        re.compile("CERTIFICATE_REQUIRED|ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|ACCESS_DENIED)"),
        _Meaning(
            TlsError,
            "tls.client-certificate",
            "the server does not accept this client's certificate, or wants one",
            "Set client_cert and client_key to a certificate that the server accepts.",
        ),
    ),
    (
        re.compile("UNRECOGNIZED_NAME"),
        evolve(_MISMATCH, what="the server does not know the name that it is called by"),
    ),
    (
        re.compile("UNEXPECTED_EOF"),
        _Meaning(
            TlsError,
            "tls.closed",
            "the server closed the connection during the TLS handshake",
            "Check the port; if it is right, the server may be overloaded or allow other TLS versions only.",
            temporary=True,
        ),
    ),
)
_HANDSHAKE_CLOSED = _HANDSHAKE[-1][1]
_HANDSHAKE_OTHER = _Meaning(
    TlsError,
    "tls.handshake",
    "the TLS handshake failed",
    "Server and client may share no cipher: ask the server's administrator which TLS versions and ciphers it offers.",
)

_PROXY_UNREACHABLE = _Meaning(
    ConnectError,
    "connect.proxy-unreachable",
    "the proxy cannot be reached",
    "Check the setting proxy, and that the proxy runs.",
    temporary=True,
)
_PROXY_TIMEOUT = evolve(
    _PROXY_UNREACHABLE, code="connect.proxy-timeout", what="the proxy did not answer in time", temporary=True
)
_PROXY_REFUSED = _Meaning(
    ConnectError,
    "connect.proxy-refused",
    "the proxy refused to connect to the server",
    "Check user name and password in the setting proxy, and whether the proxy allows this port.",
)


@contextmanager
def translated(stage: Stage, *, host: str, port: int) -> Iterator[None]:
    """Raise what the block raises as a `DeliveryError`, chained with ``from``.

    Posthouse's own errors, cancellation, and what is no trouble of a connection (a programming error) pass unchanged.

    Args:
        stage: what the block does.
        host: the server.
        port: its port.
    """
    try:
        yield
    except PosthouseError:
        raise
    except Exception as error:
        problem = translate(error, stage, host=host, port=port)
        if problem is None:
            raise
        raise problem from error


def translate(error: BaseException, stage: Stage, *, host: str, port: int) -> DeliveryError | None:
    """Return the error that a foreign exception amounts to, None if it is no trouble of a connection.

    Args:
        error: what was raised.
        stage: what was being done.
        host: the server.
        port: its port.
    """
    import aiosmtplib

    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _from_response(error.code, error.message, stage, host, port)
    if isinstance(error, aiosmtplib.SMTPException) and isinstance(error.__cause__, OSError | aiosmtplib.SMTPException):
        return translate(error.__cause__, stage, host=host, port=port)
    meaning = _proxy_meaning(error) or _tls_meaning(error, stage, port) or _network_meaning(error, stage)
    if meaning is None and isinstance(error, aiosmtplib.SMTPException):
        meaning = _Meaning(ProtocolError, "protocol", str(error), "Check that host and port belong to an SMTP server.")
    if meaning is None:
        return None
    return meaning.error(
        f"{host}:{port}: {meaning.what}{_evidence(error)}",
        code=meaning.code,
        stage=stage,
        temporary=meaning.temporary,
        hint=meaning.hint,
        details={"host": host, "port": port},
    )


def _from_response(code: int, text: str, stage: Stage, host: str, port: int) -> DeliveryError:
    if code < 200:  # aiosmtplib's mark for what is no reply
        return ProtocolError(
            f"{host}:{port}: the server sent what is no SMTP reply",
            code="protocol.malformed-reply",
            stage=stage,
            hint="Check that host and port belong to an SMTP server.",
            details={"host": host, "port": port},
        )
    return error_for(Reply(code, *split_enhanced(code, text)), stage, server=f"{host}:{port}")


def _proxy_meaning(error: BaseException) -> _Meaning | None:
    from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

    if isinstance(error, ProxyTimeoutError):
        return _PROXY_TIMEOUT
    if isinstance(error, ProxyConnectionError):
        return _PROXY_UNREACHABLE
    return _PROXY_REFUSED if isinstance(error, ProxyError) else None


def _tls_meaning(error: BaseException, stage: Stage, port: int) -> _Meaning | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(error.verify_code, _CERTIFICATE_OTHER)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLZeroReturnError):
        reason = error.reason or ""
        meaning = next((meaning for pattern, meaning in _HANDSHAKE if pattern.search(reason)), _HANDSHAKE_OTHER)
        return evolve(meaning, hint=_plain_text_hint(port)) if meaning is _NOT_TLS else meaning
    if stage is Stage.TLS and isinstance(error, ConnectionError | EOFError):
        slow = "SSL handshake is taking longer" in str(error)  # how asyncio reports its own timeout
        return _SILENT if slow else _HANDSHAKE_CLOSED
    return None


def _plain_text_hint(port: int) -> str:
    if port == 465:
        return "Port 465 should speak TLS from the first byte, and this server does not; try port 587 with starttls."
    kind = "smtp" if port in (25, 2525) else "starttls"
    return f"Use transport kind {kind} on this port: it begins in plain text. Kind smtps is for port 465."


def _network_meaning(error: BaseException, stage: Stage) -> _Meaning | None:
    if isinstance(error, socket.gaierror):
        return _ADDRESS_LOOKUP.get(error.errno or 0, _HOST_UNKNOWN)
    if isinstance(error, UnicodeError):  # what the idna codec makes of an impossible name
        return _HOST_UNKNOWN if stage in (Stage.RESOLVE, Stage.CONNECT) else None
    if isinstance(error, TimeoutError):
        return _TIMEOUT if stage in (Stage.RESOLVE, Stage.CONNECT) else _SILENT
    if isinstance(error, OSError):
        known = (_SYSTEM[number] for number in _numbers(error) if number in _SYSTEM)
        return next(known, _LOST if isinstance(error, ConnectionError) else _CONNECT_FAILED)
    return _LOST if isinstance(error, EOFError) else None


def _numbers(error: OSError) -> list[int]:
    """Return the system's error numbers; asyncio joins those of several addresses of a host in one text."""
    return [error.errno] if error.errno else [int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error))]


def _evidence(error: BaseException) -> str:
    """Return what the library said, where that adds a fact: the name in a certificate, a proxy's words."""
    words = getattr(error, "verify_message", "") or (
        str(error) if type(error).__module__.startswith("python_socks") else ""
    )
    return f" ({words})" if words else ""
