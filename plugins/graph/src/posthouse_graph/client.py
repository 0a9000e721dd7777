"""Requests to Graph: authorised, few at a time, repeated where Graph asks for it, and answered or an error."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

from posthouse.errors import ConfigurationError, DeliveryError
from posthouse_graph.answers import Answer, error_for
from posthouse_graph.gate import AT_ONCE, Gate, gate_for
from posthouse_graph.json_message import serialized
from posthouse_graph.settings import OWN_MAILBOX
from posthouse_graph.translate import AnswerLostError, translated

if TYPE_CHECKING:
    import httpx

    from posthouse.secrets import Secret

__all__ = ["GraphClient", "mailbox_path", "tls_context"]

_ATTEMPTS = 10
_LONGEST_BACKOFF = 30.0
_KEPT_SECONDS = 5.0
"""How long an unused connection is kept: not as long as any server does, so that none is closed while it is used."""


class GraphClient:
    """One way to Graph with one token.

    Args:
        base_url: what all calls begin with, without a slash at the end.
        token: the access token.
        context: for TLS.
        proxy: URL of the proxy; empty for none.
        timeout: seconds in which something must move.
        backoff: seconds to wait where Graph asks to wait and does not say how long; doubled each time.

    Attributes:
        security: TLS version, known with the first answer.
        server: Graph's host, for the text of errors.
    """

    def __init__(
        self,
        base_url: str,
        token: Secret,
        *,
        context: ssl.SSLContext,
        proxy: str = "",
        timeout: float = 60.0,
        backoff: float = 1.0,
    ) -> None:
        import httpx

        # The transport without httpx.AsyncClient around it: that one logs each URL, and an upload's URL is a secret.
        self._transport = httpx.AsyncHTTPTransport(
            verify=context,
            trust_env=False,
            proxy=httpx.Proxy(proxy) if proxy else None,
            limits=httpx.Limits(
                max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE, keepalive_expiry=_KEPT_SECONDS
            ),
        )
        self._base_url = base_url
        self._token = token
        self._timeout = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        self._backoff = backoff
        self.server = urlsplit(base_url).netloc
        self.security = "TLS"

    def gate(self, mailbox: str) -> Gate:
        """Return the gate that requests to this mailbox pass."""
        return gate_for(self._base_url, mailbox)

    async def request(
        self,
        method: str,
        path: str,
        *,
        gate: Gate,
        deadline: float,
        expect: Collection[int],
        json: Any = None,
        content: bytes = b"",
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        places: int = 1,
    ) -> Answer:
        """Ask, and ask again after as long as Graph wants.

        Args:
            method: the HTTP method.
            path: what follows the base URL, or a whole URL, which then gets no token.
            gate: the mailbox's.
            deadline: loop time after which no attempt begins.
            expect: the statuses that mean success.
            json: what the body shall hold.
            content: the body itself.
            content_type: its type.
            headers: further ones.
            repeatable: False if obeying it twice does harm: then only an answer that says that it was not obeyed lets
                it be repeated (429, 503, or 504 with Retry-After).
            places: how many of the mailbox's requests it counts as.

        Raises:
            AnswerLostError: it was handed over, and no answer came.
            DeliveryError: any other answer, or no connection. ``details`` holds the ids that Microsoft's support asks
                for.
        """
        if json is not None:
            content, content_type = serialized(json), "application/json"
        for attempt in range(1, _ATTEMPTS + 1):
            async with gate.passage(deadline, places):
                answer = await self._exchange(method, path, content, content_type, headers or {})
                if answer.status in expect:
                    return answer
                error = error_for(answer, server=self.server, request=_shown(method, path))
                wait = self._wait(answer, error, attempt, repeatable=repeatable)
                if wait is None or attempt == _ATTEMPTS or asyncio.get_running_loop().time() + wait >= deadline:
                    raise error
                gate.pause(wait)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    def _wait(self, answer: Answer, error: DeliveryError, attempt: int, *, repeatable: bool) -> float | None:
        """Return the seconds after which to ask again; None if that makes no sense, or could do something twice."""
        asked = answer.status in (429, 503) or (answer.status == 504 and answer.retry_after is not None)
        if not error.temporary or not (asked or (repeatable and answer.status >= 500)):
            return None
        if error.retry_after is not None:
            return error.retry_after
        return min(self._backoff * float(2 ** (attempt - 1)), _LONGEST_BACKOFF)

    async def _exchange(
        self, method: str, path: str, content: bytes, content_type: str, headers: Mapping[str, str]
    ) -> Answer:
        import httpx

        own = not path.startswith("https:")
        request_id = str(uuid4())
        named = {"client-request-id": request_id, "return-client-request-id": "true", "Accept": "application/json"}
        if own:
            named["Authorization"] = f"Bearer {self._token.reveal()}"
        if content_type:
            named["Content-Type"] = content_type
        if not content and method in ("POST", "PUT"):
            named["Content-Length"] = "0"
        request = httpx.Request(
            method,
            self._base_url + path if own else path,
            headers={**named, **headers},
            content=content or None,
            extensions={"timeout": self._timeout},
        )
        try:
            with translated(self.server):
                response = await self._transport.handle_async_request(request)
                try:
                    self._look_at(response)
                    await response.aread()
                finally:
                    await response.aclose()
        except AnswerLostError as error:
            error.details = {**error.details, "client-request-id": request_id}
            raise
        answer = Answer.of(response)
        return answer if "client-request-id" in answer.headers else _with_id(answer, request_id)

    def _look_at(self, response: httpx.Response) -> None:
        stream = response.extensions.get("network_stream")
        ssl_object = stream.get_extra_info("ssl_object") if stream is not None else None
        if ssl_object is not None:
            self.security = ssl_object.version() or self.security


def mailbox_path(mailbox: str) -> str:
    """Return what stands for a mailbox in a URL."""
    return "/me" if mailbox == OWN_MAILBOX else f"/users/{quote(mailbox, safe='@')}"


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the client's TLS settings. Blocks (files), so call it in a worker thread.

    With ``ca_file``, only that is trusted, whatever variables like SSL_CERT_FILE and REQUESTS_CA_BUNDLE say.

    Raises:
        ConfigurationError: the file cannot be used (``tls.ca-file``).
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"ca_file {ca_file} cannot be used: {error}",
            code="tls.ca-file",
            hint="Name a PEM file with certificates that this user can read.",
        ) from error


def _with_id(answer: Answer, request_id: str) -> Answer:
    return Answer(answer.status, {**answer.headers, "client-request-id": request_id}, answer.body, answer.text)


def _shown(method: str, path: str) -> str:
    """Return a request for a person; never an upload's URL, which is a secret, nor a message's id, which is long."""
    if path.startswith("https:"):
        return "the upload"
    return {"DELETE": "DELETE of the draft", "GET": "GET of the draft"}.get(method) or path.rpartition("/")[2]
