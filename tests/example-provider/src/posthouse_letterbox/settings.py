"""What ``transport = { kind = "letterbox", … }`` takes, and how older settings become these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, frozen
from posthouse.schema import setting
from posthouse.secrets import Secret

__all__ = ["LetterboxSettings", "from_1"]

_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


def _check_url(_: Any, __: Attribute[str], value: str) -> None:
    try:
        parts = urlsplit(value)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
        usable = bool(parts.hostname) and parts.port != 0 and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        secure = usable = False
    if not (secure and usable):
        raise ValueError("expected https:// and a host, such as https://api.letterbox.example")


@frozen(kw_only=True)
class LetterboxSettings:
    """Settings of version 2.0."""

    url: str = setting(
        "https://api.letterbox.example",
        label="Address",
        help="Where the Letterbox API is, if you run it yourself.",
        format="uri",
        order=30,
        advanced=True,
        validator=_check_url,
    )
    api_key: Secret | None = setting(
        None,
        label="API key",
        help="From Letterbox, Settings, Keys. Leave it out where the account signs in with letterbox-login.",
        order=10,
    )
    batch_size: int = setting(
        20,
        label="Messages per request",
        help="How many messages one request carries, where many are sent.",
        order=40,
        minimum=1,
        maximum=50,
        advanced=True,
    )
    timeout: float = setting(
        30.0,
        label="Time limit",
        help="How long each step of a request may take.",
        unit="seconds",
        order=20,
        minimum=0.1,
        maximum=600,
    )


def from_1(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rewrite settings of version 1: ``server`` was a host, ``key`` the key, ``wait`` milliseconds."""
    changes = {"server": ("url", _url), "key": ("api_key", _same), "wait": ("timeout", _seconds)}
    rewritten = {}
    for name, value in settings.items():
        now, convert = changes.get(name, (name, _same))
        rewritten[now] = convert(value)
    return rewritten


def _same(value: Any) -> Any:
    return value


def _url(host: Any) -> Any:
    return f"https://{host}" if isinstance(host, str) else host


def _seconds(milliseconds: Any) -> Any:
    """Return seconds; what is no number stays, so that the settings class says what is wrong with it."""
    try:
        return float(milliseconds) / 1000
    except (TypeError, ValueError):
        return milliseconds
