"""How the stand-in words its answers: refusals as JSON or as a page, the way back to the application, faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from posthouse_sandbox.entra.errors import REFUSALS, EntraError
from posthouse_sandbox.entra.pages import error_page, form_post_page
from posthouse_sandbox.entra.sessions import AuthorizationRequest
from posthouse_sandbox.faults import Fault

__all__ = ["Handler", "back", "fault_answer", "form_of", "identity_refusal", "refusal", "with_errors"]

Handler = Callable[[Request], Awaitable[Response]]


def with_errors(handler: Handler, *, page: bool) -> Handler:
    """Let a handler refuse by an `EntraError`, which becomes a page or JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except EntraError as error:
            return error_page(error) if page else JSONResponse(error.as_dict(), error.refusal.status)

    return answer


def fault_answer(fault: Fault) -> Response:
    """Return what a script asks for; its code may be one of Entra ID's (``AADSTS50076``)."""
    assert fault.status is not None
    number = int(digits) if (digits := fault.code.upper().removeprefix("AADSTS")).isdecimal() else 0
    known = REFUSALS.get(number)
    error = known.error if known else "invalid_request" if fault.status < 500 else "temporarily_unavailable"
    text = fault.text or "As the script asks for."
    return JSONResponse(
        {
            "error": error,
            "error_description": f"AADSTS{number}: {text}" if number else text,
            "error_codes": [number] if number else [],
        },
        fault.status,
    )


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; of one that comes twice, the last."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def refusal(error: EntraError) -> dict[str, str]:
    """Return a refusal as the parameters that a browser carries back."""
    return {"error": error.refusal.error, "error_description": error.description}


def back(visit: AuthorizationRequest, answer: Mapping[str, str]) -> Response:
    """Send the browser back to the application (RFC 6749 section 4.1.2)."""
    fields = {**answer, **({"state": visit.state} if visit.state else {})}
    if visit.response_mode == "form_post":
        return form_post_page(visit.redirect_uri, fields)
    separator = "&" if "?" in visit.redirect_uri else "?"
    return RedirectResponse(f"{visit.redirect_uri}{separator}{urlencode(fields)}", 302)


def identity_refusal(status: int, message: str) -> Response:
    """Refuse as the endpoint of a managed identity does."""
    return JSONResponse({"statusCode": status, "message": message}, status)
