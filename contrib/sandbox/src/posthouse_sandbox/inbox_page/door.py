"""The inbox page as a door: plain HTTP on loopback, guarded against other web pages."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posthouse_sandbox.doors import Premises
from posthouse_sandbox.inbox_page.api import Api
from posthouse_sandbox.inbox_page.pages import Pages
from posthouse_sandbox.web.door import WebDoor

__all__ = ["InboxDoor"]

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with no-referrer, a form's own Origin would be null
    "X-Content-Type-Options": "nosniff",
}
_HARMLESS = ("GET", "HEAD", "OPTIONS")


class InboxDoor(WebDoor):
    """Shows what the other doors received: a page for people, and JSON below ``/api`` for programs.

    It takes no messages. It speaks plain HTTP, so that no browser has to be told to trust the sandbox's authority;
    nothing but the loopback interface reaches it.

    Args:
        name: of the door.
    """

    kind = "inbox"
    security = "none"

    def __init__(self, name: str = "inbox") -> None:
        super().__init__(name, certificate=None)

    def application(self, premises: Premises) -> ASGIApp:
        """Make the application."""
        return Starlette(
            routes=[*Pages(premises).routes(), *Api(premises).routes()],
            middleware=[
                # A page elsewhere whose name is made to point here (DNS rebinding) still says that name.
                Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", self.host], www_redirect=False),
                Middleware(_Guard),
            ],
        )


class _Guard:
    """Keeps the pages of other sites from changing anything here, and what is shown from doing anything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _comes_from_elsewhere(Request(scope)):
            await PlainTextResponse("only pages of this inbox may do that", 403)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


def _comes_from_elsewhere(request: Request) -> bool:
    if request.method in _HARMLESS:
        return False
    origin = request.headers.get("Origin")
    own = f"http://{request.headers.get('Host', '')}"
    return origin not in (None, own) or request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none")
