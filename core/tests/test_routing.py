"""Which account sends, and why."""

from __future__ import annotations

import pytest

from posthouse import ConfigurationError, Message, NotPermittedError
from posthouse._routing import matches, resolve
from posthouse.config import parse

CONFIGURATION = parse(
    """
default = "office"
[users]
ada = "hers"
[purposes]
reminders = "bulk"
[accounts.office]
transport = { kind = "memory", box = "main" }
[accounts.hers]
senders = ["ada@example.org"]
transport = { kind = "memory", box = "main" }
[accounts.bulk]
transport = { kind = "memory", box = "main" }
[accounts.everyone]
senders = ["@example.org"]
transport = { kind = "memory", box = "main" }
[accounts.retired]
enabled = false
transport = { kind = "memory", box = "main" }
""",
    "test",
)


@pytest.mark.parametrize(
    ("sender", "account", "user", "purpose", "expected", "why"),
    [
        ("ada@example.org", "bulk", "ada", "reminders", "bulk", "named"),
        ("x@example.org", None, "ada", "reminders", "hers", "user 'ada'"),
        ("x@example.org", None, "bob", "reminders", "bulk", "purpose 'reminders'"),
        ("x@example.org", None, "bob", "other", "everyone", "From address x@example.org"),
        ("ADA@Example.ORG", None, None, None, "hers", "From address"),
        ("x@sub.example.org", None, None, None, "office", "the default"),
        (None, None, None, None, "office", "the default"),
    ],
)
def test_the_rules_apply_in_their_order(
    sender: str | None, account: str | None, user: str | None, purpose: str | None, expected: str, why: str
) -> None:
    message = Message(sender=sender, to="bob@example.com")
    found = resolve(CONFIGURATION, message, account=account, user=user, purpose=purpose)
    assert found.account.name == expected
    assert why in found.reason


def test_a_disabled_account_refuses() -> None:
    with pytest.raises(NotPermittedError, match="retired") as caught:
        resolve(CONFIGURATION, account="retired")
    assert caught.value.code == "account.disabled"


def test_an_unknown_account_is_guessed() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'office'"):
        resolve(CONFIGURATION, account="ofice")


def test_without_a_rule_or_default_nothing_is_guessed() -> None:
    several = parse('[accounts.a]\ntransport = {kind="x"}\n[accounts.b]\ntransport = {kind="x"}\n', "test")
    with pytest.raises(ConfigurationError, match="no rule chooses one"):
        resolve(several)


def test_the_only_account_is_the_default() -> None:
    assert resolve(parse('[accounts.a]\ntransport = {kind="x"}\n', "test")).account.name == "a"


@pytest.mark.parametrize(
    ("address", "rules", "expected"),
    [
        ("a@b.c", ["a@b.c"], True),
        ("A@B.C", ["a@b.c"], True),
        ("a@b.c", ["@b.c"], True),
        ("a@x.b.c", ["@b.c"], False),
        ("a@xb.c", ["@b.c", "b.c"], False),
        ("a@b.c", [], False),
    ],
)
def test_matching_is_exact_or_by_whole_domain(address: str, rules: list[str], expected: bool) -> None:
    assert matches(address, rules) is expected
