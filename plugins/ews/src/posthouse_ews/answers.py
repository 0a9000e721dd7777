"""What the server answered, and the error that it amounts to.

`hints.toml` knows the codes; where it says nothing, the rules below decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from attrs import Factory, frozen

from posthouse.errors import (
    AuthenticationError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    UncertainError,
)
from posthouse.hints import HintTable

__all__ = ["HINTS", "Answer", "Response", "error_for"]

HINTS = HintTable.load("posthouse_ews")
"""What is known about particular answers."""

_LONGEST = 400
_LONGEST_WAIT = 86400.0
_UNDECIDED = {"ErrorTimeoutExpired", "ErrorRequestAborted", "ErrorClientDisconnected"}
"""The server gave up waiting for itself, so nobody knows how far it came."""

_REFUSES = range(300, 500)
"""Statuses of a server that has not obeyed."""


@frozen
class Answer:
    """What the server says of one item, or of a whole request that it refused.

    Attributes:
        code: response code of EWS: ``"NoError"``, ``"ErrorSendAsDenied"``, …
        text: the server's words.
        values: further facts by name, such as ``BackOffMilliseconds``.
        done: True if it was done; a warning does not mean otherwise.
        item_id, change_key: the server's names for an item and its state; empty where it names none.
        link: where Outlook on the web opens it: a URL, or what follows that of Outlook on the web.
    """

    code: str
    text: str = ""
    values: Mapping[str, str] = Factory(dict)
    done: bool = True
    item_id: str = ""
    change_key: str = ""
    link: str = ""

    @property
    def stopped(self) -> bool:
        """True if the item was not looked at, because the server stopped at one before."""
        return self.code == "ErrorBatchProcessingStopped"

    @property
    def back_off(self) -> float | None:
        """Seconds that the server wants to be left alone; None if it does not say."""
        text = self.values.get("BackOffMilliseconds", "")
        return min(int(text) / 1000, _LONGEST_WAIT) if re.fullmatch(r"\d{1,12}", text) else None


@frozen(kw_only=True)
class Response:
    """What came back for a request.

    Attributes:
        status: the HTTP status.
        headers: by name in lower case.
        answers: one per item.
        fault: what the server says of the whole request, where it refused that.
        text: the beginning of what it holds instead.
    """

    status: int
    headers: Mapping[str, str] = Factory(dict)
    answers: tuple[Answer, ...] = ()
    fault: Answer | None = None
    text: str = ""

    @property
    def request_id(self) -> str:
        """The server's name for the request, else ours."""
        return self.headers.get("request-id") or self.headers.get("client-request-id", "")

    @property
    def refused(self) -> bool:
        """True if certainly nothing of the request was done."""
        if self.fault is not None:
            return self.fault.code not in _UNDECIDED
        return not self.answers and (self.status in _REFUSES or self.status == 503)

    @property
    def retry_after(self) -> float | None:
        """The seconds after which it wants to be asked again (RFC 9110 section 10.2.3); None if it does not say."""
        text = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"\d{1,9}", text):
            return min(float(text), _LONGEST_WAIT)
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
        return min(max(seconds, 0.0), _LONGEST_WAIT)

    def reply(self, answer: Answer | None = None) -> Reply:
        """Return the status, the code and the server's words about one item, or about the request."""
        answer = answer or self.fault
        if answer is not None:
            return Reply(self.status, answer.code, _shortened(answer.text))
        return Reply(self.status, "", _shortened(self.headers.get("x-ms-diagnostics", "") or _words(self.text)))


def error_for(response: Response, answer: Answer | None, *, server: str, request: str) -> DeliveryError:
    """Return the error that an answer amounts to which is not the one wanted.

    Args:
        response: what came back.
        answer: what it says of the item; None for the whole request.
        server: the server's name.
        request: what was asked for: ``"CreateItem"``.
    """
    answer = answer or response.fault
    reply = response.reply(answer)
    details = {"server": server, **({"request-id": response.request_id} if response.request_id else {})}
    if answer is not None and answer.code in _UNDECIDED:
        return UncertainError(
            f"{server} gave up in the middle of {request}: {reply}",
            hint="Look for the Message-ID in Sent Items or at the other side before sending it again.",
            reply=reply,
            details=details,
        )
    hint = HINTS.find(reply, Stage.CONTENT)
    error = (hint.error if hint else None) or _error(reply, answer)
    code = hint.error_code if hint else ""
    temporary = reply.code >= 500 and answer is None if hint is None or hint.temporary is None else hint.temporary
    temporary = temporary or error is ThrottledError
    wait = _first(answer.back_off if answer else None, response.retry_after, hint.retry_after if hint else None)
    said = f"{server} answered {request} with {reply}"
    if reply.code == 401:
        details |= _challenge(response)
    return error(
        f"{said}. {hint.cause}" if hint else said,
        code=code if code.partition(".")[0] == error.default_code else error.default_code,
        stage=_stage(code, error),
        temporary=temporary,
        retry_after=wait if temporary else None,
        hint=hint.next if hint else "",
        reply=reply,
        details=details,
    )


def _error(reply: Reply, answer: Answer | None) -> type[DeliveryError]:
    if answer is not None:
        return RefusedError
    return RefusedError if 400 <= reply.code < 500 else ProtocolError


def _stage(code: str, error: type[DeliveryError]) -> Stage:
    if error is AuthenticationError:
        return Stage.AUTHENTICATION
    known = {"refused.sender": Stage.SENDER, "refused.mailbox": Stage.SENDER, "refused.recipient": Stage.RECIPIENT}
    return known.get(code, Stage.CONTENT)


def _challenge(response: Response) -> dict[str, str]:
    """Return what the server wants instead: the ways to sign in, and claims for the authenticator."""
    challenge = response.headers.get("www-authenticate", "")
    found = {"offered": ", ".join(dict.fromkeys(re.findall(r"(?:^|, *)([A-Za-z][A-Za-z-]*)(?= |,|$)", challenge)))}
    claims = _claims(challenge)
    return {**found, **({"claims": claims} if claims else {})}


def _claims(challenge: str) -> str:
    """Return the claims challenge as JSON; empty if there is none."""
    import json
    from base64 import urlsafe_b64decode

    match = re.search(r'\bclaims="([^"]+)"', challenge)
    if match is None:
        return ""
    try:
        text = urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode()
        return text if isinstance(json.loads(text), dict) else ""
    except ValueError:
        return ""


def _first(*seconds: float | None) -> float | None:
    return next((one for one in seconds if one is not None), None)


def _words(text: str) -> str:
    """Return what a page says, without its markup."""
    text = re.sub(r"<(style|script|head)\b.*?</\1>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return re.sub(r"<[^>]{0,400}>", " ", text)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
