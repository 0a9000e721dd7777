"""One account in one line: ``starttls://user:pass@mail.example.org:587?sender=office@example.org`` (RFC 3986)."""

from __future__ import annotations

import ipaddress
import re
from types import MappingProxyType
from typing import Any

from attrs import frozen

from posthouse.accounts import Account, Options, Selection
from posthouse.config.model import Configuration
from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret
from posthouse.structuring import structure

__all__ = ["from_url"]

NAME = "default"
_ACCOUNT_OPTIONS = {
    "label", "sender", "reply_to", "force_sender", "envelope_sender", "always_bcc", "strict_addresses", "compose",
}  # fmt: skip
_URL = re.compile(r"(?P<kind>[A-Za-z][A-Za-z0-9-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_AUTHORITY = re.compile(r"(?:(?P<userinfo>[^@]*)@)?(?P<host>\[[^\]@]*\]|[^:@\[\]]*)(?::(?P<port>[^:@]*))?")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_ENCODE = "write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25 in user name and password"


class _UrlError(Exception):
    """What is wrong, in words that hold nothing of the URL. Never leaves this module."""


@frozen
class _Parts:
    kind: str
    user: str | None
    password: Secret | None
    host: str
    port: str
    options: Options


def from_url(url: str | Secret) -> Configuration:
    """Return a configuration with one account, named ``default``.

    Args:
        url: ``KIND://[USER[:PASSWORD]@]HOST[:PORT][?OPTION=VALUE&…]``. Reserved characters are percent-encoded; a ``+``
            is a plus everywhere. The options are the transport's, and of the account ``label``, ``sender``,
            ``reply_to``, ``force_sender``, ``envelope_sender``, ``always_bcc``, ``strict_addresses`` and ``compose``. A
            list has commas, or its option stands more than once. The password is taken as it is, even where it looks
            like ``env:NAME``. As a `Secret`, it stands in no frame that a traceback could show.

    Raises:
        ConfigurationError: it cannot be understood (``configuration.url``). The message never shows the password.
    """
    try:
        parts, problem = _split(url.reveal() if isinstance(url, Secret) else url), ""
    except _UrlError as error:
        parts, problem = None, str(error)
    del url  # a traceback shows what its frames hold
    if parts is None:
        raise ConfigurationError(f"The URL cannot be used: {problem}", code="configuration.url")
    return _configuration(parts)


def _configuration(parts: _Parts) -> Configuration:
    address = f"[{parts.host}]" if ":" in parts.host else parts.host
    source = f"{parts.kind}://{address}{f':{parts.port}' if parts.port else ''}"
    path = f"accounts.{NAME}"
    given = {"host": parts.host, **({"port": parts.port} if parts.port else {})}
    options = {key: value for key, value in parts.options.items() if key not in _ACCOUNT_OPTIONS}
    transport = Selection(
        kind=parts.kind, options=Options({**options, **given}, as_text=True), path=f"{path}.transport"
    )
    auth = Selection(kind="none", path=f"{path}.auth")
    if parts.user is not None:
        sign_in: dict[str, Any] = {"username": parts.user}
        if parts.password is not None:
            sign_in["password"] = parts.password
        auth = Selection(kind="password", options=Options(sign_in), path=f"{path}.auth")
    own = {key: value for key, value in parts.options.items() if key in _ACCOUNT_OPTIONS}
    table = Options({**own, "name": NAME, "transport": transport, "auth": auth}, as_text=True)
    account = structure(Account, table, path=path, source=source)
    paths = ["default", *(f"{path}.{key}" for key in own)]
    paths += [f"{path}.{part}.kind" for part in ("transport", "auth")]
    paths += [f"{selection.path}.{key}" for selection in (transport, auth) for key in selection.options]
    return Configuration(
        source=source,
        default=NAME,
        accounts=MappingProxyType({NAME: account}),
        origins=MappingProxyType(dict.fromkeys(paths, "url")),
    )


def _split(url: str) -> _Parts:
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise _UrlError("it holds a space or a control character; write a space as %20.")
    match = _URL.match(url)
    if match is None:
        raise _UrlError("expected KIND://USER:PASSWORD@HOST:PORT, with a KIND such as smtp, smtps or starttls.")
    if match.end() < len(url):
        raise _UrlError(f"it holds a # that is not encoded; {_ENCODE}.")
    if match["path"] not in {"", "/"}:
        raise _UrlError(f"what follows the host is no option; {_ENCODE}.")
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        raise _UrlError(f"user name, password and host cannot be told apart; {_ENCODE}.")
    user, password = _userinfo(authority["userinfo"])
    port = authority["port"] or ""
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise _UrlError(f"the port is not a number from 1 to 65535; {_ENCODE}.")
    return _Parts(match["kind"].lower(), user, password, _host(authority["host"]), port, _options(match["query"] or ""))


def _userinfo(text: str | None) -> tuple[str | None, Secret | None]:
    if text is None:
        return None, None
    user, _, password = text.partition(":")
    decoded = _decoded(user, "the user name")
    if not decoded:
        raise _UrlError("it has an @ and no user name before it; leave the @ out to send without signing in.")
    return decoded, Secret.literal(_decoded(password, "the password")) if password else None


def _host(text: str) -> str:
    if not text:
        raise _UrlError("it names no host.")
    if not text.startswith("["):
        return _decoded(text, "the host")
    try:
        return str(ipaddress.IPv6Address(_decoded(text[1:-1], "the host")))
    except ValueError:
        problem = "what stands in [ ] is no IPv6 address."
    raise _UrlError(problem)


def _options(query: str) -> Options:
    options: dict[str, Any] = {}
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        name = _decoded(key, "the name of an option")
        if not equals or not name:
            raise _UrlError(
                f"an option has the form NAME=VALUE; write & as %26 in a value. If it is no option: {_ENCODE}."
            )
        if "@" in value and name not in _ACCOUNT_OPTIONS:  # rather the end of a password with a ? in it
            raise _UrlError(f"an option holds an @, which must be written %40 there. If it is no option, {_ENCODE}.")
        text = _decoded(value, "an option")
        if name in {"host", "port", "kind"}:
            raise _UrlError(f"{name} stands before the ?, not among the options.")
        options[name] = [*_listed(options[name]), text] if name in options else text
    return Options(options)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _decoded(text: str, what: str) -> str:
    """Decode every percent-encoded byte; what was encoded must be UTF-8."""
    if "%" in _ESCAPE.sub("", text):
        raise _UrlError(f"{what} holds a % without two hexadecimal digits; write % itself as %25.")
    data = b"".join(
        bytes.fromhex(part[1:]) if _ESCAPE.fullmatch(part) else part.encode("utf-8", "surrogatepass")
        for part in re.split(f"({_ESCAPE.pattern})", text)
    )
    try:
        return data.decode()
    except UnicodeDecodeError:
        problem = f"{what} is not UTF-8 after decoding."
    raise _UrlError(problem)
