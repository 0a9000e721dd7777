"""Several messages in one request (``$batch``). The outer answer says nothing about any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from posthouse.errors import DeliveryError, PosthouseError, ProtocolError, UncertainError
from posthouse_graph.answers import Answer, error_for
from posthouse_graph.gate import AT_ONCE
from posthouse_graph.outcomes import ACCEPTED, doubt
from posthouse_graph.routes import REQUEST_LIMIT

if TYPE_CHECKING:
    from posthouse_graph.client import GraphClient

__all__ = ["MOST", "Part", "packed", "send_parts"]

MOST = 20
"""Requests in one batch."""

_AROUND = 300
"""Bytes that stand around the body of each part."""

_ROUNDS = 10
_ASKS_TO_WAIT = (429, 503)

Result: TypeAlias = Answer | PosthouseError
"""What became of a part: the answer 202, or why it is none."""


@frozen
class Part:
    """One request of a batch.

    Attributes:
        number: the caller's name for it.
        path: of the request, without the base URL.
        body: what it sends.
        size: bytes of the body.
    """

    number: int
    path: str
    body: Mapping[str, Any]
    size: int


def packed(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Yield as few batches as the limits of Graph allow, in order."""
    batch: list[Part] = []
    size = _AROUND
    for part in parts:
        if batch and (len(batch) == MOST or size + part.size + _AROUND > REQUEST_LIMIT):
            yield batch
            batch, size = [], _AROUND
        batch.append(part)
        size += part.size + _AROUND
    if batch:
        yield batch


async def send_parts(client: GraphClient, mailbox: str, parts: Sequence[Part], deadline: float) -> dict[int, Result]:
    """Send a batch, and those again that are asked to wait.

    Args:
        client: the way to Graph.
        mailbox: the one that all of them are for.
        parts: at most as many as fit.
        deadline: loop time after which no further attempt begins.

    Returns:
        What became of each, by number.
    """
    results: dict[int, Result] = {}
    waiting = list(parts)
    for _ in range(_ROUNDS):
        if not waiting:
            break
        results |= await _once(client, mailbox, waiting, deadline)
        waiting, pause = _to_repeat(waiting, results)
        if waiting and asyncio.get_running_loop().time() + pause >= deadline:
            break
        client.gate(mailbox).pause(pause)
    return results


async def _once(client: GraphClient, mailbox: str, parts: Sequence[Part], deadline: float) -> dict[int, Result]:
    requests = [
        {
            "id": str(part.number),
            "method": "POST",
            "url": part.path,
            "headers": {"Content-Type": "application/json"},
            "body": part.body,
        }
        for part in parts
    ]
    try:
        outer = await client.request(
            "POST",
            "/$batch",
            gate=client.gate(mailbox),
            deadline=deadline,
            expect=(200,),
            json={"requests": requests},
            repeatable=False,
            places=AT_ONCE,  # Graph obeys four parts at a time
        )
    except DeliveryError as error:
        return dict.fromkeys((part.number for part in parts), doubt(error))
    return _read(client, parts, outer)


def _read(client: GraphClient, parts: Sequence[Part], outer: Answer) -> dict[int, Result]:
    responses = outer.value.get("responses")
    found: dict[str, Answer] = {}
    for response in responses if isinstance(responses, list) else []:
        if isinstance(response, Mapping) and str(response.get("status", "")).isdigit():
            inner = Answer.of_batch(response)
            ids = {name: outer.headers[name] for name in ("request-id", "client-request-id") if name in outer.headers}
            found[str(response.get("id"))] = Answer(inner.status, {**ids, **inner.headers}, inner.body)
    results: dict[int, Result] = {}
    for part in parts:
        answer = found.get(str(part.number))
        if answer is None:
            silence = ProtocolError(f"{client.server} left out the answer to one message.", code="protocol.batch")
            results[part.number] = _unanswered(silence)
        elif answer.status == ACCEPTED:
            results[part.number] = answer
        else:
            results[part.number] = doubt(error_for(answer, server=client.server, request="sendMail"))
    return results


def _unanswered(error: DeliveryError) -> DeliveryError:
    uncertain = UncertainError(
        f"{error.message} The message may or may not be sent.",
        code="uncertain.answer",
        hint="Look for the Message-ID in Sent Items before sending it again.",
    )
    uncertain.__cause__ = error
    return uncertain


def _to_repeat(parts: Sequence[Part], results: Mapping[int, Result]) -> tuple[list[Part], float]:
    """Return those that Graph asks to wait, and the seconds that the most patient of them has to."""
    again = []
    pause = 0.0
    for part in parts:
        result = results[part.number]
        if isinstance(result, DeliveryError) and result.temporary and _asks_to_wait(result):
            again.append(part)
            pause = max(pause, result.retry_after if result.retry_after is not None else 1.0)
    return again, pause


def _asks_to_wait(error: DeliveryError) -> bool:
    return error.reply is not None and error.reply.code in _ASKS_TO_WAIT
