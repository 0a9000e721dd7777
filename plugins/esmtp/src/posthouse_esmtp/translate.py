"""Turn foreign exceptions (sockets, TLS, aiosmtplib, proxies) into Posthouse's own, by the table in `meanings`.

::

    with translated(Stage.CONNECT, host="mail.example.org", port=587):
        ...
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve

from posthouse.errors import DeliveryError, PosthouseError, ProtocolError, Reply, Stage
from posthouse.translation import NOT_TLS, Meaning
from posthouse_esmtp.answers import error_for
from posthouse_esmtp.meanings import (
    ADDRESS_LOOKUP,
    CERTIFICATE,
    CERTIFICATE_OTHER,
    CONNECT_FAILED,
    HANDSHAKE,
    HANDSHAKE_CLOSED,
    HANDSHAKE_OTHER,
    HOST_UNKNOWN,
    LOST,
    PROXY_REFUSED,
    PROXY_TIMEOUT,
    PROXY_UNREACHABLE,
    SILENT,
    SYSTEM,
    TIMEOUT,
)
from posthouse_esmtp.replies import split_enhanced

__all__ = ["translate", "translated"]


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
        meaning = Meaning(ProtocolError, "protocol", str(error), "Check that host and port belong to an SMTP server.")
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


def _proxy_meaning(error: BaseException) -> Meaning | None:
    from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError

    if isinstance(error, ProxyTimeoutError):
        return PROXY_TIMEOUT
    if isinstance(error, ProxyConnectionError):
        return PROXY_UNREACHABLE
    return PROXY_REFUSED if isinstance(error, ProxyError) else None


def _tls_meaning(error: BaseException, stage: Stage, port: int) -> Meaning | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return CERTIFICATE.get(error.verify_code, CERTIFICATE_OTHER)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLZeroReturnError):
        reason = error.reason or ""
        meaning = next((meaning for pattern, meaning in HANDSHAKE if pattern.search(reason)), HANDSHAKE_OTHER)
        return evolve(meaning, hint=_plain_text_hint(port)) if meaning is NOT_TLS else meaning
    if stage is Stage.TLS and isinstance(error, ConnectionError | EOFError):
        slow = "SSL handshake is taking longer" in str(error)  # how asyncio reports its own timeout
        return SILENT if slow else HANDSHAKE_CLOSED
    return None


def _plain_text_hint(port: int) -> str:
    if port == 465:
        return "Port 465 should speak TLS from the first byte, and this server does not; try port 587 with starttls."
    kind = "smtp" if port in (25, 2525) else "starttls"
    return f"Use transport kind {kind} on this port: it begins in plain text. Kind smtps is for port 465."


def _network_meaning(error: BaseException, stage: Stage) -> Meaning | None:
    if isinstance(error, socket.gaierror):
        return ADDRESS_LOOKUP.get(error.errno or 0, HOST_UNKNOWN)
    if isinstance(error, UnicodeError):  # what the idna codec makes of an impossible name
        return HOST_UNKNOWN if stage in (Stage.RESOLVE, Stage.CONNECT) else None
    if isinstance(error, TimeoutError):
        return TIMEOUT if stage in (Stage.RESOLVE, Stage.CONNECT) else SILENT
    if isinstance(error, OSError):
        known = (SYSTEM[number] for number in _numbers(error) if number in SYSTEM)
        return next(known, LOST if isinstance(error, ConnectionError) else CONNECT_FAILED)
    return LOST if isinstance(error, EOFError) else None


def _numbers(error: OSError) -> list[int]:
    """Return the system's error numbers; asyncio joins those of several addresses of a host in one text."""
    return [error.errno] if error.errno else [int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error))]


def _evidence(error: BaseException) -> str:
    """Return what the library said, where that adds a fact: the name in a certificate, a proxy's words."""
    words = getattr(error, "verify_message", "") or (
        str(error) if type(error).__module__.startswith("python_socks") else ""
    )
    return f" ({words})" if words else ""
