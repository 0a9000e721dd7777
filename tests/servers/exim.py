"""Exim, from its Debian package, unpacked beside the system and run as its unprivileged user."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .accounts import DOMAIN, HOSTNAME, USERS, UTF8_DOMAIN
from .certificates import Certificates
from .mailbox import Mailbox
from .programs import ServerProgram, folder, free_ports, render

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posthouse-servers"
PROGRAM = CACHE / "exim4-daemon-heavy/usr/sbin/exim4"
RUN_AS = "Debian-exim"
PORTS = ["plain", "relay", "smtps", "submission", "restricted", "small", "bare"]  # the same meanings as Postfix's
RECIPIENTS = {
    "refused": ("deny", "550 5.1.1 No such mailbox here"),
    "refused-too": ("deny", "550 5.2.1 Mailbox disabled"),
    "later": ("defer", "450 4.2.1 Mailbox busy, try again later"),
    "greylisted": ("defer", "451 4.7.1 Greylisted, please try again in 300 seconds"),
}


class Exim(ServerProgram):
    """One Exim daemon on several ports; PLAIN, LOGIN and CRAM-MD5 are its own, SCRAM is Dovecot's.

    Args:
        home: The folder for everything it writes.
        certificates: The test CA's files.
    """

    name = "exim"

    def __init__(self, home: Path, certificates: Certificates) -> None:
        super().__init__(home)
        self.ports = free_ports(PORTS)
        self.mailbox = Mailbox(home / "mail")
        self.sasl_socket = home / "auth"
        self._certificates = certificates

    @property
    def log_files(self) -> list[Path]:
        """Exim's main and panic log."""
        return [self.home / "log/mainlog", self.home / "log/paniclog"]

    def run_as(self) -> str:
        """Exim never needs root here."""
        return RUN_AS

    def configure(self) -> list[str]:
        """Write the configuration and the table of users, and copy the program to where its user can reach it."""
        for name in ("spool", "log", "mail"):
            folder(self.home / name, user=RUN_AS, group=RUN_AS, mode=0o750)
        program = Path(shutil.copyfile(PROGRAM, self.home / "exim4"))
        program.chmod(0o755)
        self._certificates.copy_for(RUN_AS, "server", self.home / "server.pem")
        users = self.home / "users"
        users.write_text("".join(f"{user}: {password}\n" for user, password in USERS.items()), "utf-8")
        shutil.chown(users, RUN_AS, RUN_AS)
        users.chmod(0o600)
        configuration = self.home / "exim.conf"
        refusals = "\n".join(
            f"  {verb:7} message   = {reply}\n          recipients = {local}@{DOMAIN}"
            for local, (verb, reply) in RECIPIENTS.items()
        )
        render(
            "exim.conf",
            configuration,
            home=self.home,
            user=RUN_AS,
            hostname=HOSTNAME,
            domain=DOMAIN,
            utf8_domain=UTF8_DOMAIN,
            recipients=refusals,
            sasl_socket=self.sasl_socket,
            **self.ports,
        )
        return [str(program), "-C", str(configuration), "-bdf"]
