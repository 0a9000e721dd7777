from __future__ import annotations

from typing import Any

import pytest

from posthouse.messages import Attachment, Envelope, Message
from posthouse_graph import GraphSettings, routes
from posthouse_graph.routes import FILE_LIMIT, MIME_LIMIT, Route, objections, plan

from .conftest import ANNA

SAVED, UNSAVED = GraphSettings(), GraphSettings(save_sent=False)
BOB = Envelope(sender=ANNA, recipients=("bob@example.org",))


def message(**fields: Any) -> Message:
    return Message(**{"sender": ANNA, "to": "bob@example.org", "subject": "s", "text": "t", **fields})


def file(size: int) -> Attachment:
    return Attachment(bytes(size), "f.bin")


@pytest.mark.parametrize(
    ("fields", "route"),
    [
        ({}, Route.JSON),
        ({"attachments": [file(2_900_000)]}, Route.JSON),
        ({"headers": {"X-A": "1"}}, Route.JSON),
        ({"headers": {"List-Id": "1"}}, Route.MIME),
        ({"html": "<p>"}, Route.MIME),
        ({"auto_submitted": "auto-generated"}, Route.MIME),
        ({"html": "<p>", "attachments": [file(1_300_000)]}, Route.MIME),
        ({"html": "<p>", "attachments": [file(1_500_000)]}, Route.DRAFT),
        ({"attachments": [file(3_000_000)]}, Route.DRAFT),
    ],
)
def test_a_message_that_is_kept_takes_the_simplest_way_that_loses_nothing(fields: dict[str, Any], route: Route) -> None:
    assert objections(message(**fields), BOB, SAVED) == ()
    assert plan(message(**fields), BOB, SAVED).route is route


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, ""),
        ({"html": "<p>"}, ""),
        ({"auto_submitted": "auto-generated"}, ""),
        ({"headers": {"List-Id": "1"}}, "headers: with save_sent = false, only x- headers"),
        ({"headers": {f"X-{n}": "1" for n in "abcdef"}}, "headers: with save_sent = false, at most 5"),
        ({"attachments": [file(3_000_000)]}, "size: with save_sent = false, at most 4000000 bytes"),
    ],
)
def test_a_message_that_is_not_kept_has_one_way_only(fields: dict[str, Any], problem: str) -> None:
    found = objections(message(**fields), BOB, UNSAVED)
    assert len(found) == bool(problem)
    assert "".join(map(str, found)).startswith(problem)
    assert plan(message(**fields), BOB, UNSAVED).route is Route.JSON


def test_a_finished_message_travels_as_mime() -> None:
    raw = Message.from_bytes(b"From: anna@sandbox.example\r\nTo: bob@example.org\r\n\r\nx\r\n")
    assert plan(raw, BOB, SAVED).route is Route.MIME


def test_what_is_given_up_is_noted() -> None:
    assert plan(message(html="<p>"), BOB, SAVED).notes == ()
    assert plan(message(html="<p>"), BOB, UNSAVED).notes == (
        "The plain text is the one that Exchange makes from the HTML.",
    )
    other = Envelope(sender=ANNA, recipients=("test@example.org",))
    assert any("To and Cc name only those who receive it" in note for note in plan(message(), other, SAVED).notes)


def test_a_body_that_no_draft_takes_is_refused() -> None:
    (problem,) = objections(message(text="x" * MIME_LIMIT, html="y"), BOB, SAVED)
    assert str(problem).startswith("text: without its files")


def test_a_file_that_no_upload_takes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "FILE_LIMIT", 3_500_000)
    (problem,) = objections(message(attachments=[file(3_500_001)]), BOB, SAVED)
    assert str(problem) == "attachments: f.bin has 3500001 bytes, at most 3500000 fit"
    assert FILE_LIMIT == 150 * 1024 * 1024


def test_a_large_signed_message_cannot_be_taken_apart() -> None:
    raw = (
        b"From: anna@sandbox.example\r\nTo: bob@example.org\r\n"
        b'Content-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\n\r\n'
        + b"x" * 70
        + b"\r\n"
        + (b"y" * 70 + b"\r\n") * 30_000
        + b"--b--\r\n"
    )
    (problem,) = objections(Message.from_bytes(raw), BOB, SAVED)
    assert str(problem).startswith("raw: a finished message that is signed")
