"""Every relative link in the documentation leads somewhere, its anchor included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "core/*.md", "plugins/*/*.md", "contrib/*/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    return COMMENT.sub("", FENCE.sub("", page.read_text("utf-8")))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as repository browsers make them."""
    found: set[str] = set()
    for heading in HEADING.findall(prose(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = sum(each == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", each) is not None for each in found)
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(re.sub(r"`[^`]*`", "", prose(page))):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path) if path else page
        if not target.exists():
            broken.append(f"{link}: there is no such file")
        elif anchor and anchor not in anchors(target):
            broken.append(f"{link}: there is no such heading")
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_every_page_can_be_reached_from_the_map() -> None:
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            ahead += [page.parent / link.partition("#")[0] for link in LINK.findall(prose(page)) if ":" not in link]
    assert [str(page) for page in sorted(ROOT.glob("docs/**/*.md")) if page not in reached] == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n## Twice\n## Twice\n[ok](#a-page) [ok](#twice-1) [file](no.md) [heading](page.md#nothing)\n"
        "```md\n[shown](only.md)\n```\n",
        "utf-8",
    )
    assert broken_links(page) == ["no.md: there is no such file", "page.md#nothing: there is no such heading"]
