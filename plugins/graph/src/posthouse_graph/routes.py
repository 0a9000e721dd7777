"""Which way a message takes through Graph, and what stops it from taking any.

======  ==================================================================  ==========================================
route   what                                                                when
======  ==================================================================  ==========================================
json    ``sendMail`` with the resource type ``message``                     it carries all of the message, and the
                                                                            request stays below 4 MB
mime    ``sendMail`` with base64 of the whole message                       otherwise, up to 2 MB; always kept in
                                                                            Sent Items
draft   a draft made of MIME without files, each file added, then ``send``  otherwise; always kept in Sent Items
======  ==================================================================  ==========================================

With ``save_sent = false`` there is only the first: no other lets one choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.errors import Problem
from posthouse.recipients import Named, named
from posthouse_graph.json_message import has_simple_structure, json_size, losses, substitutes
from posthouse_graph.mime_message import mime_size, skeleton

if TYPE_CHECKING:
    from posthouse.messages import Envelope, Message
    from posthouse_graph.settings import GraphSettings

__all__ = ["FILE_LIMIT", "MIME_LIMIT", "REQUEST_LIMIT", "Plan", "Route", "objections", "plan"]

REQUEST_LIMIT = 4_000_000
"""Bytes of a request's body; Graph's limit is called 4 MB, and this is below both meanings of it."""

MIME_LIMIT = 2_000_000
"""Bytes of a message as MIME. Somewhat larger ones were seen to be answered 200 and not sent."""

FILE_LIMIT = 150 * 1024 * 1024
"""Bytes of one file that an upload session takes."""

_ENVELOPE = 100
"""Bytes that stand around the resource in the body of ``sendMail``."""


class Route(StrEnum):
    """A way through Graph."""

    JSON = "json"
    MIME = "mime"
    DRAFT = "draft"


@frozen
class Plan:
    """How a message travels.

    Attributes:
        route: the way.
        names: who is named where.
        size: bytes of the request's body, as far as it is a single one.
        notes: what arrives in another form than it was given, in words.
    """

    route: Route
    names: Named
    size: int = 0
    notes: tuple[str, ...] = ()


def plan(message: Message, envelope: Envelope, settings: GraphSettings) -> Plan:
    """Return the way that a message takes. `objections` must have found nothing."""
    names = named(message, envelope)
    notes = tuple(substitutes(message))
    exact = not notes and message.raw is None and not any(losses(message))
    if exact or not settings.save_sent:
        size = json_size(message, names) + _ENVELOPE
        if size <= REQUEST_LIMIT or not settings.save_sent:
            return Plan(Route.JSON, names, size, (*names.notes("Graph"), *notes))
    if (size := mime_size(message)) <= MIME_LIMIT:
        return Plan(Route.MIME, names, (size + 2) // 3 * 4, names.notes("Graph"))
    return Plan(Route.DRAFT, names, notes=names.notes("Graph"))


def objections(message: Message, envelope: Envelope, settings: GraphSettings) -> tuple[Problem, ...]:
    """Return what no route can carry."""
    if not settings.save_sent:
        return tuple(_to_json(message, envelope))
    if plan(message, envelope, settings).route is Route.DRAFT:
        return tuple(_to_draft(message, envelope))
    return ()


def _to_json(message: Message, envelope: Envelope) -> Iterator[Problem]:
    for problem in losses(message):
        yield Problem(problem.path, f"with save_sent = false, {problem.message}")
    size = json_size(message, named(message, envelope)) + _ENVELOPE
    if size > REQUEST_LIMIT:
        yield Problem("size", f"with save_sent = false, at most {REQUEST_LIMIT} bytes can be carried, not {size}")


def _to_draft(message: Message, envelope: Envelope) -> Iterator[Problem]:
    for file in (*message.attachments, *message.inline):
        if file.size > FILE_LIMIT:
            yield Problem("attachments", f"{file.name or 'a file'} has {file.size} bytes, at most {FILE_LIMIT} fit")
    if message.raw is not None and not has_simple_structure(message.raw):
        yield Problem("raw", f"a finished message that is signed, encrypted or a report has at most {MIME_LIMIT} bytes")
    elif len(skeleton(message, named(message, envelope))) > MIME_LIMIT:
        yield Problem("text", f"without its files, a message has at most {MIME_LIMIT} bytes")
