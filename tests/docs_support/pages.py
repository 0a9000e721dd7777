"""Runs the examples of a page, each page in a folder and sandbox of its own.

A block is run by its language; what the reader does not need to see stands in HTML comments:

==========================================  =========================================================================
``toml``, ``python``, … with ``# NAME.ext``  on the first line: it is saved as that file
``python``                                  runs; all of a page share one interpreter, with warnings as errors
``text`` after ``python``                   is what it prints
``sh``                                      runs; the exit code is 0
``console``                                 each line after ``$`` runs on a terminal and shows what follows
``toml``                                    is a part of a configuration that has no problem
``diff`` with ``# NAME.ext``                changes that file, where the lines stand that it shows
``<!-- docs-page … -->``                    TOML, at the top: the page's servers, users, environment
``<!-- docs-block KEY=VALUE … -->``         before a block: file, exit, skip, background, until, check=no
``<!-- docs-check … -->``                   Python that looks at the page's inbox and folder
==========================================  =========================================================================

Output is compared after what differs from run to run is replaced; ``…`` stands for anything.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import trustme

from posthouse import ConfigurationError, Mailer
from posthouse.config import parse
from posthouse.errors import Problem
from posthouse_sandbox import Answers, Authority, Certificate, Credentials, Sandbox, Security, SmtpDoor

from .output import commands, compare

__all__ = ["ROOT", "Page", "play", "read_page"]

ROOT = Path(__file__).resolve().parent.parent.parent
INSIDE = Path(__file__).with_name("inside")
SAVED = re.compile(r"# ([\w./-]+\.\w+)\n")
PART = re.compile(
    r"^<!-- docs-(?P<kind>page|block|check)\b(?P<options>.*?)-->\n"
    r"|^```(?P<language>[\w-]*)\n(?P<source>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PASSWORDS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN")
SECONDS = 60


@dataclass(frozen=True)
class Block:
    language: str
    source: str
    line: int
    options: dict[str, str] = field(default_factory=dict)


def read_page(text: str) -> tuple[dict[str, Any], list[Block]]:
    """Return what the page needs, and its blocks; a check is a block of the language ``check``."""
    needs: dict[str, Any] = {}
    blocks: list[Block] = []
    options: dict[str, str] = {}
    for match in PART.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        if match["kind"] == "page":
            needs = tomllib.loads(match["options"])
        elif match["kind"] == "block":
            options = dict(word.partition("=")[::2] for word in shlex.split(match["options"]))
        else:
            language = match["language"] if match["kind"] is None else match["kind"]
            blocks.append(Block(language, match["source"] or match["options"], line, options))
            options = {}
    return needs, blocks


def file_name(source: str) -> str:
    match = SAVED.match(source)
    return match[1] if match else ""


def change(target: Path, difference: str) -> None:
    """Take the lines with ``-`` out and put those with ``+`` in; all others show where."""
    lines = difference.splitlines(keepends=True)
    before = "".join(line[1:] or line for line in lines if not line.startswith("+"))
    after = "".join(line[1:] or line for line in lines if not line.startswith("-"))
    text = target.read_text("utf-8")
    assert text.count(before) == 1, f"these lines stand {text.count(before)} times in {target.name}:\n{before}"
    target.write_text(text.replace(before, after), "utf-8")


class NamedAuthority(Authority):
    """Issues certificates for the names that a page gives its servers."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        super().__init__(folder)
        ca = trustme.CA(organization_name="Example authority")
        yesterday = datetime.now(UTC) - timedelta(days=1)
        self._named = {
            "valid": self._save(folder / "valid", ca.issue_cert("127.0.0.1", *names)),
            "expired": self._save(folder / "expired", ca.issue_cert("127.0.0.1", *names, not_after=yesterday)),
        }
        self.ca_file.write_bytes(self.ca_file.read_bytes() + ca.cert_pem.bytes())

    def server(self, kind: Any = "valid") -> Certificate:
        return self._named.get(str(kind)) or super().server(kind)

    @staticmethod
    def _save(path: Path, leaf: trustme.LeafCert) -> Certificate:
        saved = Certificate(path.with_suffix(".pem"), path.with_suffix(".key"))
        saved.certificate_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        saved.key_file.write_bytes(leaf.private_key_pem.bytes())
        return saved


def make_door(address: str, wanted: dict[str, Any]) -> SmtpDoor:
    return SmtpDoor(
        address,
        Security[wanted.get("security", "required").upper()],
        mechanisms=tuple(wanted.get("mechanisms", PASSWORDS if wanted.get("sign_in") else ())),
        answers=Answers(**wanted.get("answers", {})),
        certificate=wanted.get("certificate", "valid"),
    )


