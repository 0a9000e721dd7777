"""What runs the tests under Wine: its output arrives wherever it goes, and what is missing is said by name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .windows import __main__ as runner
from .windows.wine import Wine

if sys.platform == "win32":
    pytest.skip("Windows needs no Wine", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "plugins" / "mapi"
RUN = (
    "import sys; from pathlib import Path; from tests.windows.wine import Wine;"
    "sys.exit(Wine(Path(sys.argv[1]), Path(sys.argv[2])).run('python.exe'))"
)
LINES = "".join(f"line {number}\n" for number in range(1, 20001))


@pytest.fixture
def wine(tmp_path: Path) -> Path:
    """As Python under Wine: without a pipe for its output it does not start. It ends with 3, as tests that fail."""
    program = tmp_path / "wine64"
    program.write_text(
        "#!/bin/sh\n[ -p /dev/stdout ] && [ -p /dev/stderr ] || exit 99\nseq -f 'line %.0f' 20000\nexit 3\n"
    )
    program.chmod(0o700)
    return program


def start(wine: Path, output: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", RUN, str(wine), str(wine.parent)]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


def test_output_to_a_file(wine: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert start(wine, log.fileno()).wait(60) == 3
    assert (tmp_path / "log").read_text() == LINES


def test_output_to_a_pipe(wine: Path) -> None:
    process = start(wine, subprocess.PIPE)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.decode()) == (3, LINES)


def test_output_to_a_terminal(wine: Path) -> None:
    ours, theirs = os.openpty()
    process = start(wine, theirs)
    os.close(theirs)
    shown = b""
    try:
        while content := os.read(ours, 1 << 16):
            shown += content
    except OSError:  # how a terminal says on Linux that nobody writes to it any more
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 3
    assert shown.decode().replace("\r\n", "\n") == LINES


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    program = tmp_path / "wine64"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o700)
    with pytest.raises(subprocess.TimeoutExpired):
        Wine(program, tmp_path).run("winecfg", timeout=0.1)


@pytest.fixture
def prepared(wine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Wine and an interpreter are there; return a file of constraints."""

    @contextmanager
    def fresh(program: Path, parent: Path) -> Iterator[Wine]:
        yield Wine(program, tmp_path)

    def unpacked(lock: Path, cache: Path, target: Path) -> None:
        (target / "Lib" / "site-packages").mkdir(parents=True)
        (target / "python313.dll").touch()

    monkeypatch.delenv("POSTHOUSE_REQUIRE_SERVERS", raising=False)
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setattr(runner, "find_wine", lambda: wine)
    monkeypatch.setattr(runner, "fresh_windows", fresh)
    monkeypatch.setattr(runner, "interpreter", unpacked)
    constraints = tmp_path / "constraints.txt"
    constraints.touch()
    return constraints


def run(constraints: Path) -> int:
    return runner.main([str(constraints.parent), str(FOLDER), str(constraints)])


@pytest.mark.parametrize(("required", "code"), [("", 0), ("1", 1)])
def test_no_network_is_said_by_name(
    prepared: Path,
    required: str,
    code: int,
    unused_tcp_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("POSTHOUSE_REQUIRE_SERVERS", required)
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{unused_tcp_port}/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    assert run(prepared) == code
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("WINDOWS NOT RUN: uv pip install failed: ")
    assert f"127.0.0.1:{unused_tcp_port}" in line


def test_packages_that_do_not_go_together_are_a_failure(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UV_NO_INDEX", "1")
    assert run(prepared) == 1
    assert capsys.readouterr().out.startswith("WINDOWS FAILED: uv pip install failed: ")


def test_a_wine_that_does_not_start_is_said_by_name(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hung(program: Path, parent: Path) -> None:
        raise subprocess.TimeoutExpired("winecfg", 120)

    monkeypatch.setattr(runner, "fresh_windows", hung)
    assert run(prepared) == 0
    assert capsys.readouterr().out == "WINDOWS NOT RUN: Command 'winecfg' timed out after 120 seconds\n"


def test_tests_that_fail_are_a_failure(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "install", lambda *_: None)
    assert run(prepared) == 3


def test_constraints_that_are_missing_are_said(prepared: Path) -> None:
    prepared.unlink()
    with pytest.raises(SystemExit, match="no file of constraints"):
        run(prepared)
