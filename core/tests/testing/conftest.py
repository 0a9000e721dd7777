"""Runs the kit, inside a test, over a provider that a test may have spoiled."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import rich.traceback  # noqa: F401 - what is loaded before, a run inside a test does not load again
import tomlkit  # noqa: F401
from attrs import frozen

from posthouse.testing import tracking
from posthouse.testing.cases import cancellation, content

HERE = Path(__file__).parent
_numbers = itertools.count(1)


@frozen
class Examined:
    """What the kit found out."""

    grade: str
    cases: Mapping[str, Mapping[str, str]]
    output: str
    exit_code: int

    def having(self, ending: str) -> set[str]:
        return {name for name, case in self.cases.items() if case["ending"] == ending}


Examine = Callable[..., Examined]


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a configuration of its own: that of this repository stays out, wherever temporary folders are."""
    pytester.makeini(
        """
        [pytest]
        addopts = -p no:cacheprovider -p no:xdist
        asyncio_mode = auto
        asyncio_default_fixture_loop_scope = function
        filterwarnings = error
        """
    )
    return pytester


@pytest.fixture
def examine(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Install a provider of its own name, and run its conformance tests in this process."""
    monkeypatch.setattr(cancellation, "LONG", 10.0)
    monkeypatch.setattr(content, "LARGE", 300_000)
    monkeypatch.setattr(tracking, "PATIENCE", 2.0)
    monkeypatch.syspath_prepend(str(project.path))

    def examine(
        name: str,
        *changes: tuple[str, str],
        role: str = "transport",
        distribution: str = "",
        options: tuple[str, ...] = (),
    ) -> Examined:
        kind = f"{name}{next(_numbers)}"  # nothing of one run is remembered in the next
        module = f"plugin_{kind}"
        sources = {file: (HERE / file).read_text("utf-8") for file in (f"{name}.py", f"{name}_suite.py")}
        for old, new in changes:
            assert sum(old in source for source in sources.values()) == 1, f"not once in the sources: {old}"
            sources = {file: source.replace(old, new) for file, source in sources.items()}
        sources = {file: source.replace(f'="{name}"', f'="{kind}"') for file, source in sources.items()}
        sources = {file: source.replace(f'kind = "{name}"', f'kind = "{kind}"') for file, source in sources.items()}
        project.makepyfile(**{module: sources[f"{name}.py"], f"test_{kind}": sources[f"{name}_suite.py"]})
        distribution = distribution or f"acme-{kind}"
        info = project.path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[posthouse.{role}s.v1]\n{kind} = {module}\n")
        result = project.runpytest_inprocess("--posthouse-report=report.json", f"test_{kind}.py", *options)
        (standing,) = json.loads((project.path / "report.json").read_text("utf-8"))
        sys.modules.pop(module, None)
        return Examined(standing["grade"], standing["cases"], result.stdout.str(), int(result.ret))

    return examine
