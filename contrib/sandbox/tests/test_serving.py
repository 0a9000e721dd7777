import os
import selectors
import signal
import smtplib
import stat
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

POSTHOUSE = (sys.executable, "-W", "error", "-m", "posthouse.cli")


@contextmanager
def serving(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [*POSTHOUSE, "sandbox", "--directory", str(directory)]
    with subprocess.Popen(command, cwd=directory.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[bytes], text: str) -> list[str]:
    """Return the lines of stdout up to the first one that holds the text."""
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    lines = [""]
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not (lines[-1].endswith("\n") and text in lines[-1]):
            assert selector.select(deadline - time.monotonic()), lines
            byte = os.read(process.stdout.fileno(), 1)
            assert byte, (lines, process.stderr and process.stderr.read())
            if lines[-1].endswith("\n"):
                lines.append("")
            lines[-1] += byte.decode("latin-1")
    return [line.rstrip("\n") for line in lines]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, end: signal.Signals) -> None:
    directory = tmp_path / "servers"
    with serving(directory) as process:
        introduction = read_until(process, "Ctrl-C stops")
        configuration = tomllib.loads((directory / "posthouse.toml").read_text("utf-8"))
        port = configuration["accounts"]["smtp-plain"]["transport"]["port"]
        assert f"smtp-plain\t127.0.0.1:{port}\tnone\tnone\teverybody" in introduction
        page = next(line.split()[-1] for line in introduction if line.startswith("Inbox page:"))
        assert f"inbox\t{page}\tnone\tnone\teverybody" in introduction
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert "Waiting for mail" in answer.read().decode()
        with smtplib.SMTP("127.0.0.1", port, "client.example", timeout=10) as client:
            body = b"Subject: \x1b[31mhello\r\n\r\nbody\r\n"
            client.sendmail("a@x.example", ["b@x.example", "c@x.example"], body)
        line = read_until(process, "smtp-plain")[-1]
        assert "a@x.example to b@x.example, c@x.example  " in line
        assert "hello" in line
        assert "\x1b" not in line
        process.send_signal(end)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, b"Stopped.\n", b"")
    (message,) = (directory / "inbox").glob("*.eml")
    assert message.read_bytes() == body
    modes = {stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_no_password_is_printed(tmp_path: Path) -> None:
    directory = tmp_path / "servers"
    with serving(directory) as process:
        introduction = "\n".join(read_until(process, "Ctrl-C stops"))
        passwords = [path.read_text("utf-8") for path in (directory / "passwords").iterdir()]
    assert len(set(passwords)) >= 3, "two users and an application"
    assert not [password for password in passwords if password in introduction]


def test_it_starts_again_in_its_directory_and_nowhere_else(tmp_path: Path) -> None:
    directory = tmp_path / "servers"
    for _ in range(2):
        with serving(directory) as process:
            read_until(process, "Ctrl-C stops")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "posthouse.toml").write_text('default = "office"\n')
    with serving(theirs) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 78
    assert b"was not written by the sandbox and is left alone" in errors
    assert b"posthouse sandbox --directory DIRECTORY" in errors
    assert (theirs / "posthouse.toml").read_text() == 'default = "office"\n'
