"""The page about the conformance kit names every grade, and every case with what it shows."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from posthouse.testing import AuthenticatorContract, ExtensionContract, Grade, Peer, SignIn, TransportContract
from posthouse.testing.contract import Contract
from posthouse.testing.grades import Case, case_of

PAGE = (Path(__file__).parent.parent / "docs" / "reference" / "conformance.md").read_text("utf-8")
CONTRACTS = {"Transports": TransportContract, "Authenticators": AuthenticatorContract, "Extensions": ExtensionContract}


def cases(contract: type[Contract]) -> dict[str, Case]:
    return {name: case for name in dir(contract) if (case := case_of(getattr(contract, name)))}


@pytest.mark.parametrize("title", CONTRACTS)
def test_every_case_is_on_the_page_below_its_grade(title: str) -> None:
    found = cases(CONTRACTS[title])
    assert len(found) > 8
    for name, case in found.items():
        section = PAGE.partition(f"\n### {title}: {case.grade.value}\n")[2].partition("\n#")[0]
        (line,) = [line for line in section.splitlines() if line.startswith(f"| `{name}` |")]
        first = (inspect.getdoc(getattr(CONTRACTS[title], name)) or "").partition("\n")[0].replace("``", "`")
        assert first in line
        assert not case.hook or f"hook `{case.hook}`" in line
        assert not case.capability or f"capability `{case.capability}`" in line


@pytest.mark.parametrize("grade", [grade for grade in Grade if grade is not Grade.NONE])
def test_every_grade_is_explained(grade: Grade) -> None:
    assert f"\n| `{grade.value}` | " in PAGE


@pytest.mark.parametrize("cls", [Peer, SignIn])
def test_everything_that_an_author_may_override_is_on_the_page(cls: type) -> None:
    section = PAGE.partition(f"\n### {cls.__name__}\n")[2].partition("\n#")[0]
    assert [name for name in vars(cls) if not name.startswith("_") and f"`{name}`" not in section] == []
