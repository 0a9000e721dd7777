"""Postfix, with a configuration, a queue and a log of its own; the machine's /etc/postfix is not read or written."""

from __future__ import annotations

import re
import time
from pathlib import Path

from .accounts import DOMAIN, HOSTNAME, IDN_DOMAIN_ON_THE_WIRE
from .cyrus import configure_cyrus
from .mailbox import Mailbox
from .programs import LOG_SECONDS, ServerProgram, folder, free_ports, render

PROGRAM = Path("/usr/lib/postfix/sbin/master")
PORTS = [
    "plain",  # AUTH without STARTTLS
    "relay",  # STARTTLS and AUTH offered, neither needed
    "smtps",  # TLS from the first byte
    "submission",  # STARTTLS required
    "restricted",  # STARTTLS and AUTH required, and a sender that belongs to who signed in
    "cyrus",  # like submission, but Cyrus SASL looks after passwords
    "small",  # 20000 bytes a message, 5 recipients
    "bare",  # no extension at all
    "impatient",  # hangs up on a client that is silent for a second
    "wrong_name",  # smtps with a certificate for another host,
    "expired",  # with an expired one,
    "self_signed",  # and with one that no authority signed
    "tls12",  # STARTTLS, but nothing newer than TLS 1.2
    "client_cert",  # smtps, for clients with a certificate of the test CA
]
RECIPIENTS = {
    "refused": "550 5.1.1 No such mailbox here",
    "refused-too": "550 5.2.1 Mailbox disabled",
    "later": "450 4.2.1 Mailbox busy, try again later",
    "greylisted": "451 4.7.1 Greylisted, please try again in 300 seconds",
    "hangup": "421 4.3.2 Shutting down",
}
SENDERS = {"banned": "550 5.7.1 This sender may not send here"}
QUEUES = ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"]


class Postfix(ServerProgram):
    """One Postfix with a port for every way of being reached; signs people in through Dovecot.

    Args:
        home: The folder for everything it writes.
        certificates: The folder with the test CA's files.
    """

    name = "postfix"

    def __init__(self, home: Path, certificates: Path) -> None:
        super().__init__(home)
        self.mailbox = Mailbox(home / "mail" / "inbox")
        self.sasl_socket = home / "queue" / "private" / "auth"
        self._certificates = certificates
        self._make_queue()

    @property
    def log_files(self) -> list[Path]:
        """What Postfix would have told syslog."""
        return [self.home / "mail.log"]

    def accepted_as(self, message_id: str) -> tuple[str, str]:
        """The mechanism and the user that a message was accepted from; both empty without authentication."""
        [queue_id] = {found[1] for found in self.wait_for_log(rf": (\w+): message-id={re.escape(message_id)}$")}
        [client] = self.wait_for_log(rf": {queue_id}: client=\S+(?:, sasl_method=([\w-]+), sasl_username=(.+))?$")
        return client[1] or "", client[2] or ""

    def sessions(self, start: int, count: int = 1) -> list[dict[str, int]]:
        """Wait until *count* sessions that began since *start* have ended; how often each used each command."""
        deadline = time.monotonic() + LOG_SECONDS
        while len(ended := self._ended_sessions(start)) < count:
            assert time.monotonic() < deadline, f"{len(ended)} of {count} sessions ended within {LOG_SECONDS} s"
            time.sleep(0.02)
        return ended

    def _ended_sessions(self, start: int) -> list[dict[str, int]]:
        begun: set[str] = set()  # the last session of another test may end in this one's part of the log
        ended = []
        for line in self.log_since(start).splitlines():
            if found := re.search(r"smtpd\[(\d+)\]: (dis)?connect from \S+(.*)$", line):
                process, is_end, commands = found.groups()
                if not is_end:
                    begun.add(process)
                elif process in begun:
                    ended.append(_counts(commands))
        return ended

    def _make_queue(self) -> None:
        """Lay out the queue with the owners and modes that Postfix insists on (its postfix-files table)."""
        queue = folder(self.home / "queue")
        for name in QUEUES:
            folder(queue / name, user="postfix", mode=0o700)
        folder(queue / "public", user="postfix", group="postdrop", mode=0o2710)
        folder(queue / "maildrop", user="postfix", group="postdrop", mode=0o1730)
        folder(queue / "pid")
        folder(self.home / "data", user="postfix", mode=0o700)
        folder(self.home / "mail", user="nobody", mode=0o700)

    def configure(self) -> list[str]:
        """Write main.cf, master.cf and the tables."""
        self.ports = free_ports(PORTS)
        etc = folder(self.home / "etc")
        values = {"home": self.home, "domain": DOMAIN, "certificates": self._certificates}
        render("main.cf", etc / "main.cf", hostname=HOSTNAME, idn_domain=IDN_DOMAIN_ON_THE_WIRE, **values)
        render("master.cf", etc / "master.cf", **values, **self.ports)
        _table(etc / "recipients", RECIPIENTS)
        _table(etc / "senders", SENDERS)
        _table(etc / "owners", {"alice": "alice", "boss": "boss"})
        configure_cyrus(folder(etc / "sasl"), "postfix")
        return [str(PROGRAM), "-c", str(etc), "-d"]


def _table(path: Path, entries: dict[str, str]) -> None:
    path.write_text("".join(f"{local}@{DOMAIN} {answer}\n" for local, answer in entries.items()), "utf-8")


def _counts(line: str) -> dict[str, int]:
    """Read `mail=1 rcpt=2/3`: of three, two were accepted; what counts here is how many came."""
    return {name: int(count.rpartition("/")[2]) for name, count in (word.split("=") for word in line.split())}
