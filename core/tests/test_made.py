"""Objects made at once are what their constructors make: complete, equal, frozen, and nobody else's."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from memory_plugins.memory_transport import Box

from posthouse import AsyncMailer, Message
from posthouse.config import parse
from posthouse.receipts import Delivery, Receipt, RecipientOutcome, RecipientStatus

ACCOUNT = """
[accounts.main]
sender = "office@example.org"
transport = { kind = "memory", box = "main" }
"""
MESSAGE = Message(to="a@b.example", subject="Hello", text="Hello")
PICKS: list[Callable[[Receipt, Box], Any]] = [
    lambda receipt, _: receipt,
    lambda _, box: box.sent[0],
    lambda _, box: box.sent[0].envelope,
    lambda _, box: box.sent[0].message,
]


async def sent(box: Box) -> Receipt:
    async with AsyncMailer(parse(ACCOUNT, "test.toml")) as mailer:
        return await mailer.send(MESSAGE)


@pytest.mark.parametrize("pick", PICKS, ids=["receipt", "submission", "envelope", "message"])
async def test_what_the_engine_makes_is_what_the_constructor_makes(
    pick: Callable[[Receipt, Box], Any], box: Box
) -> None:
    made = pick(await sent(box), box)
    fields = {field.name: getattr(made, field.name) for field in attrs.fields(type(made))}
    assert vars(made) == fields
    assert type(made)(**fields) == made
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(made, next(iter(fields)), None)
    assert copy.deepcopy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made


def test_each_message_has_fields_of_its_own() -> None:
    one, other = Message(to="a@b.example"), Message(cc="c@d.example", headers={"X-A": "a"})
    assert vars(one) is not vars(other)
    assert (one.cc, other.to) == ((), ())
    assert vars(Message()).keys() == {field.name for field in attrs.fields(Message)}
    defaults: dict[str, Any] = {field.name: field.default for field in attrs.fields(Message)}
    assert Message() == Message(**defaults)


def test_a_changed_copy_leaves_the_message_as_it_was() -> None:
    changed = MESSAGE.with_defaults(message_id="<1@b.example>")
    assert changed.message_id == "<1@b.example>"
    assert MESSAGE.message_id is None
    assert attrs.evolve(changed, message_id=None) == MESSAGE


def test_a_delivery_has_what_its_constructor_was_given() -> None:
    outcome = RecipientOutcome("a@b.example", RecipientStatus.ACCEPTED)
    delivery = Delivery((outcome,), request_id="7")
    assert vars(delivery) == {
        "recipients": (outcome,),
        "reply": None,
        "request_id": "7",
        "error": None,
        "untouched": False,
        "notes": (),
    }
    assert attrs.evolve(delivery, notes=("slow",)).notes == ("slow",)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delivery.notes = ()  # type: ignore[misc]
