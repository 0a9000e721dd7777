"""What msal and the network say when no token comes, as errors of Posthouse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    Reply,
    Stage,
    ThrottledError,
    TlsError,
)
from posthouse.hints import HintTable

if TYPE_CHECKING:
    from posthouse_azure_oauth2.settings import AzureOAuth2Settings
    from posthouse_azure_oauth2.transport import Session

__all__ = ["error_for", "login_needed", "translated"]

_AADSTS = re.compile(r"\bAADSTS(\d+)")
_TRACES = re.compile(r"\s*(Trace ID|Correlation ID|Timestamp): .*", re.DOTALL)
_TEMPORARY = ("temporarily_unavailable", "server_error")
_OBJECT = re.compile(r"\S*<[^>]*>:? ?|HTTPS?Connection\([^)]*\):? ?")
_LONGEST = 400


def error_for(
    result: Mapping[str, Any], *, server: str, status: int = 400, retry_after: float | None = None
) -> DeliveryError:
    """Return the error that an answer without a token amounts to.

    Args:
        result: what msal returned: an OAuth 2.0 error (RFC 6749 section 5.2).
        server: the sign-in service, for a person.
        status: HTTP status of the answer.
        retry_after: seconds that the answer asked to wait.
    """
    description = str(result.get("error_description") or result.get("error") or "no reason given")
    found = _AADSTS.search(description)
    number = found[1] if found else _first(result.get("error_codes"))
    code = f"AADSTS{number}" if number else str(result.get("error", ""))
    text = _TRACES.sub("", description).removeprefix(f"{code}: ")[:_LONGEST].strip(" .")
    reply = Reply(status, code, text)
    hint = HintTable.load(__package__).find(reply, Stage.AUTHENTICATION)
    throttled = status == 429 or (hint is not None and hint.error is ThrottledError)
    temporary = throttled or status >= 500 or result.get("error") in _TEMPORARY
    if hint is not None and hint.temporary is not None:
        temporary = hint.temporary
    details = {key: result[key] for key in ("suberror", "trace_id", "correlation_id", "claims") if result.get(key)}
    return (ThrottledError if throttled else AuthenticationError)(
        f"{server} hands out no token: {reply.enhanced}: {text}." + (f" {hint.cause}" if hint else ""),
        code=hint.error_code if hint and hint.error_code else "throttled" if throttled else "authentication.refused",
        stage=Stage.AUTHENTICATION,
        temporary=temporary,
        retry_after=retry_after or (hint.retry_after if hint else None),
        hint=hint.next
        if hint
        else f"Look it up at https://login.microsoftonline.com/error?code={number or code}, or ask the administrator.",
        reply=reply,
        details={**details, "server": server},
    )


def _first(codes: Any) -> str:
    return str(codes[0]) if isinstance(codes, list) and codes else ""


def login_needed(account: str, reason: str = "Nobody has signed in to this account yet.") -> AuthenticationError:
    """Return the error that only a person can mend."""
    return AuthenticationError(
        reason,
        code="authentication.login-needed",
        hint=f"Sign in: posthouse login {account}",
        details={"account": account},
    )


@contextmanager
def translated(settings: AzureOAuth2Settings, session: Session) -> Iterator[None]:
    """Turn what msal and requests raise into errors of Posthouse.

    Raises:
        ConnectError, TlsError, ThrottledError, AuthenticationError, ProtocolError: as they say.
    """
    try:
        yield
    except Exception as error:
        translation = _translation(error, settings, session)
        if translation is None:
            raise
        _drop_frames(error)
        raise translation from error


def _drop_frames(error: BaseException) -> None:
    """Take off the frames of msal and requests: they hold the client secret, and some tracebacks show variables."""
    chain: BaseException | None = error
    while chain is not None:
        chain.__traceback__ = None
        chain = chain.__cause__ or chain.__context__


def _translation(error: Exception, settings: AzureOAuth2Settings, session: Session) -> DeliveryError | None:
    """Return what an exception of msal or requests amounts to; None for any other."""
    import requests
    from msal.exceptions import MsalError, MsalServiceError

    server = urlsplit(settings.authority_url).netloc
    if isinstance(error, requests.exceptions.SSLError):
        return TlsError(
            f"{server} is not trusted: {_reason(error)}.",
            code="tls.certificate",
            stage=Stage.TLS,
            hint="Where a proxy of your own stands in between, set ca_file to the authority of its certificate.",
            details={"server": server},
        )
    if isinstance(error, requests.exceptions.Timeout):
        return _unreachable(server, "it did not answer in time", "connect.timeout")
    if isinstance(error, requests.exceptions.ConnectionError):
        return _unreachable(server, _reason(error), "connect")
    if isinstance(error, MsalServiceError):
        return _out_of_order(server, session)
    if isinstance(error, MsalError | requests.exceptions.RequestException):
        return ProtocolError(
            f"{server} answered in a way that msal does not understand ({type(error).__name__}).",
            code="protocol.sign-in",
            stage=Stage.AUTHENTICATION,
            hint="Check authority, cloud and any proxy in between.",
        )
    return _no_authority(server, settings, session) if isinstance(error, ValueError | KeyError | RuntimeError) else None


def _no_authority(server: str, settings: AzureOAuth2Settings, session: Session) -> DeliveryError:
    """Tell why discovery failed; msal says no more: the tenant is unknown, or this is no sign-in service at all."""
    if session.status == 429 or session.status >= 500:
        return _out_of_order(server, session)
    if session.refusal:
        return error_for(session.refusal, server=server, status=session.status)
    return AuthenticationError(
        f"{settings.authority_url} is no authority that hands out tokens (its answer: HTTP {session.status}).",
        code="authentication.authority",
        hint="Check tenant_id, cloud and authority: the tenant's id or domain must be one of that cloud.",
        details={"server": server},
    )


def _out_of_order(server: str, session: Session) -> DeliveryError:
    result = {"error": "server_error", "error_description": f"HTTP {session.status}"}
    return error_for(result, server=server, status=session.status or 503, retry_after=session.retry_after)


def _unreachable(server: str, reason: str, code: str) -> ConnectError:
    return ConnectError(
        f"The sign-in service {server} cannot be reached: {reason}.",
        code=code,
        temporary=True,
        hint="Check the network, the name and the proxy (HTTPS_PROXY); a firewall must let this machine reach it.",
        details={"server": server},
    )


def _reason(error: BaseException) -> str:
    """Return the innermost reason, without the addresses and objects that urllib3 wraps around it."""
    candidates = (getattr(error, "reason", None), *error.args)
    inner = next((one for one in candidates if isinstance(one, BaseException)), None)
    if inner is not None:
        return _reason(inner)
    return _OBJECT.sub("", str(error)).strip(" .")[:200] or type(error).__name__
