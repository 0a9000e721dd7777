"""What Graph answered, and the error that it amounts to.

`hints.toml` knows the codes; where it says nothing, the rules below decide by HTTP status (RFC 9110 section 15).
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
)
from posthouse.hints import HintTable

if TYPE_CHECKING:
    import httpx

__all__ = ["HINTS", "Answer", "error_for"]

HINTS = HintTable.load("posthouse_graph")
"""What is known about particular answers."""

_CLAIMS = re.compile(r'\bclaims="([^"]+)"')
_LONGEST = 400
_LONGEST_WAIT = 86400.0
_SUPPORT = ("request-id", "client-request-id", "x-ms-ags-diagnostic")


@frozen
class Answer:
    """An HTTP response, or one of those within the response to a batch.

    Attributes:
        status: the HTTP status.
        headers: by name in lower case.
        body: the JSON that it holds; None if it holds none.
        text: the beginning of what it holds instead.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = None
    text: str = ""

    @classmethod
    def of(cls, response: httpx.Response) -> Answer:
        """Take a response that was read to its end."""
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            return cls(response.status_code, headers, json.loads(response.content))
        except (ValueError, RecursionError):
            return cls(response.status_code, headers, None, response.content[:_LONGEST].decode("utf-8", "replace"))

    @classmethod
    def of_batch(cls, part: Mapping[str, Any]) -> Answer:
        """Take one of the responses within a batch."""
        headers = part.get("headers")
        lowered = {str(name).lower(): str(value) for name, value in (headers or {}).items()}
        return cls(int(part.get("status", 0)), lowered, part.get("body"))

    @property
    def value(self) -> Mapping[str, Any]:
        """The JSON object that it holds; an empty one if it holds none."""
        return self.body if isinstance(self.body, Mapping) else {}

    @property
    def reply(self) -> Reply:
        """Status, Graph's code and Graph's words."""
        error = self.value.get("error")
        if isinstance(error, Mapping):
            return Reply(self.status, str(error.get("code", "")), _shortened(str(error.get("message", ""))))
        return Reply(self.status, "", _shortened(self.text))

    @property
    def retry_after(self) -> float | None:
        """The seconds after which it wants to be asked again (RFC 9110 section 10.2.3); None if it does not say."""
        text = self.headers.get("retry-after", "").strip()
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            try:
                seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
            except (ValueError, TypeError):
                return None
        return min(max(seconds, 0.0), _LONGEST_WAIT) if seconds == seconds else None

    @property
    def request_id(self) -> str:
        """Microsoft's name for the request, else ours."""
        return self.headers.get("request-id") or self.headers.get("client-request-id", "")

    @property
    def claims(self) -> str:
        """The claims challenge as JSON, for the authenticator; empty if there is none."""
        match = _CLAIMS.search(self.headers.get("www-authenticate", ""))
        if match is None:
            return ""
        try:
            text = urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode()
            return text if isinstance(json.loads(text), dict) else ""
        except ValueError:
            return ""


@frozen
class _Rule:
    """What a status amounts to, if nothing more special is known."""

    error: type[DeliveryError]
    code: str


_RULES: Mapping[int, _Rule] = {
    401: _Rule(AuthenticationError, "authentication.token"),
    403: _Rule(AuthenticationError, "authentication.permission"),
    404: _Rule(RefusedError, "refused.mailbox"),
    413: _Rule(RefusedError, "refused.size"),
    429: _Rule(ThrottledError, "throttled"),
    502: _Rule(ConnectError, "connect.unavailable"),
    503: _Rule(ThrottledError, "throttled.unavailable"),
    504: _Rule(ThrottledError, "throttled.unavailable"),
}
_STAGES: Mapping[str, Stage] = {
    "authentication": Stage.AUTHENTICATION,
    "refused.sender": Stage.SENDER,
    "refused.mailbox": Stage.SENDER,
    "refused.recipient": Stage.RECIPIENT,
}
_TEMPORARY = {408, 429}


def error_for(answer: Answer, *, server: str, request: str) -> DeliveryError:
    """Return the error that an answer amounts to which is not the one wanted.

    Args:
        answer: what came.
        server: Graph's host.
        request: what was asked for, in words: ``"sendMail"``.
    """
    reply = answer.reply
    hint = HINTS.find(reply, Stage.CONTENT)
    rule = _rule(answer.status)
    error = (hint.error if hint else None) or rule.error
    known = hint.error_code if hint else ""
    code = known or (rule.code if error is rule.error else error.default_code)
    temporary = answer.status >= 500 or answer.status in _TEMPORARY
    if hint is not None and hint.temporary is not None:
        temporary = hint.temporary
    wait = answer.retry_after if answer.retry_after is not None else (hint.retry_after if hint else None)
    details = {name: answer.headers[name] for name in _SUPPORT if answer.headers.get(name)}
    if answer.claims:
        details["claims"] = answer.claims
    said = f"{server} answered {request} with {reply}"
    return error(
        f"{said}. {hint.cause}" if hint else said,
        code=code,
        stage=_STAGES.get(code) or _STAGES.get(code.partition(".")[0]) or Stage.CONTENT,
        temporary=temporary,
        retry_after=wait if temporary else None,
        hint=hint.next if hint else "",
        reply=reply,
        details={"server": server, **details},
    )


def _rule(status: int) -> _Rule:
    if status < 400:
        return _Rule(ProtocolError, "protocol.not-accepted")
    return _RULES.get(status) or _Rule(RefusedError, "refused.content" if status < 500 else "refused")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
