"""The pages that a person sees: signing in, typing a device's code, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from starlette.responses import HTMLResponse

from posthouse_sandbox.entra.errors import EntraError

__all__ = ["device_page", "error_page", "form_post_page", "message_page", "sign_in_page"]

_STYLE = (
    "body{font:16px system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color:#222}"
    "label{display:block;margin:1rem 0 .2rem}input,select{font:inherit;width:100%;padding:.4rem;box-sizing:border-box}"
    "button{font:inherit;padding:.5rem 1.2rem;margin:1.2rem .5rem 0 0}.note{color:#666;font-size:.85rem}"
    ".problem{color:#a00}"
)
_PROTECTION = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f'<body><h1>{escape(title)}</h1>{body}<p class="note">Posthouse sandbox: a stand-in for Entra ID on this '
        "machine. Nothing leaves it.</p></body></html>"
    )
    return HTMLResponse(text, status, headers=_PROTECTION)


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _user_fields(users: Iterable[str], chosen: str) -> str:
    options = "".join(
        f"<option{' selected' if user == chosen else ''}>{escape(user)}</option>" for user in dict.fromkeys(users)
    )
    return (
        f'<label for="username">User</label><select id="username" name="username">{options}</select>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="off" required>'
    )


def _problem(text: str) -> str:
    return f'<p class="problem" role="alert">{escape(text)}</p>' if text else ""


def sign_in_page(*, app: str, wants: str, users: Iterable[str], chosen: str, visit: str, problem: str) -> HTMLResponse:
    """Ask a person to sign in and to agree to what the application wants."""
    return _page(
        "Sign in",
        f"<p><b>{escape(app)}</b> asks for: {escape(wants)}</p>{_problem(problem)}"
        f'<form method="post" action="/login">{_hidden({"visit": visit})}{_user_fields(users, chosen)}'
        '<button name="action" value="accept">Sign in</button>'
        '<button name="action" value="decline" formnovalidate>Cancel</button></form>',
        200 if not problem else 400,
    )


def device_page(*, users: Iterable[str], code: str, problem: str) -> HTMLResponse:
    """Ask a person for the code that a device shows, and to sign in."""
    return _page(
        "Enter code",
        f'{_problem(problem)}<form method="post" action="/devicelogin"><label for="user_code">Code</label>'
        f'<input id="user_code" name="user_code" value="{escape(code)}" required>{_user_fields(users, "")}'
        '<button name="action" value="accept">Sign in</button>'
        '<button name="action" value="decline" formnovalidate>Cancel</button></form>',
        200 if not problem else 400,
    )


def form_post_page(redirect_uri: str, fields: Mapping[str, str]) -> HTMLResponse:
    """Let the browser carry the answer to the application (OAuth 2.0 Form Post Response Mode)."""
    return _page(
        "Working",
        f'<form method="post" action="{escape(redirect_uri)}">{_hidden(fields)}<button>Continue</button></form>'
        "<script>document.forms[0].submit()</script>",
    )


def message_page(title: str, text: str) -> HTMLResponse:
    """Tell a person something."""
    return _page(title, f"<p>{escape(text)}</p>")


def error_page(error: EntraError) -> HTMLResponse:
    """Tell a person what went wrong, where the browser cannot be sent back to the application."""
    return _page("Sorry, but we're having trouble signing you in", _problem(error.description), 400)
