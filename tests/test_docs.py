"""Every example of the tutorial, the how-to pages and the README runs; `docs_support.pages` says how."""

from __future__ import annotations

from pathlib import Path

import pytest

from .docs_support.pages import ROOT, play, read_page

PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/tutorial/*.md")), *sorted(ROOT.glob("docs/how-to/*.md"))]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_examples_of_the_page_run(path: Path, tmp_path: Path) -> None:
    play(path, tmp_path)


def test_every_page_has_something_to_run() -> None:
    assert len(PAGES) > 10
    idle = [
        path.name
        for path in PAGES
        if not any("skip" not in block.options for block in read_page(path.read_text("utf-8"))[1])
    ]
    assert idle == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\nprint(1)\n```\n```text\n2\n```\n", "and it is"),
        ("```python\n1 / 0\n```\n", "ZeroDivisionError"),
        ("```python\nimport warnings\nwarnings.warn('old', DeprecationWarning)\n```\n", "DeprecationWarning"),
        ("```sh\nfalse\ntrue\n```\n", "exit code 1"),
        ("```console\n$ echo yes\nno\n```\n", "and it is"),
        ("```console\n$ false\n```\n", "exit code 1"),
        ("```toml\n[safety]\nsending_enabeld = true\n```\n", "sending_enabeld"),
        ("```text\nloose\n```\n", "nobody runs"),
        ("```toml\n# a.toml\n[a]\n```\n```diff\n# a.toml\n-[b]\n+[c]\n```\n", "stand 0 times"),
        ("<!-- docs-check\nassert len(inbox) == 1\n-->\n", "line 2"),
        ("```sh\nposthouse send --account x --to a@example.org --text x\n```\n", "exit code 78"),
    ],
)
def test_a_wrong_page_is_found(text: str, complaint: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    with pytest.raises(AssertionError, match=complaint):
        play(page, tmp_path)


def test_no_example_reaches_a_real_server(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nimport socket\nsocket.create_connection(('example.org', 25))\n```\n", "utf-8")
    with pytest.raises(AssertionError, match="gaierror"):
        play(page, tmp_path)
