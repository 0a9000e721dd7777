"""What trouble with sockets and TLS amounts to, as far as it is the same for every transport: data for their tables.

A transport looks its own library's exceptions up in a table of its own, made of these, and words with `attrs.evolve`
what depends on it: mostly the hint, which names its settings.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping

from attrs import frozen

from posthouse.errors import ConnectError, DeliveryError, Stage, TlsError

__all__ = [
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "MISMATCH",
    "NAME_SERVER",
    "NOT_TLS",
    "REFUSED",
    "UNREACHABLE",
    "UNTRUSTED",
    "VERSION",
    "Meaning",
    "host_unknown",
]


@frozen
class Meaning:
    """What a foreign exception amounts to.

    Attributes:
        error: the class of the error.
        code: its code.
        what: what happened, to follow the server's name and a colon.
        hint: what to do next.
        stage: where it happens, unless the transport knows better.
        temporary: True if it may work later.
    """

    error: type[DeliveryError]
    code: str
    what: str
    hint: str
    stage: Stage = Stage.CONNECT
    temporary: bool = False


def host_unknown(setting: str) -> Meaning:
    """Return the meaning of a name that does not exist.

    Args:
        setting: what the transport calls the setting that holds the name.
    """
    return Meaning(
        ConnectError,
        "connect.host-unknown",
        "no such host",
        f"Check the spelling of {setting}; if it is right, check the name server of this machine.",
        stage=Stage.RESOLVE,
    )


NAME_SERVER = Meaning(
    ConnectError,
    "connect.name-server",
    "the name server did not answer",
    "Try again later; check the name server of this machine.",
    stage=Stage.RESOLVE,
    temporary=True,
)
REFUSED = Meaning(
    ConnectError,
    "connect.refused",
    "nothing listens there, or a firewall refuses",
    "Check the address, and that the server runs.",
    temporary=True,
)
UNREACHABLE: Mapping[int, Meaning] = {  # by the system's error number
    errno.EHOSTUNREACH: Meaning(
        ConnectError,
        "connect.unreachable",
        "no route to the host",
        "Check the network of this machine.",
        temporary=True,
    ),
    errno.ENETUNREACH: Meaning(
        ConnectError,
        "connect.unreachable",
        "no route to the network",
        "Check the network of this machine.",
        temporary=True,
    ),
}

UNTRUSTED = Meaning(
    TlsError,
    "tls.certificate-untrusted",
    "no authority that this machine trusts vouches for the server's certificate",
    "If it is your own authority, name its certificate with ca_file; if the server forgot to send an intermediate "
    "certificate, its administrator must add it.",
    stage=Stage.TLS,
)
MISMATCH = Meaning(
    TlsError,
    "tls.hostname-mismatch",
    "the server's certificate is for another name",
    "Call the server by the name that the certificate holds.",
    stage=Stage.TLS,
)
CERTIFICATE: Mapping[int, Meaning] = {  # X509_V_ERR_… of OpenSSL's x509_vfy.h
    9: Meaning(
        TlsError,
        "tls.certificate-not-yet-valid",
        "the server's certificate is not valid yet",
        "Check the clock of this machine; if it is right, tell the server's administrator.",
        stage=Stage.TLS,
    ),
    10: Meaning(
        TlsError,
        "tls.certificate-expired",
        "the server's certificate has expired",
        "The server's administrator must renew it. Check the clock of this machine, too.",
        stage=Stage.TLS,
    ),
    18: Meaning(
        TlsError,
        "tls.certificate-self-signed",
        "the server's certificate is signed by itself",
        "If this is your server, compare the certificate's SHA-256 fingerprint with the server's and put it into "
        "trusted_certificates.",
        stage=Stage.TLS,
    ),
    62: MISMATCH,
    64: MISMATCH,
}
CLIENT_CERTIFICATE = Meaning(
    TlsError,
    "tls.client-certificate",
    "the server does not accept this client's certificate, or wants one",
    "Set client_cert and client_key to a certificate that the server accepts.",
    stage=Stage.TLS,
)
VERSION = Meaning(
    TlsError,
    "tls.version",
    "server and account allow no TLS version in common",
    "The server should offer TLS 1.2 or newer.",
    stage=Stage.TLS,
)
NOT_TLS = Meaning(
    TlsError,
    "tls.not-tls",
    "the server speaks plain text where TLS was expected",
    "Check the port, and that it speaks TLS.",
    stage=Stage.TLS,
)
