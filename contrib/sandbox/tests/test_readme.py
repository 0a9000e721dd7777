import re
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

pytest_plugins = ["pytester"]


def test_test_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    (example,) = (example for example in EXAMPLES if "def test_" in example)
    pytester.makepyfile(example)
    options = ("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function")
    pytester.runpytest_subprocess(*options).assert_outcomes(passed=1)


def test_program_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = (example for example in EXAMPLES if "def test_" not in example)
    exec(compile(example, "README.md", "exec"), {})
    assert 0 < int(capsys.readouterr().out) < 65536
