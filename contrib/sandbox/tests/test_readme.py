import re
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

pytest_plugins = ["pytester"]


def test_test_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    (example,) = (example for example in EXAMPLES if "def test_" in example)
    pytester.makepyfile(example)
    options = ("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1)


def test_programs_of_the_readme_run(capsys: pytest.CaptureFixture[str]) -> None:
    with_a_door, with_faults = (example for example in EXAMPLES if "def test_" not in example)
    exec(compile(with_a_door, "README.md", "exec"), {})
    assert 0 < int(capsys.readouterr().out) < 65536
    names: dict[str, Any] = {}
    exec(compile(with_faults, "README.md", "exec"), names)
    assert [door for door, _, _ in names["sandbox"].faults.pending()] == ["graph", "graph", "exchange", "smtp"]
