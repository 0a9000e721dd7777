"""The arguments of MAIL and RCPT, read strictly (RFC 5321 section 4.1.2), with the parameters that the doors offer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from attrs import frozen

__all__ = ["CommandError", "PathArgument", "parse_mail", "parse_rcpt"]

_PATH = re.compile(
    r"<(?:@[^<>:\s]+:)?"  # a source route is accepted and ignored (RFC 5321 section 4.1.1.3)
    r'(?P<address>(?:"(?:[^"\\\x00-\x1f]|\\[ -~])*"|[^\s<>@"(),:;\[\]\\\x00-\x1f]+)@[^\s<>@\x00-\x1f]+'
    r"|(?i:postmaster))?>"
    r"(?P<parameters>(?: +[^ ]+)*) *"
)
_PARAMETER = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[^\x00-\x20\x7f]+))?")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")

_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")  # how the reader marks bytes that are no UTF-8

_NOTIFY = {"SUCCESS", "FAILURE", "DELAY"}


class CommandError(Exception):
    """The command is refused.

    Args:
        reply: what to answer.
    """

    def __init__(self, reply: str) -> None:
        super().__init__(reply)
        self.reply = reply


@frozen
class PathArgument:
    """A sender or a recipient with its parameters.

    Attributes:
        address: without angle brackets; empty for the null reverse-path.
        options: each parameter as it was sent.
        parameters: keyword in upper case → value; empty for a parameter without one.
    """

    address: str
    options: tuple[str, ...]
    parameters: Mapping[str, str]


def _body(value: str) -> bool:
    return value.upper() in {"7BIT", "8BITMIME"}


def _no_value(value: str) -> bool:
    return value == ""


def _envelope_id(value: str) -> bool:
    return len(value) <= 100 and _XTEXT.fullmatch(value) is not None


def _submitter(value: str) -> bool:
    return value == "<>" or _XTEXT.fullmatch(value) is not None


def _notify(value: str) -> bool:
    wanted = value.upper().split(",")
    return wanted == ["NEVER"] or (set(wanted) <= _NOTIFY and len(set(wanted)) == len(wanted))


def _original_recipient(value: str) -> bool:
    kind, semicolon, address = value.partition(";")
    return len(value) <= 500 and kind != "" and semicolon != "" and address != ""


_MAIL_PARAMETERS: dict[str, Callable[[str], bool]] = {
    "SIZE": str.isdecimal,  # RFC 1870
    "BODY": _body,  # RFC 6152
    "SMTPUTF8": _no_value,  # RFC 6531
    "RET": lambda value: value.upper() in {"FULL", "HDRS"},  # RFC 3461 section 4.3
    "ENVID": _envelope_id,  # RFC 3461 section 4.4
    "AUTH": _submitter,  # RFC 4954 section 5
}
_RCPT_PARAMETERS: dict[str, Callable[[str], bool]] = {
    "NOTIFY": _notify,  # RFC 3461 section 4.1
    "ORCPT": _original_recipient,  # RFC 3461 section 4.2
}


def parse_mail(argument: str | None) -> PathArgument:
    """Read what follows ``MAIL``.

    Raises:
        CommandError: it is malformed, or has a parameter that was not offered.
    """
    sender = _parse(argument, "FROM:", "MAIL FROM:<address> [parameters]", _MAIL_PARAMETERS)
    if not sender.address.isascii() and "SMTPUTF8" not in sender.parameters:
        raise CommandError("553 5.6.7 A non-ASCII sender needs the SMTPUTF8 parameter (RFC 6531)")
    return sender


def parse_rcpt(argument: str | None, *, utf8: bool) -> PathArgument:
    """Read what follows ``RCPT``.

    Args:
        argument: the rest of the command line.
        utf8: whether the MAIL command had the SMTPUTF8 parameter.

    Raises:
        CommandError: it is malformed, or has a parameter that was not offered.
    """
    syntax = "RCPT TO:<address> [parameters]"
    recipient = _parse(argument, "TO:", syntax, _RCPT_PARAMETERS)
    if not recipient.address:
        raise CommandError(f"501 5.1.3 Syntax: {syntax}")
    if not recipient.address.isascii() and not utf8:
        raise CommandError("553 5.6.7 A non-ASCII recipient needs SMTPUTF8 with MAIL (RFC 6531)")
    return recipient


def _parse(argument: str | None, keyword: str, syntax: str, known: Mapping[str, Callable[[str], bool]]) -> PathArgument:
    argument = argument or ""
    if argument[: len(keyword)].upper() != keyword:
        raise CommandError(f"501 5.5.4 Syntax: {syntax}")
    if _NOT_UTF8.search(argument):
        raise CommandError("501 5.5.2 The command is not UTF-8")
    match = _PATH.fullmatch(argument[len(keyword) :])
    if match is None:
        raise CommandError(f"501 5.1.7 Malformed address, syntax: {syntax}")
    options = tuple(match["parameters"].split())
    return PathArgument(match["address"] or "", options, _parameters(options, known))


def _parameters(options: tuple[str, ...], known: Mapping[str, Callable[[str], bool]]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for option in options:
        match = _PARAMETER.fullmatch(option)
        keyword = match["keyword"].upper() if match else ""
        if match is None or keyword in parameters:
            raise CommandError("501 5.5.4 Malformed or repeated parameter")
        if keyword not in known:
            raise CommandError(f"555 5.5.4 Parameter not offered: {keyword}")
        value = match["value"] or ""
        if not known[keyword](value):
            raise CommandError(f"501 5.5.4 Bad value of parameter {keyword}")
        parameters[keyword] = value
    return parameters
