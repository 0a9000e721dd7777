"""What the kit exports, and what it costs those who do not use it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from posthouse import testing


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", testing.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(testing, name).__name__ == name


def test_there_are_no_others() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = testing.Nothing


def test_a_program_that_sends_loads_neither_the_kit_nor_pytest() -> None:
    code = "import posthouse, sys; posthouse.Mailer, posthouse.AsyncMailer; import posthouse.cli.app"
    done = run(f"{code}; sys.exit(bool({{'pytest', 'posthouse.testing'}} & set(sys.modules)))")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_plugin_of_pytest_loads_no_more_than_it_must() -> None:
    kept = "{name for name in sys.modules if name.startswith('posthouse')}"
    done = run(f"import posthouse.testing.plugin, sys; print(*sorted({kept}))")
    assert done.stdout.split() == ["posthouse", "posthouse.testing", "posthouse.testing.plugin"]


@pytest.mark.parametrize("missing", ["pytest", "pytest_asyncio"])
def test_what_is_missing_is_named(missing: str) -> None:
    done = run(f"import sys; sys.modules[{missing!r}] = None\nfrom posthouse.testing import TransportContract")
    assert f"needs {missing}: pip install 'posthouse[testing]'" in done.stderr
