"""Starts the real servers once a run, and says by name which of them could not be driven."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from posthouse import Mailer

from . import cyrus as cyrus_program
from . import dovecot as dovecot_program
from . import exim as exim_program
from . import kerberos as kerberos_program
from . import postfix as postfix_program
from .accounts import DOMAIN
from .certificates import Certificates
from .dovecot import Dovecot
from .exim import Exim
from .mailers import write_configuration
from .postfix import Postfix
from .programs import ServerProgram

HERE = Path(__file__).parent
NEEDS = {
    "postfix": [
        (postfix_program.PROGRAM, "postfix"),
        (dovecot_program.PROGRAM, "dovecot"),
        (cyrus_program.PROGRAM, "postfix"),
    ],
    "exim": [(exim_program.PROGRAM, exim_program.RUN_AS), (dovecot_program.PROGRAM, "dovecot")],
    "dkim": [(Path("/usr/share/perl5/Mail/DKIM/Verifier.pm"), "root")],
    "kerberos": [(path, "root") for path in (kerberos_program.PROGRAM, kerberos_program.ADMIN, kerberos_program.KINIT)],
}
REQUIRED = os.environ.get("POSTHOUSE_REQUIRE_SERVERS") == "1"
_selected = pytest.StashKey[bool]()


def missing() -> dict[str, str]:
    """The servers that cannot be driven on this machine, each with the reason."""
    reasons = {}
    for server, programs in NEEDS.items():
        for program, user in programs:
            if not program.exists():
                reasons[server] = f"{program} not found; run tests/servers/install.sh"
            elif user not in {entry.pw_name for entry in pwd.getpwall()}:
                reasons[server] = f"no user {user}; run tests/servers/install.sh"
        if os.geteuid() != 0:
            reasons[server] = "mail servers switch users, which needs root"
    if packages := kerberos_program.missing_packages():
        reasons.setdefault("kerberos", f"no package {' or '.join(packages)}; nox -s servers installs them")
    return reasons


def asked_for(config: pytest.Config) -> bool:
    """Whether this run wants the real servers: by marker, or by naming this folder."""
    named = [Path(config.invocation_params.dir, argument.split("::")[0]) for argument in config.args]
    if "servers" in config.option.markexpr:
        return "not servers" not in config.option.markexpr
    return any(path.resolve().is_relative_to(HERE) for path in named)


@pytest.hookimpl(tryfirst=True)  # before -m looks at the markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark everything here `servers`, and leave it out of runs that did not ask for it."""
    here = [item for item in items if item.path.is_relative_to(HERE)]
    for item in here:
        item.add_marker("servers")
    config.stash[_selected] = bool(here) and asked_for(config)
    if here and not config.stash[_selected]:
        config.hook.pytest_deselected(items=here)
        items[:] = [item for item in items if item not in here]


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the last lines of the summary
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Say what was not tested against a real server, so that nobody reads a pass into it."""
    yield
    if config.stash.get(_selected, False):
        for server, reason in missing().items():
            terminalreporter.line(f"REAL SERVERS NOT RUN: {server} ({reason})", red=True)


def need(server: str) -> None:
    """Skip the test, or fail it where servers are required, if a server cannot be driven here."""
    reason = missing().get(server)
    if reason and REQUIRED:
        pytest.fail(f"POSTHOUSE_REQUIRE_SERVERS=1, but {server} cannot run: {reason}", pytrace=False)
    if reason:
        pytest.skip(f"REAL SERVERS NOT RUN: {server} ({reason})")


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """One folder for everything the servers write.

    Not below pytest's own temporary folder, which only the user who runs the tests may enter: Postfix, Dovecot and Exim
    each work as a user of their own.
    """
    with tempfile.TemporaryDirectory(prefix="posthouse-servers-") as name:
        home = Path(name)
        home.chmod(0o711)
        yield home


@pytest.fixture(scope="session")
def certificates(server_home: Path) -> Certificates:
    """The test CA and what it signed."""
    home = server_home / "tls"
    home.mkdir()
    home.chmod(0o711)
    return Certificates(home)


def home_of(parent: Path, name: str) -> Path:
    """Make a folder for a program, whichever user it runs as."""
    home = parent / name
    home.mkdir()
    home.chmod(0o755)
    return home


@pytest.fixture(scope="session")
def postfix(server_home: Path, certificates: Certificates) -> Iterator[Postfix]:
    """A running Postfix that asks Dovecot about passwords."""
    need("postfix")
    server = Postfix(home_of(server_home, "postfix"), certificates.home)
    with Dovecot(home_of(server_home, "postfix-sasl"), server.sasl_socket, "postfix"), server:
        yield server


@pytest.fixture(scope="session")
def exim(server_home: Path, certificates: Certificates) -> Iterator[Exim]:
    """A running Exim that asks Dovecot about SCRAM."""
    need("exim")
    server = Exim(home_of(server_home, "exim"), certificates)
    with Dovecot(home_of(server_home, "exim-sasl"), server.sasl_socket, exim_program.RUN_AS), server:
        yield server


@pytest.fixture(params=["postfix", "exim"])
def server(request: pytest.FixtureRequest) -> Postfix | Exim:
    """Each mail server in turn."""
    running: Postfix | Exim = request.getfixturevalue(request.param)
    return running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the end of its servers' logs."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        programs = {value for value in item.funcargs.values() if isinstance(value, ServerProgram)}
        report.sections += [(f"log of {program.name}", program.logs()) for program in programs]
    return report


class OpenMailer(Protocol):
    """Opens a Mailer with one account, named `test`, the default; `write_configuration` explains further arguments."""

    def __call__(self, server: Postfix | Exim, way: str, *, trust_test_ca: bool = True, **arguments: Any) -> Mailer: ...


@pytest.fixture
def open_mailer(tmp_path: Path, certificates: Certificates) -> Iterator[OpenMailer]:
    """Mailers that trust the test CA unless they are told otherwise; all are closed at the end of the test."""
    with contextlib.ExitStack() as opened:

        def open_one(server: Postfix | Exim, way: str, *, trust_test_ca: bool = True, **arguments: Any) -> Mailer:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            trust = {"ca_file": str(certificates.ca_file)} if trust_test_ca and way != "plain" else {}
            path = write_configuration(folder, server, way, **trust | arguments)
            return opened.enter_context(Mailer.from_config(path))

        yield open_one


@pytest.fixture
def recipient() -> str:
    """An address that no other test writes to."""
    return f"reader-{secrets.token_hex(6)}@{DOMAIN}"
