"""A folder of ``sys.path`` with distributions as an installer leaves them, and programs that run with it."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from posthouse.cli.app import posthouse

__all__ = ["EXTENSION", "TRANSPORT", "Site"]

TRANSPORT = """
from pathlib import Path
from attrs import frozen
from posthouse.hookspecs import hookimpl
from posthouse.providers import Capabilities, CredentialKind, TransportDescription
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

@frozen
class Settings:
    pass

class Connection:
    usable, security, authentication, notes = True, "none", "none", ()

    async def close(self):
        self.usable = False

@hookimpl
def describe():
    return TransportDescription(kind="acme", label="Acme", settings=Settings,
                                accepts=frozenset({CredentialKind.NONE}), capabilities=Capabilities())

@hookimpl
async def connect(account, settings, credential):
    return Connection()

@hookimpl
async def send(connection, submission):
    Path("sent").write_text(__name__)
    return Delivery(recipients=tuple(
        RecipientOutcome(one, RecipientStatus.ACCEPTED) for one in submission.envelope.recipients))

@hookimpl
async def test(account):
    return
    yield
"""
"""A transport of the kind ``acme`` that writes a file ``sent`` with its module's name."""

EXTENSION = """
from attrs import frozen
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription, Phase

@hookimpl
def describe():
    return ExtensionDescription(name="stamp", label="Stamp", phase=Phase.CONTENT)

@hookimpl
async def prepare(message, account):
    return message
"""

SEND = """
import sys
from posthouse import Mailer, Message, PosthouseError
try:
    with Mailer.from_config() as mailer:
        mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."), account=sys.argv[1])
except PosthouseError as error:
    print(f"{error.code}: {error.message}")
    print(f"imported: {sorted(name for name in sys.modules if name.startswith('acme'))}")
else:
    print("sent by", open("sent").read())
"""


class Site:
    """Installed distributions, and a folder to work in.

    Args:
        folder: where to put both.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "site"
        self.work = folder / "work"
        self.path.mkdir()
        self.work.mkdir()
        self.further_paths: list[Path] = []

    def add(
        self,
        distribution: str,
        files: Mapping[str, str] | str = TRANSPORT,
        *,
        kind: str = "acme",
        group: str = "posthouse.transports.v1",
        module: str = "",
        version: str = "1.0",
        requires: Sequence[str] = (),
        record: bool = True,
    ) -> Path:
        """Install a distribution, and return its metadata folder.

        Args:
            distribution: its name.
            files: path → text; a text alone is that of a package's ``__init__.py``.
            kind: the entry point's name; empty for none.
            group: the entry point's group.
            module: the entry point's value; the package of the distribution's name if empty.
            version: of the distribution.
            requires: each a ``Requires-Dist``.
            record: whether there is a RECORD.
        """
        package = distribution.replace("-", "_")
        if isinstance(files, str):
            files = {f"{package}/__init__.py": files}
        info = f"{package}-{version}.dist-info"
        metadata = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        written = dict(files)
        written[f"{info}/METADATA"] = "\n".join([*metadata, *(f"Requires-Dist: {text}" for text in requires), "", ""])
        if kind:
            written[f"{info}/entry_points.txt"] = f"[{group}]\n{kind} = {module or package}\n"
        for name, text in written.items():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        if record:
            with (self.path / info / "RECORD").open("w", newline="") as file:
                rows = csv.writer(file)
                rows.writerows((name, _hash(text), len(text.encode())) for name, text in written.items())
                rows.writerow((f"{info}/RECORD", "", ""))
                rows.writerow(("../../../bin/tool", "", ""))  # what pip writes for a script, and for what it compiled
                rows.writerow((f"{package}/__pycache__/__init__.cpython-311.pyc", "", ""))
        return self.path / info

    def configure(self, text: str = "", plugins: str = "", *, kinds: Sequence[str] = ("acme",)) -> Path:
        """Write ``posthouse.toml``: an account of its name for each kind; only what is in this folder may run.

        Args:
            text: more of the file.
            plugins: more of its table ``[plugins]``.
            kinds: of transports.
        """
        accounts = "".join(
            f'[accounts.{kind}]\nsender = "me@example.org"\ntransport = {{ kind = "{kind}" }}\n' for kind in kinds
        )
        others = json.dumps(_elsewhere())
        path = self.work / "posthouse.toml"
        path.write_text(f"{accounts}\n[plugins]\ndeny = {others}\n{plugins}\n{text}", "utf-8")
        return path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``posthouse``."""
        return self.python("-m", "posthouse.cli", *arguments)

    def json(self, *arguments: str) -> Any:
        """Run ``posthouse`` and return what it prints with ``--json``."""
        done = self.run(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def send(self, account: str = "acme") -> str:
        """Send a message by `posthouse.Mailer`; return ``"sent by MODULE"``, or the error and what was imported."""
        done = self.python("-c", SEND, account)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def here(self, *arguments: str) -> Result:
        """Run ``posthouse`` in this process, which is much quicker."""
        with pytest.MonkeyPatch.context() as patch:
            self.enter(patch)
            return CliRunner().invoke(posthouse, list(arguments), prog_name="posthouse")

    def states(self) -> dict[str, tuple[str, str]]:
        """Return state and reason of the distributions in this folder, as ``posthouse plugins list`` has them."""
        done = self.here("plugins", "list", "--json")
        assert done.exit_code == 0, done.output
        listed = json.loads(done.stdout)
        return {c["distribution"]: (c["state"], c["reason"]) for c in listed if str(self.path) in c["location"]}

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Make what is installed importable here, forget namesakes of other tests, and work in the folder."""
        for path in (self.path, *self.further_paths):
            patch.syspath_prepend(str(path))
        for name in {found.name.partition(".")[0] for found in self.path.iterdir()} & sys.modules.keys():
            del sys.modules[name]
        patch.chdir(self.work)
        patch.delenv("POSTHOUSE_CONFIG", raising=False)

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python, warnings being errors."""
        path = os.pathsep.join(map(str, (*self.further_paths, self.path)))
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CONFIG_HOME": str(self.work),
        }
        environment.pop("POSTHOUSE_CONFIG", None)
        command = [sys.executable, "-W", "error", *arguments]
        return subprocess.run(
            command, cwd=self.work, env=environment, capture_output=True, text=True, timeout=120, check=False
        )


def _elsewhere() -> list[str]:
    """Return the plugins that are installed beside core where the tests run."""
    names = {distribution.metadata["Name"] for distribution in importlib.metadata.distributions()}
    return sorted(name for name in names if name.startswith("posthouse-"))


def _hash(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"
