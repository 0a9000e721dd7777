"""Hint tables: the most special entry that fits wins, and a malformed file is named."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from posthouse.errors import PluginError, RefusedError, Reply, Stage, ThrottledError
from posthouse.hints import HintTable

MakeTable: TypeAlias = Callable[[str], HintTable]


@pytest.fixture
def make_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeTable]:
    """Return a function that puts a hint file into a package of its own."""

    def make(toml: str) -> HintTable:
        package = f"hints_for_test_{len(list(tmp_path.iterdir()))}"
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / "hints.toml").write_text(toml, "utf-8")
        return HintTable(package)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield make
    for name in [name for name in sys.modules if name.startswith("hints_for_test_")]:
        del sys.modules[name]


def entry(name: str, **conditions: object) -> str:
    lines = [f"{key} = {value!r}" for key, value in conditions.items()]
    return "\n".join(["[[hint]]", f'cause = "{name}"', 'next = "do"', *lines, ""])


def test_finds_an_entry_with_all_it_says(make_table: MakeTable) -> None:
    table = make_table(
        entry("why", stage="recipient", code=450, error="throttled", error_code="throttled.x", retry_after=60)
        + "temporary = true\n"
    )
    hint = table.find(Reply(450, "4.2.1", "slow down"), Stage.RECIPIENT)
    assert hint is not None
    assert (hint.cause, hint.next, hint.error, hint.error_code) == ("why", "do", ThrottledError, "throttled.x")
    assert (hint.temporary, hint.retry_after) == (True, 60)


def test_says_nothing_about_what_it_does_not_know(make_table: MakeTable) -> None:
    table = make_table(entry("why", code=450))
    assert table.find(Reply(451), Stage.RECIPIENT) is None


@pytest.mark.parametrize(
    ("reply", "stage", "fits"),
    [
        (Reply(550, "5.7.1", "Relay Access Denied"), Stage.RECIPIENT, True),
        (Reply(554, "5.7.99", "first\nrelay access denied"), Stage.SENDER, True),
        (Reply(454, "5.7.1", "Relay Access Denied"), Stage.RECIPIENT, False),
        (Reply(550, "5.6.1", "Relay Access Denied"), Stage.RECIPIENT, False),
        (Reply(550, "", "Relay Access Denied"), Stage.RECIPIENT, False),
        (Reply(550, "5.7.1", "no"), Stage.RECIPIENT, False),
        (Reply(550, "5.7.1", "Relay Access Denied"), Stage.CONTENT, False),
    ],
)
def test_every_condition_must_hold(make_table: MakeTable, reply: Reply, stage: Stage, fits: bool) -> None:
    table = make_table(entry("why", stage=["sender", "recipient"], code=5, enhanced="5.7.*", match="relay access"))
    assert (table.find(reply, stage) is not None) is fits


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_special_entry_wins_wherever_it_stands(make_table: MakeTable, order: int) -> None:
    entries = [
        entry("anything", stage="recipient"),
        entry("class", code=5),
        entry("code", code=550),
        entry("code and stage", code=550, stage="recipient"),
        entry("wildcard", enhanced="?.1.*"),
        entry("enhanced", enhanced="5.1.1"),
        entry("text", match="no such"),
        entry("text and code", match="such", code=550),
    ]
    table = make_table("\n".join(entries[::order]))
    ranking = [hint.cause for hint in table.hints]
    assert ranking == [
        "text and code",
        "text",
        "enhanced",
        "wildcard",
        "code and stage",
        "code",
        "class",
        "anything",
    ]
    found = table.find(Reply(550, "5.1.1", "no such user"), Stage.RECIPIENT)
    assert found is not None
    assert found.cause == "text and code"


def test_among_equals_the_first_wins(make_table: MakeTable) -> None:
    table = make_table(entry("first", match="user") + entry("second", match="no such"))
    found = table.find(Reply(550, "", "no such user"), Stage.RECIPIENT)
    assert found is not None
    assert found.cause == "first"


def test_a_providers_own_codes_work_as_well(make_table: MakeTable) -> None:
    table = make_table(entry("why", code=403, enhanced="ErrorSendAsDenied", error="refused"))
    found = table.find(Reply(403, "ErrorSendAsDenied", "no"), Stage.CONTENT)
    assert found is not None
    assert found.error is RefusedError


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("hint = [", "cannot be read"),
        ("title = 'no hints'", "cannot be read"),
        ('[[hint]]\ncause = "x"\n', "hint 1"),
        (entry("ok") + entry("bad", cod=550), "hint 2"),
        (entry("bad", stage="nowhere"), "nowhere"),
        (entry("bad", error="nonsense"), "nonsense"),
        (entry("bad", match="("), "hint 1"),
    ],
)
def test_a_malformed_file_is_named(make_table: MakeTable, toml: str, named: str) -> None:
    table = make_table(toml)
    with pytest.raises(PluginError, match=named) as caught:
        table.find(Reply(550), Stage.RECIPIENT)
    assert table.package in str(caught.value)


def test_a_missing_package_or_file_is_named() -> None:
    for table in (HintTable("no_such_package_anywhere"), HintTable("posthouse", "no-such-file.toml")):
        with pytest.raises(PluginError, match=table.package):
            table.find(Reply(550), Stage.RECIPIENT)


def test_loading_is_lazy_and_shared() -> None:
    assert HintTable.load("no_such_package_anywhere") is HintTable.load("no_such_package_anywhere")


def test_an_endless_reply_costs_no_time(make_table: MakeTable) -> None:
    table = make_table(entry("why", match="a.*b.*c"))
    assert table.find(Reply(550, "", "a" * 65536), Stage.RECIPIENT) is None
