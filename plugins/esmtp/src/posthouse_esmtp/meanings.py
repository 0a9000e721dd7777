"""What each foreign exception amounts to: error, code, words, next step. Pure data; `translate` looks it up."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Mapping

from attrs import evolve

from posthouse import translation
from posthouse.errors import ConnectError, TlsError
from posthouse.translation import (
    CLIENT_CERTIFICATE,
    NAME_SERVER,
    NOT_TLS,
    REFUSED,
    UNREACHABLE,
    UNTRUSTED,
    VERSION,
    Meaning,
    host_unknown,
)

__all__ = [
    "ADDRESS_LOOKUP",
    "CERTIFICATE",
    "CERTIFICATE_OTHER",
    "CONNECT_FAILED",
    "HANDSHAKE",
    "HANDSHAKE_CLOSED",
    "HANDSHAKE_OTHER",
    "HOST_UNKNOWN",
    "LOST",
    "PROXY_REFUSED",
    "PROXY_TIMEOUT",
    "PROXY_UNREACHABLE",
    "SILENT",
    "SYSTEM",
    "TIMEOUT",
]


HOST_UNKNOWN = host_unknown("host")
LOST = Meaning(
    ConnectError,
    "connect.lost",
    "the connection broke",
    "Try again. If it always breaks here, look at the server's log and at firewalls in between.",
    temporary=True,
)
TIMEOUT = Meaning(
    ConnectError,
    "connect.timeout",
    "no answer in time",
    "Check host and port, and whether a firewall drops the connection; many networks block port 25.",
    temporary=True,
)
SILENT = evolve(
    TIMEOUT,
    what="the server accepted the connection and did not answer in time",
    hint="If this port wants TLS from the first byte (465 does), use transport kind smtps; else the server is slow.",
)
CONNECT_FAILED = Meaning(
    ConnectError, "connect", "no connection", "Check host and port, and the network of this machine.", temporary=True
)

ADDRESS_LOOKUP: Mapping[int, Meaning] = {socket.EAI_AGAIN: NAME_SERVER}

SYSTEM: Mapping[int, Meaning] = {
    **UNREACHABLE,
    errno.ECONNREFUSED: evolve(
        REFUSED, hint="Check the port (587 for starttls, 465 for smtps, 25 for smtp) and that the server runs."
    ),
    errno.EADDRNOTAVAIL: Meaning(
        ConnectError,
        "connect.source-address",
        "this machine has no such address to send from",
        "Correct source_address, or leave it out.",
    ),
    errno.EACCES: Meaning(
        ConnectError, "connect.not-permitted", "this machine forbids it", "Check the firewall of this machine."
    ),
    errno.EPERM: Meaning(
        ConnectError, "connect.not-permitted", "this machine forbids it", "Check the firewall of this machine."
    ),
    errno.ETIMEDOUT: TIMEOUT,
    errno.ECONNRESET: LOST,
    errno.ECONNABORTED: LOST,
    errno.EPIPE: LOST,
}

MISMATCH = evolve(
    translation.MISMATCH, hint="Use the name that the certificate holds as host, or state it as server_name."
)
WEAK = Meaning(
    TlsError,
    "tls.certificate-weak",
    "the server's certificate is too weak",
    "The server's administrator must replace it by one with a longer key and SHA-256.",
)
CERTIFICATE: Mapping[int, Meaning] = {  # X509_V_ERR_… of OpenSSL's x509_vfy.h
    **translation.CERTIFICATE,
    19: UNTRUSTED,
    20: UNTRUSTED,
    21: UNTRUSTED,
    23: Meaning(
        TlsError,
        "tls.certificate-revoked",
        "the server's certificate was revoked",
        "Do not send anything; the server's administrator must replace it.",
    ),
    62: MISMATCH,
    64: MISMATCH,
    66: WEAK,
    67: WEAK,
    68: WEAK,
}
CERTIFICATE_OTHER = evolve(
    UNTRUSTED,
    code="tls.certificate",
    what="the server's certificate cannot be verified",
    hint="Tell the server's administrator, or trust this certificate explicitly with trusted_certificates.",
)

HANDSHAKE: tuple[tuple[re.Pattern[str], Meaning], ...] = (  # searched in OpenSSL's name of the reason
    (re.compile("WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_LAYER"), NOT_TLS),
    (
        re.compile("PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS_AVAILABLE|VERSION_TOO_LOW"),
        evolve(
            VERSION,
            hint="The server should offer TLS 1.2 or newer. If it cannot, lower tls_min, though old versions are weak.",
        ),
    ),
    (
        re.compile("CERTIFICATE_REQUIRED|ALERT_(BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_|ACCESS_DENIED)"),
        CLIENT_CERTIFICATE,
    ),
    (
        re.compile("UNRECOGNIZED_NAME"),
        evolve(MISMATCH, what="the server does not know the name that it is called by"),
    ),
    (
        re.compile("UNEXPECTED_EOF"),
        Meaning(
            TlsError,
            "tls.closed",
            "the server closed the connection during the TLS handshake",
            "Check the port; if it is right, the server may be overloaded or allow other TLS versions only.",
            temporary=True,
        ),
    ),
)
HANDSHAKE_CLOSED = HANDSHAKE[-1][1]
HANDSHAKE_OTHER = Meaning(
    TlsError,
    "tls.handshake",
    "the TLS handshake failed",
    "Server and client may share no cipher: ask the server's administrator which TLS versions and ciphers it offers.",
)

PROXY_UNREACHABLE = Meaning(
    ConnectError,
    "connect.proxy-unreachable",
    "the proxy cannot be reached",
    "Check the setting proxy, and that the proxy runs.",
    temporary=True,
)
PROXY_TIMEOUT = evolve(
    PROXY_UNREACHABLE, code="connect.proxy-timeout", what="the proxy did not answer in time", temporary=True
)
PROXY_REFUSED = Meaning(
    ConnectError,
    "connect.proxy-refused",
    "the proxy refused to connect to the server",
    "Check user name and password in the setting proxy, and whether the proxy allows this port.",
)
