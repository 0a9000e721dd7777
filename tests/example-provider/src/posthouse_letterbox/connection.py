"""The requests. Imported when something is sent: httpx takes its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Self

import httpx
from attrs import define, field, frozen
from posthouse.errors import AuthenticationError, MessageError, PosthouseError, ProtocolError
from posthouse.messages import Submission
from posthouse.providers import Credential
from posthouse.receipts import Delivery

from posthouse_letterbox.answers import delivery_of, error_of, failed, uncertain, unreachable, untouched
from posthouse_letterbox.letters import letter_of
from posthouse_letterbox.settings import LetterboxSettings

__all__ = ["Box", "Connection"]

CHUNK = 65536


@frozen
class Box:
    """Whose key or token it is.

    Attributes:
        name: what Letterbox calls it.
        domains: from which it may send.
    """

    name: str
    domains: frozenset[str]


@define(eq=False)
class Connection:
    """A client of Letterbox.

    Attributes:
        batch_size: how many messages go with one request.
        security: how it is protected, for receipts.
        authentication: how the sender proves who it is, for receipts.
        usable: False once it broke, was refused or closed; then it is never used again.
        notes: what the sender should know about it.
    """

    _client: httpx.AsyncClient = field(repr=False)
    batch_size: int
    security: str
    authentication: str
    usable: bool = True
    notes: tuple[str, ...] = ()
    _on_the_way: _Content | None = field(default=None, repr=False)
    _taken: int = 0

    @property
    def unsent(self) -> int:
        """How many of the messages that were taken last were not handed over, if a batch is cancelled now."""
        return 0 if self._on_the_way and self._on_the_way.finished else self._taken

    @classmethod
    async def opened(cls, settings: LetterboxSettings, credential: Credential) -> Self:
        """Return a connection; the network is not touched yet.

        Raises:
            AuthenticationError: there is neither a token nor a key.
        """
        if credential.secret is not None:
            auth, authentication = _Header("Authorization", "Bearer {}", credential.secret.reveal), "token"
        elif settings.api_key is not None:
            auth, authentication = _Header("X-Letterbox-Key", "{}", settings.api_key.reveal), "API key"
        else:
            raise AuthenticationError(
                "Letterbox takes nothing without a key.",
                code="authentication.key-missing",
                hint="Set transport.api_key, or sign in with auth.kind = letterbox-login.",
            )
        client = httpx.AsyncClient(base_url=settings.url, auth=auth, timeout=settings.timeout)
        security = "TLS" if settings.url.startswith("https:") else "none"
        return cls(client, settings.batch_size, security, authentication)

    async def deliver(self, submissions: Sequence[Submission]) -> list[Delivery]:
        """Send messages with one request; return one delivery for each, in their order."""
        self.usable, self._on_the_way, self._taken = False, None, len(submissions)
        written = [await _written(submission) for submission in submissions]
        letters = [each for each in written if not isinstance(each, Delivery)]
        pairs = zip(submissions, written, strict=True)
        sendable = [submission for submission, each in pairs if not isinstance(each, Delivery)]
        answered = iter(await self._send(sendable, letters) if letters else self._nothing_to_send())
        return [each if isinstance(each, Delivery) else next(answered) for each in written]

    async def _send(self, submissions: Sequence[Submission], letters: Sequence[Any]) -> list[Delivery]:
        content = self._on_the_way = _Content(json.dumps({"letters": letters}).encode())
        try:
            answer = await self._client.post("/v2/letters", content=content, headers=content.headers)
        except PosthouseError as error:  # the key cannot be had
            return [untouched(error) for _ in submissions]
        except httpx.HTTPError as error:
            if not content.finished:
                return [untouched(unreachable(error)) for _ in submissions]
            return await self._ask(submissions, f"The answer was lost: {error or type(error).__name__}.")
        facts = _facts(answer)
        if answer.is_success and "results" in facts:
            self.usable = True
            return _match(submissions, facts)
        if "error" not in facts and answer.status_code in (200, 500, 502, 504):  # something between us does not know
            return await self._ask(submissions, f"The answer was no answer: {answer.status_code}.")
        refusal = error_of(answer.status_code, _error(facts))
        if isinstance(refusal, AuthenticationError):  # nothing was looked at: a renewed token may try it again
            return [untouched(refusal) for _ in submissions]
        self.usable = True
        return [failed(submission, refusal) for submission in submissions]

    async def _ask(self, submissions: Sequence[Submission], why: str) -> list[Delivery]:
        """Ask what became of letters whose answer was lost: Letterbox knows them by their Message-ID."""
        ids = [submission.message.message_id for submission in submissions]
        try:
            answer = await self._client.post("/v2/receipts", json={"ids": ids})
        except (httpx.HTTPError, PosthouseError):
            return _match(submissions, {}, why)
        return _match(submissions, _facts(answer), why)

    def _nothing_to_send(self) -> list[Delivery]:
        self.usable = True
        return []

    async def box(self) -> Box:
        """Ask whose key or token it is.

        Raises:
            PosthouseError: Letterbox cannot be reached, or refuses.
        """
        try:
            answer = await self._client.get("/v2/box")
        except httpx.HTTPError as error:
            raise unreachable(error) from error
        facts = _facts(answer)
        if not answer.is_success:
            raise error_of(answer.status_code, _error(facts))
        if "name" not in facts:
            raise ProtocolError("That is not Letterbox.", hint="Check transport.url.")
        return Box(str(facts["name"]), frozenset(facts.get("domains", ())))

    async def close(self) -> None:
        """Close the client."""
        self.usable = False
        await self._client.aclose()


class _Header(httpx.Auth):
    """Puts a secret into a header when a request leaves, so that it stands in no client, repr or frame before."""

    def __init__(self, name: str, form: str, reveal: Callable[[], str]) -> None:
        self._name, self._form, self._reveal = name, form, reveal

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Reveal the secret in a worker thread, since that may read a file or a keyring."""
        request.headers[self._name] = self._form.format(await asyncio.to_thread(self._reveal))
        yield request


class _Content:
    """The body of a request, and whether all of it was handed over."""

    def __init__(self, body: bytes) -> None:
        self.headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        self.finished = False
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), CHUNK):
            yield self._body[start : start + CHUNK]
        self.finished = True


async def _written(submission: Submission) -> dict[str, Any] | Delivery:
    """Return the letter, or the delivery of a message that cannot be written."""
    files = (*submission.message.attachments, *submission.message.inline)
    try:
        if any(file.blocking for file in files):
            return await asyncio.to_thread(letter_of, submission)
        return letter_of(submission)
    except MessageError as error:
        return failed(submission, error)


def _match(submissions: Sequence[Submission], facts: Mapping[str, Any], why: str = "") -> list[Delivery]:
    """Return what Letterbox says of each letter; what it does not name is uncertain."""
    try:
        known = {result["id"]: result for result in facts.get("results", ())}
        return [_of_one(submission, known.get(submission.message.message_id), why) for submission in submissions]
    except (AttributeError, KeyError, TypeError):  # JSON, and not what Letterbox says
        return [failed(submission, uncertain("The answer cannot be read.")) for submission in submissions]


def _of_one(submission: Submission, result: Mapping[str, Any] | None, why: str) -> Delivery:
    if result is None:
        return failed(submission, uncertain(why or "The answer says nothing of this message."))
    return delivery_of(submission, result)


def _facts(answer: httpx.Response) -> dict[str, Any]:
    """Return the answer's JSON object; nothing where it has none."""
    try:
        facts = answer.json()
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _error(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    error = facts.get("error")
    return error if isinstance(error, dict) else {}
