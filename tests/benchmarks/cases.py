"""What is measured: which message, by whom, to which server, over which way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

__all__ = ["BASELINE", "CASES", "TIMES", "Case", "Entry", "Op", "Server"]

BASELINE = "smtplib"
"""The entry of each case that the others are compared with."""

TIMES = "\N{MULTIPLICATION SIGN}"

MEGABYTE = 1024 * 1024
ROUND_TRIP = 0.040  # seconds


class Server(StrEnum):
    POSTFIX = "smtp-sink"
    RECORDING = "sink with SIZE and CHUNKING"
    RECORDING_TLS = "the same over TLS"


class Op(StrEnum):
    SEND = "send"
    SINGLE = "single"
    MEMORY = "memory"


@dataclass(frozen=True)
class Entry:
    """A contender in a case.

    Attributes:
        label: as it stands in the table.
        client: module in `contenders`, or ``nodemailer``, or ``smtp-source``.
        connections: how many it may use.
        options: for this client alone.
        slow: left out of a quick run.
    """

    label: str
    client: str
    connections: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    slow: bool = False


@dataclass(frozen=True)
class Case:
    """One table of the report.

    Attributes:
        name: for the command line.
        title: for the report.
        kind: of message, as `samples.sample` knows it.
        server: who receives.
        entries: who sends; the baseline is among them.
        recipients: of each message.
        strangers: True if no two messages go to the same people.
        delay: seconds each way.
        op: what the contenders are asked to do.
        seconds: how long one entry should be busy in one round.
        most_rounds: for cases in which a single message takes seconds.
    """

    name: str
    title: str
    kind: str
    server: Server
    entries: tuple[Entry, ...]
    recipients: int = 1
    strangers: bool = False
    delay: float = 0.0
    op: Op = Op.SEND
    seconds: float = 0.3
    most_rounds: int = 99

    def without_slow(self) -> Case:
        """Return the case with fewer contenders."""
        return replace(self, entries=tuple(entry for entry in self.entries if not entry.slow))


SMTPLIB = Entry(BASELINE, "standard_library")
AIOSMTPLIB = Entry("aiosmtplib", "aiosmtplib_client")
AIOSMTPLIB_4 = Entry("aiosmtplib, 4 connections", "aiosmtplib_client", 4)
DJANGO = Entry("Django", "django_backend", slow=True)
REDMAIL = Entry("Red Mail", "redmail_client", slow=True)
NODEMAILER = Entry("Nodemailer", "nodemailer")
NODEMAILER_4 = Entry("Nodemailer, pool of 4", "nodemailer", 4)
SMTP_SOURCE = Entry("smtp-source", "smtp-source")
SMTP_SOURCE_4 = Entry("smtp-source, 4 sessions", "smtp-source", 4)
POSTHOUSE = Entry("Posthouse", "posthouse_client")
POSTHOUSE_4 = Entry("Posthouse, 4 connections", "posthouse_client", 4)
POSTHOUSE_SYNC = Entry("Posthouse, Mailer", "posthouse_client", options={"face": "sync"})
POSTHOUSE_CHUNKING = Entry("Posthouse, CHUNKING", "posthouse_client", options={"chunking": True})
POSTHOUSE_PYBASE64 = Entry("Posthouse, with pybase64", "posthouse_client", options={"pybase64": True})
POSTHOUSE_PATH = Entry("Posthouse, from a path", "posthouse_client", options={"from_path": True})


def _slow(*entries: Entry) -> tuple[Entry, ...]:
    return tuple(replace(entry, slow=True) for entry in entries)


CASES = (
    Case(
        "small",
        "2 KB of text, one connection",
        "text",
        Server.POSTFIX,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_SYNC, AIOSMTPLIB, DJANGO, REDMAIL, NODEMAILER, SMTP_SOURCE),
    ),
    Case(
        "small-4",
        "2 KB of text, four connections",
        "text",
        Server.POSTFIX,
        (SMTPLIB, POSTHOUSE_4, AIOSMTPLIB_4, NODEMAILER_4, SMTP_SOURCE_4),
    ),
    Case(
        "recipients",
        "2 KB of text to 100 recipients",
        "text",
        Server.POSTFIX,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_4, AIOSMTPLIB, DJANGO, NODEMAILER_4, SMTP_SOURCE),
        recipients=100,
    ),
    Case(
        "strangers",
        "2 KB of text to 100 recipients, others each time",
        "text",
        Server.POSTFIX,
        (SMTPLIB, POSTHOUSE, *_slow(AIOSMTPLIB, DJANGO, NODEMAILER_4)),
        recipients=100,
        strangers=True,
    ),
    Case(
        "world",
        "2 KB of text in German, French and Japanese",
        "world",
        Server.POSTFIX,
        (SMTPLIB, POSTHOUSE, *_slow(AIOSMTPLIB, DJANGO, REDMAIL, NODEMAILER)),
    ),
    Case(
        "html",
        "text, HTML and an inline image of 12 KB",
        "html",
        Server.POSTFIX,
        (SMTPLIB, POSTHOUSE, *_slow(AIOSMTPLIB, DJANGO, NODEMAILER)),
    ),
    Case(
        "tls",
        "2 KB of text over TLS",
        "text",
        Server.RECORDING_TLS,
        (SMTPLIB, POSTHOUSE, *_slow(POSTHOUSE_4, AIOSMTPLIB, DJANGO, NODEMAILER_4)),
    ),
    Case(
        "chunking",
        "2 KB of text to a server with CHUNKING",
        "text",
        Server.RECORDING,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_CHUNKING, *_slow(POSTHOUSE_4, SMTP_SOURCE)),
    ),
    Case(
        "file-1",
        "an attachment of 1 MB",
        str(MEGABYTE),
        Server.RECORDING,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_PATH, *_slow(AIOSMTPLIB, DJANGO, NODEMAILER_4)),
    ),
    Case(
        "file-10",
        "an attachment of 10 MB",
        str(10 * MEGABYTE),
        Server.RECORDING,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_PATH, *_slow(POSTHOUSE_PYBASE64, AIOSMTPLIB, DJANGO, NODEMAILER_4)),
        seconds=0.6,
    ),
    Case(
        "memory",
        "peak memory for an attachment of 10 MB",
        str(10 * MEGABYTE),
        Server.RECORDING,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_PATH, *_slow(AIOSMTPLIB, DJANGO, NODEMAILER_4)),
        op=Op.MEMORY,
        most_rounds=3,
    ),
    Case(
        "far",
        "2 KB of text, 40 ms away",
        "text",
        Server.RECORDING,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_CHUNKING, *_slow(AIOSMTPLIB, DJANGO, NODEMAILER, SMTP_SOURCE)),
        delay=ROUND_TRIP / 2,
        seconds=2.0,
        most_rounds=5,
    ),
    Case(
        "far-recipients",
        "2 KB of text to 100 recipients, 40 ms away",
        "text",
        Server.RECORDING,
        (SMTPLIB, POSTHOUSE, POSTHOUSE_CHUNKING, *_slow(AIOSMTPLIB, NODEMAILER, SMTP_SOURCE)),
        recipients=100,
        delay=ROUND_TRIP / 2,
        seconds=2.0,
        most_rounds=3,
    ),
    Case(
        "single",
        "one message at a time on a warm connection",
        "text",
        Server.POSTFIX,
        (
            SMTPLIB,
            POSTHOUSE_SYNC,
            Entry("Posthouse, AsyncMailer", "posthouse_client"),
            *_slow(AIOSMTPLIB, DJANGO, REDMAIL, NODEMAILER),
        ),
        op=Op.SINGLE,
    ),
)
