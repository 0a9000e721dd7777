from __future__ import annotations

import json
import pickle
from itertools import product
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import ConnectError, PosthouseError, RefusedError, Reply, Stage, ThrottledError, UncertainError
from posthouse.receipts import Outcome, Receipt, RecipientOutcome, RecipientStatus, all_accepted

ACCEPTED = RecipientOutcome("a@b.c", RecipientStatus.ACCEPTED, Reply(250, "2.1.5", "Ok"))
REFUSED = RecipientOutcome("r@b.c", RecipientStatus.REFUSED, Reply(550, "5.1.1", "No such user"))
GREYLISTED = RecipientOutcome("g@b.c", RecipientStatus.REFUSED, Reply(450, "4.2.0", "Greylisted"), temporary=True)
UNCERTAIN = RecipientOutcome("u@b.c", RecipientStatus.UNCERTAIN)


def receipt(*recipients: RecipientOutcome, error: PosthouseError | None = None) -> Receipt:
    return Receipt(account="a", transport="smtp", message_id="<1@b.c>", recipients=recipients, error=error)


@pytest.mark.parametrize(
    ("recipients", "error", "outcome"),
    [
        ([ACCEPTED], None, Outcome.SENT),
        ([ACCEPTED, ACCEPTED], None, Outcome.SENT),
        ([ACCEPTED, REFUSED], None, Outcome.PARTIAL),
        ([ACCEPTED, GREYLISTED], None, Outcome.PARTIAL),
        ([REFUSED], RefusedError("No."), Outcome.FAILED),
        ([REFUSED, GREYLISTED], RefusedError("No."), Outcome.DEFERRED),
        ([GREYLISTED], None, Outcome.DEFERRED),
        ([REFUSED], ThrottledError("Slow.", temporary=True), Outcome.DEFERRED),
        ([], ConnectError("No.", temporary=True), Outcome.DEFERRED),
        ([], ConnectError("No."), Outcome.FAILED),
        ([], UncertainError("?"), Outcome.UNCERTAIN),
        ([UNCERTAIN], UncertainError("?", temporary=True), Outcome.UNCERTAIN),
        ([ACCEPTED, UNCERTAIN], None, Outcome.UNCERTAIN),
        ([REFUSED, UNCERTAIN], None, Outcome.UNCERTAIN),
        ([], None, Outcome.FAILED),
    ],
)
def test_outcome(recipients: list[RecipientOutcome], error: PosthouseError | None, outcome: Outcome) -> None:
    assert receipt(*recipients, error=error).outcome is outcome


@given(st.permutations([ACCEPTED, REFUSED, GREYLISTED, UNCERTAIN]), st.integers(0, 4))
def test_the_order_of_recipients_does_not_matter(recipients: list[RecipientOutcome], count: int) -> None:
    chosen = recipients[:count]
    assert receipt(*chosen).outcome is receipt(*reversed(chosen)).outcome


def test_every_recipient_is_in_exactly_one_list() -> None:
    for recipients in product([ACCEPTED, REFUSED, UNCERTAIN], repeat=3):
        made = receipt(*recipients)
        assert sorted(map(repr, made.accepted + made.refused + made.uncertain)) == sorted(map(repr, recipients))


def test_as_dict_is_what_the_command_line_prints() -> None:
    reply = Reply(450, "4.2.0", "Greylisted")
    error = ThrottledError("Slow.", code="x.y", temporary=True, retry_after=60.0, hint="Wait.", reply=reply)
    made = Receipt(
        account="office",
        transport="starttls",
        message_id="<1@b.c>",
        recipients=(GREYLISTED, UNCERTAIN),
        error=error,
        request_id="4XYZ",
        security="TLSv1.3",
        authentication="PLAIN",
        timings={"total": 0.5},
        notes=("plain text",),
    )
    expected: dict[str, Any] = {
        "account": "office",
        "transport": "starttls",
        "message_id": "<1@b.c>",
        "outcome": "uncertain",
        "recipients": [
            {"address": "g@b.c", "status": "refused", "code": 450, "enhanced": "4.2.0", "text": "Greylisted"},
            {"address": "u@b.c", "status": "uncertain", "code": None, "enhanced": "", "text": ""},
        ],
        "error": {
            "code": "x.y",
            "stage": Stage.CONNECT.value,
            "message": "Slow.",
            "hint": "Wait.",
            "temporary": True,
            "retry_after": 60.0,
        },
        "request_id": "4XYZ",
        "security": "TLSv1.3",
        "authentication": "PLAIN",
        "timings": {"total": 0.5},
        "notes": ["plain text"],
    }
    assert json.loads(json.dumps(made.as_dict())) == expected
    assert receipt(ACCEPTED).as_dict()["error"] is None


def test_a_receipt_is_pickled_whole() -> None:
    made = receipt(ACCEPTED, REFUSED)
    assert pickle.loads(pickle.dumps(made)) == made


def test_all_accepted_is_one_outcome_for_each() -> None:
    reply = Reply(250, "2.1.5", "Ok")
    addresses = ("a@example.org", "b@example.org")
    made = all_accepted(addresses, reply)
    assert made == tuple(RecipientOutcome(address, RecipientStatus.ACCEPTED, reply) for address in addresses)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        made[0].reason = "changed"  # type: ignore[misc]
