"""Fixtures: plugins installed as real distributions, and configurations that use them."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from hypothesis import settings

# What is in there is imported by its absolute name, as installed plugins are.
sys.path.insert(0, str(Path(__file__).parent / "importable"))

from desktop import Desktop
from keyring_in_memory import MemoryKeyring
from memory_plugins import memory_drafts, memory_transport, tokens
from memory_plugins.memory_transport import BOXES, Box
from plugin_sites import Site

settings.register_profile("posthouse", deadline=None)  # a busy machine is no failure
settings.load_profile("posthouse")

IMPORTABLE = Path(__file__).parent / "importable"
Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution: metadata on ``sys.path``, and a module where source is given."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def install(
        distribution: str,
        *,
        role: str = "transport",
        kind: str = "acme",
        module: str = "",
        source: str = "",
        version: str = "1.0",
        api: int = 1,
        requires: str = "",
    ) -> Path:
        module = module or distribution.replace("-", "_")
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {distribution}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requires}"] if requires else []
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text(f"[posthouse.{role}s.v{api}]\n{kind} = {module}\n")
        if source:
            (site / f"{module}.py").write_text(source)
            monkeypatch.delitem(sys.modules, module, raising=False)
        return site

    return install


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return an empty folder of ``sys.path`` for programs in processes of their own, and one to work in."""
    return Site(tmp_path)


@pytest.fixture
def box(install: Install) -> Iterator[Box]:
    """Install the memory plugins, and return the box that the accounts of `CONFIGURATION` use."""
    install("posthouse-memory", kind="memory", module="memory_plugins.memory_transport")
    install("posthouse-memory-batches", kind="memory-batches", module="memory_plugins.memory_batches")
    install("posthouse-memory-drafts", kind="memory-drafts", module="memory_plugins.memory_drafts")
    install("posthouse-tokens", role="authenticator", kind="tokens", module="memory_plugins.tokens")
    BOXES["main"] = Box()
    memory_drafts.COMPOSED.clear()
    memory_drafts.SCRIPT.clear()
    tokens.REQUESTS.clear()
    yield BOXES["main"]
    del BOXES["main"]
    memory_transport.CAPABILITIES[:] = [memory_transport.ALL]


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    """A desktop with a mail program for files and links, a browser, and a cache of its own."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    desktop = Desktop(programs, tmp_path / "opened")
    desktop.opener()
    desktop.handlers(eml="mail.desktop", mailto="mail.desktop")
    return desktop


@pytest.fixture
def moved(install: Install) -> None:
    """Install the transport ``moved``, whose settings have had another version."""
    install("posthouse-moved", kind="moved", module="memory_plugins.moved", version="2.3")


@pytest.fixture
def memory_keyring() -> Iterator[dict[tuple[str, str], str]]:
    """Put a keyring that lives in memory in the place of the system's; yield its entries by service and user."""
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend.entries
    keyring.set_keyring(before)


@pytest.fixture
def frames_of() -> Callable[[BaseException], str]:
    """Return what a traceback that shows local variables would show of our own frames, causes included."""

    def frames_of(error: BaseException) -> str:
        shown = ""
        chain: BaseException | None = error
        while chain is not None:
            stack = traceback.TracebackException.from_exception(chain, capture_locals=True).stack
            shown += "".join(str(frame.locals) for frame in stack if "tests" not in Path(frame.filename).parts)
            chain = chain.__cause__ or chain.__context__
        return shown

    return frames_of


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let a process started by the test be interrupted, though the tests may run as a shell's background job."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Undo what ``--verbose`` does to logging for the rest of a process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    root.setLevel(level)
