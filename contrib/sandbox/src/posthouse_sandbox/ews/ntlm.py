"""The server's side of NTLM over HTTP (MS-NTHT), bound to the certificate (RFC 5929), by pyspnego."""

from __future__ import annotations

import os
import ssl
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from posthouse_sandbox.certificates import Certificate
from posthouse_sandbox.files import write_private

__all__ = ["DOMAIN", "NtlmDoorman", "NtlmError"]

DOMAIN = "SANDBOX"
"""The Windows domain: ``SANDBOX\\anna`` is ``anna@sandbox.example``."""

_STORE = "NTLM_USER_FILE"
_PEM_END = "-----END CERTIFICATE-----"


class NtlmError(Exception):
    """The handshake is not what it should be, or the password is wrong."""


class NtlmDoorman:
    """Checks NTLM handshakes.

    Args:
        passwords: user → password.
        certificate: the server's; whoever relays a handshake through another server is found out by it.
    """

    def __init__(self, passwords: Mapping[str, str], certificate: Certificate) -> None:
        self._passwords = dict(passwords)
        pem = certificate.certificate_file.read_text("ascii").partition(_PEM_END)[0] + _PEM_END
        self._binding = b"tls-server-end-point:" + sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()

    def step(self, token: bytes, connection: dict[str, Any]) -> bytes | str:
        """Take the client's next token, and return the challenge for it, or the user who is in now.

        Raises:
            NtlmError: as it says.
        """
        import spnego

        try:
            with self._store():
                context = connection.pop("ntlm", None)
                if context is None or not token.startswith(b"NTLMSSP\0\x03"):
                    bindings = spnego.channel_bindings.GssChannelBindings(application_data=self._binding)
                    context = spnego.server(protocol="ntlm", channel_bindings=bindings)
                answer = context.step(token)
        except (spnego.exceptions.SpnegoError, struct.error, ValueError, IndexError, OSError) as error:
            raise NtlmError(type(error).__name__) from error
        if not context.complete:
            connection["ntlm"] = context
            return answer or b""
        return self._user(context.client_principal or "")

    def _user(self, principal: str) -> str:
        """Return the address of a user by one of its names."""
        return next(user for name, user in self._names() if name.lower() == principal.lower())

    def _names(self) -> Iterator[tuple[str, str]]:
        for user in self._passwords:
            yield user, user
            yield f"{DOMAIN}\\{user.partition('@')[0]}", user

    @contextmanager
    def _store(self) -> Iterator[None]:
        """Let pyspnego know the passwords: it takes them from a file, which an environment variable names."""
        with TemporaryDirectory(prefix="posthouse-sandbox-") as folder:
            lines = []
            for name, user in self._names():
                domain, _, account = name.rpartition("\\")
                lines.append(f"{domain}:{account}:{self._passwords[user]}\n")
            before = os.environ.get(_STORE)
            os.environ[_STORE] = str(write_private(Path(folder) / "users", "".join(lines).encode()))
            try:
                yield
            finally:
                if before is None:
                    del os.environ[_STORE]
                else:
                    os.environ[_STORE] = before
