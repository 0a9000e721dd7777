from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from posthouse import errors
from posthouse.errors import (
    AuthenticationError,
    ConfigurationError,
    DeliveryError,
    MessageError,
    PosthouseError,
    Problem,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    UncertainError,
)
from posthouse.receipts import Receipt, RecipientOutcome, RecipientStatus

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, PosthouseError)]
FULL: dict[str, Any] = {
    "code": "connect.host-unknown",
    "stage": Stage.GREETING,
    "temporary": True,
    "retry_after": 3.5,
    "hint": "Do this.",
    "reply": Reply(421, "4.3.2", "later"),
    "details": {"host": "mail.example.org"},
}


def facts(error: PosthouseError) -> dict[str, Any]:
    names = ("message", "code", "stage", "temporary", "retry_after", "hint", "reply", "details", "receipt", "args")
    return {name: getattr(error, name) for name in names} | {"type": type(error), "text": str(error)}


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_has_a_code_of_its_own_and_says_what_to_do(kind: type[PosthouseError]) -> None:
    error = kind("It broke.")
    assert error.code == kind.default_code
    assert error.stage is kind.default_stage
    assert (error.temporary, error.retry_after, error.reply, error.receipt) == (False, None, None, None)
    assert str(error) == "It broke."
    codes = [other.default_code for other in TREE]
    assert codes.count(kind.default_code) == 1


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("kind", [kind for kind in TREE if kind is not ConfigurationError], ids=lambda k: k.__name__)
def test_errors_are_copied_and_pickled_whole(kind: type[PosthouseError], make: Any) -> None:
    error = kind("It broke.", **FULL)
    outcome = RecipientOutcome("a@b.c", RecipientStatus.REFUSED, FULL["reply"])
    error.receipt = Receipt(account="a", transport="smtp", message_id="<1@b.c>", recipients=(outcome,))
    assert facts(make(error)) == facts(error)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_configuration_errors_are_copied_and_pickled_whole(make: Any) -> None:
    error = ConfigurationError(
        problems=[Problem("a.b", "is wrong")], source="posthouse.toml", hint="Mend it.", code="x"
    )
    again = make(error)
    assert facts(again) == facts(error)
    assert (again.problems, again.source) == (error.problems, error.source)


def test_text_ends_with_the_hint() -> None:
    assert str(MessageError("It broke.", hint="Mend it.")) == "It broke. (Mend it.)"


def test_repr_holds_neither_details_nor_the_reply() -> None:
    error = AuthenticationError("No.", details={"user": "ada"}, reply=Reply(535, "5.7.8", "for ada"))
    assert repr(error) == "AuthenticationError('No.', code='authentication', stage='authentication')"


def test_a_configuration_error_lists_all_problems() -> None:
    problems = [Problem("accounts.a.port", "is no number"), Problem("", "has no accounts")]
    text = str(ConfigurationError(problems=problems, source="posthouse.toml"))
    assert text.splitlines() == [
        "2 problems in posthouse.toml",
        "  accounts.a.port: is no number",
        "  has no accounts",
    ]
    assert str(ConfigurationError(problems=problems[:1])).splitlines()[0] == "1 problem"
    assert str(ConfigurationError("Not found.", problems=problems[:1])).splitlines()[0] == "Not found."
    assert str(ConfigurationError("Not found.")) == "Not found."


def test_who_catches_delivery_errors_catches_what_happens_on_the_way() -> None:
    on_the_way = {kind.__name__ for kind in TREE if issubclass(kind, DeliveryError)} - {"DeliveryError"}
    assert on_the_way == {
        "AuthenticationError",
        "ConnectError",
        "ProtocolError",
        "RefusedError",
        "ThrottledError",
        "TlsError",
        "UncertainError",
    }
    assert not issubclass(MessageError, DeliveryError)
    assert ThrottledError("Slow.", retry_after=60).retry_after == 60
    assert UncertainError("?").stage is Stage.CONTENT
    assert RefusedError("No.").stage is Stage.RECIPIENT


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    assert all(kind.__name__ in drawn for kind in TREE)


def test_details_are_a_copy() -> None:
    details = {"host": "a"}
    error = PosthouseError("x", details=details)
    details["host"] = "b"
    assert error.details == {"host": "a"}


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(250), "250"),
        (Reply(535, "5.7.8", "Bad\ncredentials"), "535 5.7.8 Bad credentials"),
        (Reply(429, "", "slow"), "429 slow"),
    ],
)
def test_a_reply_is_one_line(reply: Reply, text: str) -> None:
    assert str(reply) == text