class Page:
    """A page on its way: a folder, a sandbox, and the programs that were started."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        self.needs, self.blocks = read_page(path.read_text("utf-8"))
        self.folder = folder / "mail"
        self._home = folder / "home"
        self._packages = folder / "packages"
        for each in (self.folder, self._home, self._packages):
            each.mkdir()
        self._state = folder / "environment.sh"
        servers = self.needs.get("servers", {})
        self.sandbox = Sandbox(
            folder / "sandbox",
            doors=[make_door(address, wanted) for address, wanted in servers.items()],
            credentials=Credentials(self.needs.get("users", {})),
            authority=NamedAuthority(folder / "authority", [address.rpartition(":")[0] for address in servers]),
        )
        self._replacements: dict[str, str] = {}
        self._worker: subprocess.Popen[str] | None = None
        self._background: list[subprocess.Popen[bytes]] = []
        self._printed: str | None = None

    def __enter__(self) -> Self:
        self.sandbox.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._background:
            os.killpg(process.pid, signal.SIGINT)
            process.communicate(timeout=SECONDS)
        if self._worker is not None:
            self._worker.communicate(timeout=SECONDS)
        self.sandbox.__exit__(kind, error, traceback)

    def environment(self) -> dict[str, str]:
        """Nothing of the environment that the tests run in, but the programs."""
        here = str(Path(sys.executable).parent)
        servers = {door.name: door.port for door in self.sandbox.doors}
        return {
            "PATH": os.pathsep.join([str(INSIDE / "bin"), here, "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "NO_COLOR": "1",
            "COLUMNS": "120",
            "PYTHONPATH": os.pathsep.join([str(INSIDE), str(self._packages)]),
            "PYTHONWARNINGS": "error",
            "PYTEST_ADDOPTS": "-o asyncio_default_fixture_loop_scope=function -p no:cacheprovider",  # unset, it warns
            "PYTHON_KEYRING_BACKEND": "file_keyring.FileKeyring",
            "SSL_CERT_FILE": str(self.sandbox.ca_file),
            "DOCS_SERVERS": json.dumps(servers),
            "DOCS_PACKAGES": str(self._packages),
            **self.needs.get("env", {}),
        }

    # --- one block ----------------------------------------------------------------------------------------------------

    def run(self, block: Block) -> None:
        printed, self._printed = self._printed, None
        source = block.source
        for example, real in self._replacements.items():
            source = source.replace(example, real)
        if "skip" in block.options:
            assert block.options["skip"], "a block that does not run says why"
        elif block.language == "diff":
            change(self.folder / file_name(source), source.partition("\n")[2])
        elif name := block.options.get("file") or file_name(source):
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source, "utf-8")
            if target.name == "posthouse.toml" and block.options.get("check") != "no":
                self._check_configuration(source)
        elif block.language == "toml":
            self._check_configuration(source)
        elif block.language == "python":
            self._printed = self._run_python(source, block.line)
        elif block.language == "text" and printed is not None:
            compare(source, printed, self.folder)
        elif block.language == "sh":
            self._run_script(source, block)
        elif block.language == "console":
            for command, expected in commands(source):
                output, code = self._run_shell(command)
                compare(expected, output, self.folder)
                assert code == int(block.options.get("exit", 0)), f"{command}: exit code {code}\n{output}"
        elif block.language == "check":
            exec(source, {"inbox": self.sandbox.inbox.messages, "folder": self.folder})
        else:
            raise AssertionError(
                f"nobody runs a {block.language or 'nameless'} block here; file, skip or another language"
            )

    def _check_configuration(self, source: str) -> None:
        problems: tuple[Problem, ...] = ()
        try:
            problems = Mailer(parse(source, str(self.folder / "posthouse.toml"))).validate()
        except ConfigurationError as error:  # a part may name accounts that stand in another
            problems = tuple(p for p in error.problems if "expected the name of a table" not in p.message)
        assert not problems, "; ".join(map(str, problems))

    def _run_python(self, source: str, line: int) -> str:
        if self._worker is None:
            self._worker = subprocess.Popen(
                [sys.executable, str(INSIDE / "python_worker.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=self.folder,
                env=self.environment(),
                text=True,
            )
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps({"source": source, "page": self.name, "line": line}) + "\n")
        self._worker.stdin.flush()
        answer = json.loads(self._worker.stdout.readline())
        assert not answer["error"], answer["error"] + answer["output"]
        return str(answer["output"])

    def _run_script(self, source: str, block: Block) -> None:
        if "background" not in block.options:
            output, code = self._run_shell(f"set -e\n{source}")
            assert code == int(block.options.get("exit", 0)), f"exit code {code}\n{output}"
            return
        process = subprocess.Popen(
            ["/bin/bash", "-c", f"exec {source}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment() | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
        self._background.append(process)
        assert process.stdout is not None
        wait_for(block.options["until"], process.stdout)
        self._learn_ports()

    def _learn_ports(self) -> None:
        """Replace the ports that the page shows by those of the sandbox that it started."""
        for account, port in self.needs.get("ports", {}).items():
            written = tomllib.loads((self.folder / "posthouse-sandbox" / "posthouse.toml").read_text("utf-8"))
            self._replacements[str(port)] = str(written["accounts"][account]["transport"]["port"])

    def _run_shell(self, script: str) -> tuple[str, int]:
        """Run a script on a terminal of its own; what it exports and where it goes, the next one finds."""
        state = shlex.quote(str(self._state))
        whole = f'[ -f {state} ] && . {state}\ntrap \'{{ export -p; echo "cd \\"$PWD\\""; }} > {state}\' EXIT\n{script}'
        master, slave = pty.openpty()
        with subprocess.Popen(
            ["/bin/bash", "-c", whole],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=slave,
            cwd=self.folder,
            env=self.environment(),
            start_new_session=True,
        ) as process:
            os.close(slave)
            output = b"".join(iter(lambda: read_terminal(master), b""))
            code = process.wait(SECONDS)
        os.close(master)
        return output.decode(), code


def read_terminal(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # Linux says so when the last program that had the terminal has ended
        return b""


def wait_for(text: str, stream: IO[bytes]) -> None:
    until = time.monotonic() + SECONDS
    for line in stream:
        if text in line.decode():
            return
        assert time.monotonic() < until
    raise AssertionError(f"the program ended without printing {text!r}")


def play(path: Path, folder: Path) -> None:
    with Page(path, folder) as page:
        for block in page.blocks:
            try:
                page.run(block)
            except (AssertionError, OSError) as error:
                raise AssertionError(f"{page.name}, line {block.line}: {error}") from error
