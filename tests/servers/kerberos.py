"""MIT Kerberos: a realm of our own, and an Exchange stand-in that checks its tickets."""

from __future__ import annotations

import importlib.util
import secrets
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from posthouse_sandbox import EwsDoor
from posthouse_sandbox.doors import Premises
from posthouse_sandbox.ews.errors import HttpError
from posthouse_sandbox.ews.sign_in import Visitor

from .programs import ServerProgram, free_ports, render

PROGRAM = Path("/usr/sbin/krb5kdc")
ADMIN = Path("/usr/sbin/kadmin.local")
KINIT = Path("/usr/bin/kinit")
REALM = "SANDBOX.EXAMPLE"
PRINCIPAL = f"anna@{REALM}"
SERVICE = f"HTTP/localhost@{REALM}"


def missing_packages() -> list[str]:
    """The Python packages that a Kerberos sign-in needs and that are not installed."""
    return [name for name in ("gssapi", "requests_gssapi") if importlib.util.find_spec(name) is None]


class Kerberos(ServerProgram):
    """A key distribution centre with one user and one web service; the service's key is in `keytab`."""

    name = "kerberos"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.keytab = home / "http.keytab"
        self._password = secrets.token_hex(12)

    @property
    def log_files(self) -> list[Path]:
        """The centre's own log."""
        return [self.home / "kdc.log"]

    @property
    def environment(self) -> dict[str, str]:
        """What leads a program to this realm and to nothing of the machine's."""
        return {
            "KRB5_CONFIG": str(self.home / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(self.home / "kdc.conf"),
            "KRB5RCACHENAME": f"file2:{self.home / 'replays'}",
            "KRB5_CLIENT_KTNAME": f"FILE:{self.home / 'no-client.keytab'}",
        }

    def configure(self) -> list[str]:
        """Write the configuration and, the first time, make the realm."""
        self.ports = free_ports(["kdc"])
        for name in ("krb5.conf", "kdc.conf"):
            render(name, self.home / name, home=self.home, realm=REALM, port=self.ports["kdc"])
        if not self.keytab.exists():
            self._run("/usr/sbin/kdb5_util", "create", "-s", "-r", REALM, given=f"{secrets.token_hex(12)}\n" * 2)
            self._run(str(ADMIN), given=f"addprinc {PRINCIPAL}\n{self._password}\n{self._password}\n")
            self._run(str(ADMIN), "-q", f"addprinc -randkey {SERVICE}")
            self._run(str(ADMIN), "-q", f"ktadd -k {self.keytab} {SERVICE}")
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return ["/usr/bin/env", *variables, str(PROGRAM), "-n", "-r", REALM]

    def answers(self) -> bool:
        """Whether the centre says that it has its ports."""
        return "commencing operation" in self.log_since(0)

    def kinit(self, cache: str) -> None:
        """Get a ticket for the user into a cache."""
        self._run(str(KINIT), "-c", cache, PRINCIPAL, given=f"{self._password}\n")

    def change_service_key(self) -> None:
        """Give the service a key that its keytab does not have."""
        self._run(str(ADMIN), "-q", f"change_password -randkey {SERVICE}")

    def _run(self, *command: str, given: str = "") -> None:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"} | self.environment,
            start_new_session=True,  # no terminal: passwords are read from the input
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")


class NegotiateDoorman:
    """Lets in who has a ticket for the service (RFC 4559); the user's address is the principal in small letters."""

    def __init__(self, keytab: Path) -> None:
        self._keytab = keytab

    def admit(self, authorization: str, _connection: dict[str, Any]) -> Visitor:
        """Return who a request comes from.

        Raises:
            HttpError: 401, without a ticket that the service's key opens.
        """
        import gssapi

        scheme, _, value = authorization.partition(" ")
        if scheme != "Negotiate":
            raise HttpError(401, ("Negotiate",))
        try:
            key = gssapi.Credentials(usage="accept", store={"keytab": f"FILE:{self._keytab}"})
            context = gssapi.SecurityContext(creds=key, usage="accept")
            context.step(b64decode(value))
            complete = context.complete  # raises what step() held back because there is a token for the client
        except (gssapi.exceptions.GSSError, ValueError):
            raise HttpError(401, ("Negotiate",)) from None
        if not complete:
            raise HttpError(401, ("Negotiate",))
        return Visitor(str(context.initiator_name).lower())


class KerberosDoor(EwsDoor):
    """The sandbox's Exchange, behind a sign-in with tickets alone."""

    def __init__(self, keytab: Path) -> None:
        super().__init__(schemes=())
        self._keytab = keytab

    def application(self, premises: Premises) -> ASGIApp:
        """Make the application, with its own doorman."""
        application = super().application(premises)
        self._doorman = NegotiateDoorman(self._keytab)  # type: ignore[assignment]
        return application
