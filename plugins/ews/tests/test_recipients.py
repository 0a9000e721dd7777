"""Exactly the envelope's recipients receive the message."""

from __future__ import annotations

from posthouse.messages import Envelope, Message, Submission
from posthouse_ews.recipients import addressed

ADA = "ada@example.org"


def prepared(message: Message, *recipients: str) -> Submission:
    return Submission(message=message, envelope=Envelope(sender=ADA, recipients=recipients))


def test_whoever_is_not_named_is_hidden() -> None:
    found = addressed(prepared(Message(sender=ADA, to="b@x.org", cc="C@X.org"), "b@X.ORG", "C@x.org", "d@x.org"))
    assert found.hidden == ("d@x.org",)
    assert found.notes == ()


def test_whoever_is_not_in_the_envelope_is_not_named() -> None:
    message = Message(sender=ADA, to=("real@x.org", "ok@x.org"), cc="boss@x.org", text="x")
    found = addressed(prepared(message, "ok@x.org", "staging@x.org"))
    assert b"real@" not in found.mime
    assert b"boss@" not in found.mime
    assert b"To: ok@x.org\r\n" in found.mime
    assert found.hidden == ("staging@x.org",)
    assert len(found.notes) == 1


def test_local_parts_that_differ_in_case_are_different() -> None:
    assert addressed(prepared(Message(sender=ADA, to="Bob@x.org"), "bob@x.org")).hidden == ("bob@x.org",)


def test_a_finished_message_travels_byte_for_byte() -> None:
    raw = b"From: ada@example.org\r\nTo: b@x.org\r\nX-Odd:  kept   as it is\r\n\r\nbody\r\n.\r\n"
    assert addressed(prepared(Message.from_bytes(raw), "b@x.org")).mime == raw
