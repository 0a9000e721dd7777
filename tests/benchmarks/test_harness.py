"""The benchmarks can be trusted: what arrives is compared, and what is wrong is found. No times are judged here."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest

from . import discovery
from .bars import BARS, verdicts
from .cases import CASES, POSTHOUSE_CHUNKING, SMTPLIB, Case, Entry, Op, Server
from .contenders.standard_library import Composer
from .discovery import DISCOVERY
from .imports import IMPORTS, STATEMENTS
from .measuring import measure
from .report import figures, tables, verdict_table
from .samples import sample
from .transcript import Copy, messages
from .verification import WrongCopyError, verify, verify_verbatim

KINDS = ["text", "world", "html", "70000"]


def can_compile(folder: Path) -> bool:
    """Whether there is a C compiler with OpenSSL's headers."""
    source = folder / "try.c"
    source.write_text("#include <openssl/ssl.h>\nint main(void) { return 0; }\n", "ascii")
    return (
        shutil.which("cc") is not None and subprocess.run(["cc", "-fsyntax-only", source], check=False).returncode == 0
    )


def sent(kind: str, folder: Path, numbers: range, recipients: int = 2) -> list[Copy]:
    made = sample(kind, recipients, folder)
    composer = Composer(made)
    return [Copy(made.recipients, composer.message(number).as_bytes()) for number in numbers]


# --- one tiny round ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [Op.SEND, Op.SINGLE, Op.MEMORY])
@pytest.mark.parametrize("server", [Server.RECORDING, Server.RECORDING_TLS])
def test_a_tiny_round(op: Op, server: Server, tmp_path: Path) -> None:
    if not can_compile(tmp_path):
        pytest.skip("no C compiler with OpenSSL's headers: the recording sink cannot be built")
    entries = (SMTPLIB, POSTHOUSE_CHUNKING, Entry("sync", "posthouse_client", 2, {"face": "sync", "from_path": True}))
    case = Case("tiny", "a tiny round", "70000", server, entries, recipients=2, op=op, seconds=0.02)
    result = measure(case, 1, 1.0, tmp_path, lambda _: None)
    assert (result.wrong, result.excluded) == ({}, {})
    assert result.rounds.keys() == result.verified.keys() == {"smtplib", "Posthouse, CHUNKING", "sync"}
    assert all(count >= sum(one.count for one in result.rounds[label]) for label, count in result.verified.items())
    assert figures([result])["tiny", "sync", "" if op is Op.MEMORY else "smtplib"] > 0
    assert "sync" in tables([result])


def test_a_contender_that_breaks_is_named_and_has_no_figures(tmp_path: Path) -> None:
    if not can_compile(tmp_path):
        pytest.skip("no C compiler with OpenSSL's headers: the recording sink cannot be built")
    case = Case("tiny", "a", "text", Server.RECORDING, (SMTPLIB, Entry("broken", "no_such_client")), seconds=0.02)
    result = measure(case, 1, 1.0, tmp_path, lambda _: None)
    assert result.wrong == {"broken": "its process ended"}
    assert result.rounds.keys() == {"smtplib"}


# --- what is wrong is found -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_right_copy_is_right(kind: str, tmp_path: Path) -> None:
    assert verify(sample(kind, 2, tmp_path), range(3), sent(kind, tmp_path, range(3))) == 3


def spoil_text(copy: Copy) -> Copy:
    return replace(copy, content=copy.content.replace(b"coach", b"c0ach", 1))


def spoil_recipients(copy: Copy) -> Copy:
    return replace(copy, recipients=copy.recipients[:1])


def spoil_to(copy: Copy) -> Copy:
    return replace(copy, content=copy.content.replace(b"reader1@", b"reader9@", 1))


def spoil_file(copy: Copy) -> Copy:
    head, mark, rest = copy.content.partition(b'filename="map-70000.pdf"')
    line = rest.index(b"\n\n") + 40
    return replace(
        copy, content=head + mark + rest[:line] + (b"A" if rest[line : line + 1] != b"A" else b"B") + rest[line + 1 :]
    )


def spoil_subject(copy: Copy) -> Copy:
    return replace(copy, content=copy.content.replace(b"Subject: Map", b"Subject: Mop", 1))


def add_bcc(copy: Copy) -> Copy:
    return replace(copy, content=b"Bcc: someone@example.org\n" + copy.content)


@pytest.mark.parametrize("spoil", [spoil_text, spoil_recipients, spoil_to, spoil_file, spoil_subject, add_bcc])
def test_a_spoilt_copy_is_found(spoil: Callable[[Copy], Copy], tmp_path: Path) -> None:
    first, second = sent("70000", tmp_path, range(2))
    assert spoil(second) != second
    with pytest.raises(WrongCopyError):
        verify(sample("70000", 2, tmp_path), range(2), [first, spoil(second)])


def test_a_lost_or_doubled_message_is_found(tmp_path: Path) -> None:
    first, second = sent("text", tmp_path, range(2))
    for copies in ([first], [first, second, second], [first, first]):
        with pytest.raises(WrongCopyError):
            verify(sample("text", 2, tmp_path), range(2), copies)
    with pytest.raises(WrongCopyError):
        verify_verbatim(first.content, 2, 2, [first, second])


def test_a_second_file_is_found(tmp_path: Path) -> None:
    made = sample("70000", 1, tmp_path)
    message = Composer(made).message(0)
    assert isinstance(message, EmailMessage)
    message.add_attachment(b"more", "application", "pdf", filename="map-70000.pdf")
    with pytest.raises(WrongCopyError):
        verify(made, range(1), [Copy(made.recipients, message.as_bytes())])


# --- how the server's copy is read ------------------------------------------------------------------------------------


def test_commands_and_content_are_told_apart() -> None:
    octets = (
        b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n..one\r\nMAIL\r\n.\r\n"
        b"RSET\r\nMAIL FROM:<a@x>\r\nRCPT TO:<d@x>\r\nBDAT 4\r\n\r\n.\rBDAT 3 LAST\r\n\nxyQUIT\r\n"
    )
    assert list(messages(octets)) == [Copy(("b@x", "c@x"), b".one\r\nMAIL\r\n"), Copy(("d@x",), b"\r\n.\r\nxy")]


@pytest.mark.parametrize("octets", [b"NONSENSE\r\n", b"DATA\r\nno end", b"MAIL FROM"])
def test_what_is_no_complete_dialogue_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"no command|not found"):
        list(messages(octets))


# --- bars -------------------------------------------------------------------------------------------------------------


def test_every_bar_is_about_something_that_is_measured() -> None:
    measured = {(case.name, entry.label) for case in CASES for entry in case.entries}
    measured |= {(IMPORTS.name, statement) for statement in STATEMENTS}
    measured |= {(DISCOVERY.name, label) for label in discovery.STATEMENTS}
    for bar in BARS:
        assert (bar.case, bar.entry) in measured
        assert not bar.against or (bar.case, bar.against) in measured


def test_a_bar_that_was_missed_or_not_measured_is_not_held() -> None:
    everything = {bar.case for bar in BARS}
    held = verdicts({(bar.case, bar.entry, bar.against): bar.value for bar in BARS}, everything)
    assert all(verdict.held for verdict in held)
    worse = {(bar.case, bar.entry, bar.against): bar.value * (1.01 if bar.at_most else 0.99) for bar in BARS}
    assert not any(verdict.held for verdict in [*verdicts(worse, everything), *verdicts({}, everything)])
    assert "**no**" in verdict_table(verdicts(worse, everything))
