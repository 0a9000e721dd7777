"""The pages for people. They work without scripts; a small one keeps the list up to date."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from posthouse_sandbox.doors import Premises
from posthouse_sandbox.faults import ANY
from posthouse_sandbox.inbox_page.contents import Contents
from posthouse_sandbox.smtp import exchange_refusals

__all__ = ["Pages"]

_MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; sandbox"
)
"""What HTML from a mail may do: look as it should, and nothing else. No script, no form, no word to any server."""

MOST = 100
"""Messages in the list, the newest; the JSON API has them all."""

_VIEWS = {"html": "HTML", "text": "Text", "headers": "Headers", "parts": "Parts", "raw": "Raw", "request": "Request"}


class Pages:
    """The routes of the pages.

    Args:
        premises: the sandbox's.
    """

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._inbox = premises.inbox
        self._templates = Environment(
            loader=PackageLoader("posthouse_sandbox.inbox_page"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.filters |= {"clock": _clock, "bytes": _bytes, "fault": _fault}

    def routes(self) -> list[BaseRoute]:
        """Return what is answered."""
        return [
            Route("/", self._list),
            Route("/messages/{id}", self._message),
            Route("/messages/{id}/html", self._html),
            Route("/messages/{id}/delete", self._delete, methods=["POST"]),
            Route("/clear", self._clear, methods=["POST"]),
            Route("/doors", self._doors),
            Route("/faults", self._faults),
            Route("/faults", self._script, methods=["POST"]),
            Route("/faults/clear", self._clear_faults, methods=["POST"]),
            Mount("/static", StaticFiles(packages=[("posthouse_sandbox.inbox_page", "static")])),
        ]

    def _page(self, template: str, status: int = 200, **facts: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(facts), status)

    def _inbox_page(self, template: str, chosen: str = "", status: int = 200, **facts: Any) -> Response:
        everything = self._inbox.numbered
        messages = [Contents(received) for _, received in reversed(everything[-MOST:])]
        return self._page(
            template,
            status,
            messages=messages,
            chosen=chosen,
            total=len(everything),
            last=self._inbox.count,
            **facts,
        )

    # The inbox

    async def _list(self, request: Request) -> Response:
        return self._inbox_page("inbox.html", doors=self._premises.doors)

    async def _message(self, request: Request) -> Response:
        received = self._inbox.find(request.path_params["id"])
        if received is None:
            return self._inbox_page("gone.html", status=404)
        contents = Contents(received)
        html, text = contents.html, contents.text
        views = {
            name: label
            for name, label in _VIEWS.items()
            if {"html": html, "text": text, "request": received.request}.get(name, "") is not None
        }
        view = request.query_params.get("view", "")
        return self._inbox_page(
            "message.html",
            chosen=received.id,
            mail=contents,
            views=views,
            view=view if view in views else next(iter(views)),
            text=text,
            raw=received.raw.decode("utf-8", "replace"),
        )

    async def _html(self, request: Request) -> Response:
        received = self._inbox.find(request.path_params["id"])
        html = Contents(received).html if received else None
        if html is None:
            return HTMLResponse("", 404)
        return HTMLResponse(html, headers={"Content-Security-Policy": _MAIL_POLICY})

    async def _delete(self, request: Request) -> Response:
        self._inbox.remove(request.path_params["id"])
        return RedirectResponse("/", 303)

    async def _clear(self, request: Request) -> Response:
        self._inbox.clear()
        return RedirectResponse("/", 303)

    # The house

    async def _doors(self, request: Request) -> Response:
        return self._page(
            "doors.html",
            doors=[(door, list(door.accounts())) for door in self._premises.doors],
            users=self._premises.credentials.passwords.keys(),
            tokens=tuple(reversed(self._premises.tokens.issued)),
            ca_file=self._premises.authority.ca_file,
        )

    async def _faults(self, request: Request) -> Response:
        return self._faults_page(door="", operation="", script="", problem="")

    def _faults_page(self, status: int = 200, **form: str) -> Response:
        return self._page(
            "faults.html",
            status,
            doors=[door for door in self._premises.doors if door.kind != "inbox"],
            pending=self._premises.faults.pending(),
            refusals=exchange_refusals().values(),
            form=form,
        )

    async def _script(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        door, operation, script = (form.get(name, "").strip() for name in ("door", "operation", "script"))
        problem = "" if door in [known.name for known in self._premises.doors] else "choose a door"
        try:
            if not problem:
                self._premises.faults.script(door, script, operation or ANY)
        except ValueError as error:
            problem = str(error)
        if problem:
            return self._faults_page(400, door=door, operation=operation, script=script, problem=problem)
        return RedirectResponse("/faults", 303)

    async def _clear_faults(self, request: Request) -> Response:
        self._premises.faults.clear()
        return RedirectResponse("/faults", 303)


def _clock(time: datetime) -> str:
    return f"{time.astimezone():%H:%M:%S}"


def _bytes(size: int) -> str:
    return f"{size} bytes" if size < 1024 else f"{size / 1024:,.0f} KiB"


def _fault(fault: Any) -> str:
    said = [f"{name} {value}" for name, value in fault.as_dict().items() if name != "headers"]
    return ", ".join([*said, *(f"{name}: {value}" for name, value in fault.headers.items())]) or "pass"
