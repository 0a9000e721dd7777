"""What COM and MAPI answer, in Posthouse's errors."""

from __future__ import annotations

import re

import pytest

from posthouse.errors import DeliveryError, RefusedError, Reply, Stage, UncertainError
from posthouse.hints import Hint, HintTable
from posthouse_mapi.translate import com_reply, failure, hexadecimal, in_doubt

from .standin.errors import ABORTED, GONE, REJECTED, ModelError
from .standin.late_bound import ComError

HINTS = HintTable.load("posthouse_mapi").hints


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: f"{hint.enhanced} {hint.match[:10]} {sorted(hint.stages)}")
def test_each_example_finds_its_hint(hint: Hint) -> None:
    match = re.fullmatch(r"(-?\d+) (\S+) ?(.*)", hint.example)
    assert match is not None
    reply = Reply(int(match[1]), match[2], match[3])
    if match[2].startswith("0x"):
        assert hexadecimal(reply.code) == match[2]
    stage = next(iter(hint.stages), Stage.CONNECT)
    assert HintTable.load("posthouse_mapi").find(reply, stage) is hint
    error = failure(reply, stage, "testing")
    assert isinstance(error, hint.error or DeliveryError)
    assert error.code == hint.error_code
    assert (error.hint, error.reply, error.stage) == (hint.next, reply, stage)
    assert match[2] in error.message


def test_the_number_inside_counts() -> None:
    assert com_reply(ComError.of(ModelError(ABORTED))).enhanced == "0x80004004"
    assert com_reply(ComError.of(ModelError(GONE))).enhanced == "0x800706BA"
    reply = com_reply(ComError(-2147352567, "Exception occurred.", (0, None, None, None, 0, 0), None))
    assert (reply.enhanced, reply.text) == ("0x80020009", "Exception occurred.")
    reply = com_reply(ComError(REJECTED[0], None, None, None))  # type: ignore[arg-type]
    assert (reply.code, reply.enhanced, reply.text) == (REJECTED[0], "0x80010001", "")


def test_what_nobody_knows_is_a_refusal_with_its_number() -> None:
    error = failure(Reply(-1, "0xFFFFFFFF", "odd"), Stage.CONTENT, "calling MailItem.Send")
    assert isinstance(error, RefusedError)
    assert error.message == "0xFFFFFFFF while calling MailItem.Send: odd"
    assert (error.code, error.temporary, bool(error.hint)) == ("refused.mapi", False, True)


def test_a_lost_answer_is_a_doubt() -> None:
    error = in_doubt(failure(com_reply(ComError.of(ModelError(GONE))), Stage.CONTENT, "calling MailItem.Send"))
    assert isinstance(error, UncertainError)
    assert error.code == "uncertain.lost"
    assert "Outbox" in error.hint
