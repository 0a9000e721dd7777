"""The messages that are sent, as plain data that every contender turns into its own kind of message."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["File", "Sample", "load", "sample"]

SENDER = ("Posthouse Benchmark", "sender@example.org")
NUMBER = "{number}"
"""Stands in subject, text and HTML for the message's number, so that no two messages are alike."""

_ENGLISH = (
    "The coach leaves at six and carries letters for all the towns along the northern road.\n"
    "Passengers are asked to be at the posthouse in good time, since horses do not wait.\n"
    "Whoever sends a parcel writes the receiver's name on it, and whoever receives one signs.\n\n"
)
_WORLD = (
    "Die Kutsche fährt um sechs Uhr früh und trägt Briefe für alle Städte längs der nördlichen Straße.\n"
    "Les voyageurs sont priés d'être à l'heure: les chevaux n'attendent pas, même à Noël.\n"
    "郵便馬車は六時に出発します。手紙と小包をお預かりします。\n\n"
)


@dataclass(frozen=True)
class File:
    """A file that travels along; ``content_id`` if the HTML shows it."""

    path: str
    name: str
    content_type: str
    content_id: str = ""

    def read(self) -> bytes:
        return Path(self.path).read_bytes()


@dataclass(frozen=True)
class Sample:
    """A message, but for its number.

    Attributes:
        bare: messages with a number below it carry no files.
        strangers: no two messages go to the same people.
    """

    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    inline: File | None = None
    attachment: File | None = None
    sender: tuple[str, str] = SENDER
    bare: int = 0
    strangers: bool = False

    @property
    def size(self) -> int:
        """About how many octets one message has on its way, at most."""
        files = [Path(file.path).stat().st_size for file in (self.inline, self.attachment) if file is not None]
        bodies = len(self.text.encode()) + len((self.html or "").encode())
        return 4096 + 64 * len(self.recipients) + 3 * bodies + sum(size * 7 // 5 for size in files)

    def numbered(self, number: int) -> tuple[str, str, str | None]:
        """Return subject, text and HTML of one message."""
        digits = str(number)
        html = None if self.html is None else self.html.replace(NUMBER, digits)
        return self.subject.replace(NUMBER, digits), self.text.replace(NUMBER, digits), html

    def to(self, number: int) -> tuple[str, ...]:
        """Return the recipients of one message."""
        return tuple([f"{number}.{address}" for address in self.recipients]) if self.strangers else self.recipients

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def load(data: dict[str, Any]) -> Sample:
    """Return the sample that `Sample.as_json` made."""
    files = {key: File(**data[key]) if data[key] else None for key in ("inline", "attachment")}
    lists = {"recipients": tuple(data["recipients"]), "sender": tuple(data["sender"])}
    return Sample(**{**data, **files, **lists})


def sample(kind: str, recipients: int, folder: Path) -> Sample:
    """Make one of the samples; its files are written to ``folder``.

    Args:
        kind: ``text`` (2 KB of ASCII), ``world`` (2 KB in several languages), ``html`` (text, HTML and an inline
            image), or a number of bytes: a text with an attachment of that size.
        recipients: how many.
        folder: where the files go.
    """
    addresses = tuple(f"reader{number}@example.org" for number in range(recipients))
    english = _repeated(f"Dear reader {NUMBER},\n\n", _ENGLISH)
    if kind == "text":
        return Sample(addresses, f"Timetable no. {NUMBER} of the northern coach", english)
    if kind == "world":
        text = _repeated(f"Sehr geehrte Nr. {NUMBER},\n\n", _WORLD)
        return Sample(addresses, f"Fahrplan Nr. {NUMBER} für die Straße 北", text, sender=("Jürgen 田中", SENDER[1]))
    if kind == "html":
        body = "".join(f"<p>{line}</p>\n" for line in english.splitlines() if line)
        html = f'<html><body><img src="cid:logo" alt="">\n{body}</body></html>\n'
        logo = _file(folder / "logo.png", 12_000, "image/png", "logo")
        return Sample(addresses, f"Timetable no. {NUMBER} of the northern coach", english, html, logo)
    attachment = _file(folder / f"map-{kind}.pdf", int(kind), "application/pdf")
    return Sample(addresses, f"Map no. {NUMBER}", english, attachment=attachment)


def _repeated(beginning: str, text: str) -> str:
    """Return 2 KB of text in whole lines, as UTF-8."""
    lines = [beginning]
    while len("".join(lines).encode()) < 2048:
        lines.append(text)
    return "".join(lines)


def _file(path: Path, size: int, content_type: str, content_id: str = "") -> File:
    if not path.exists():
        path.write_bytes(random.Random(size).randbytes(size))
    return File(str(path), path.name, content_type, content_id)
