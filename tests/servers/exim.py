"""Exim, from its Debian package, unpacked beside the system and run as its unprivileged user."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from .accounts import DOMAIN, HOSTNAME, IDN_DOMAIN_ON_THE_WIRE, USERS
from .certificates import Certificates
from .mailbox import Mailbox
from .programs import ServerProgram, folder, free_ports, render

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posthouse-servers"
PROGRAM = CACHE / "exim4-daemon-heavy/usr/sbin/exim4"
RUN_AS = "Debian-exim"
MECHANISM_OF = {  # the authenticators' names in exim.conf
    "plain": "PLAIN",
    "login": "LOGIN",
    "cram_md5": "CRAM-MD5",
    "scram_sha_1": "SCRAM-SHA-1",
    "scram_sha_256": "SCRAM-SHA-256",
}
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

    def accepted_as(self, message_id: str) -> tuple[str, str]:
        """The mechanism and the user that a message was accepted from; both empty without authentication."""
        line = self._reception(message_id)
        found = re.search(r" A=(\w+):(\S+)", line)
        return (MECHANISM_OF[found[1]], found[2]) if found else ("", "")

    def used_chunking(self, message_id: str) -> bool:
        """Whether the message came by BDAT rather than DATA."""
        return " K " in self._reception(message_id)

    def used_pipelining(self, message_id: str) -> bool:
        """Whether the client sent commands without waiting for each reply."""
        return re.search(r" L\.? ", self._reception(message_id)) is not None  # "L-" or "L.-" if only offered

    def _reception(self, message_id: str) -> str:
        [found] = self.wait_for_log(rf"^.* <= .* id={re.escape(message_id.strip('<>'))} .*$")
        return found[0]

    def configure(self) -> list[str]:
        """Write the configuration and the table of users, and copy the program to where its user can reach it."""
        self.ports = free_ports(PORTS)
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
            idn_domain=IDN_DOMAIN_ON_THE_WIRE,
            recipients=refusals,
            sasl_socket=self.sasl_socket,
            **self.ports,
        )
        return [str(program), "-C", str(configuration), "-bdf"]
