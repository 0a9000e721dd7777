"""A message from the options that ``posthouse send`` and ``posthouse compose`` share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import frozen

from posthouse.cli.invocation import Invocation
from posthouse.errors import MessageError
from posthouse.messages import Message, Priority

__all__ = [
    "STDIN",
    "MessageCommand",
    "MessageOptions",
    "check_sources",
    "finished_message",
    "given_options",
    "message_options",
    "read_bytes",
    "read_text",
    "route_options",
]

STDIN = "-"

_Function = TypeVar("_Function", bound=Callable[..., Any])

_LISTS = {"--to", "--cc", "--bcc", "--attach", "--inline"}

_ROUTE = (
    click.option("--account", metavar="NAME", help="Account to use. [default: as the configuration chooses]"),
    click.option("--user", metavar="NAME", help="Use this user's account."),
    click.option("--purpose", metavar="WORD", help="Use the account for this purpose, such as reminders."),
)
_CONTENT = (
    click.option("--to", multiple=True, metavar="ADDR…", help="Recipients."),
    click.option("--cc", multiple=True, metavar="ADDR…", help="Recipients of a copy."),
    click.option("--bcc", multiple=True, metavar="ADDR…", help="Recipients of a copy that nobody else sees."),
    click.option("--from", "sender", metavar="ADDR", help="Sender. [default: the account's own]"),
    click.option("--reply-to", multiple=True, metavar="ADDR", help="Where answers go."),
    click.option("--subject", metavar="TEXT", help="Subject."),
    click.option("--text", metavar="TEXT", help="The plain text: the text itself, @FILE, or - for stdin."),
    click.option("--html", metavar="HTML", help="The HTML: the code itself, @FILE, or - for stdin."),
    click.option("--attach", multiple=True, metavar="FILE…", help="Files to attach."),
    click.option("--inline", multiple=True, metavar="FILE…", help="Images for the HTML, which calls them cid:NAME."),
    click.option("--header", multiple=True, metavar='"NAME: VALUE"', help="A further header."),
    click.option("--priority", type=click.Choice([priority.value for priority in Priority]), help="Urgency."),
    click.option("--message-id", metavar="ID", help="Message-ID with its angle brackets. [default: a new one]"),
)


def route_options(function: _Function) -> _Function:
    """Add the options that choose the account."""
    return _with_options(function, _ROUTE)


def message_options(function: _Function) -> _Function:
    """Add the options that make a message, the fields of `MessageOptions`."""
    return _with_options(function, _CONTENT)


def _with_options(function: _Function, options: Iterable[Callable[[_Function], _Function]]) -> _Function:
    for option in reversed(tuple(options)):
        function = option(function)
    return function


class MessageCommand(click.Command):
    """A command with `message_options`, whose lists take many values: ``--attach *.pdf``.

    There are no arguments that they could be taken for. A program that asks for JSON gets it for wrong options, too.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options."""
        invocation = ctx.ensure_object(Invocation)
        invocation.json = invocation.json or "--json" in args
        return super().parse_args(ctx, _repeat_options(args))


@frozen(kw_only=True)
class MessageOptions:
    """What the options say about a message; text and html are the content itself."""

    sender: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attach: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    priority: str | None = None
    message_id: str | None = None

    def message(self) -> Message:
        """Return the message.

        Raises:
            MessageError: an address, header or file is not usable.
        """
        return Message(
            sender=self.sender,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=self.reply_to,
            subject=self.subject,
            text=self.text,
            html=self.html,
            attachments=[Path(path) for path in self.attach],
            inline=[Path(path) for path in self.inline],
            headers=_headers(self.header),
            priority=self.priority,
            message_id=self.message_id,
        )

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> MessageOptions:
        """Take the values of `message_options`, and read what stands in files and on stdin.

        Raises:
            MessageError: a file cannot be read, or is not UTF-8.
        """
        texts = {"text": read_text(content["text"]), "html": read_text(content["html"])}
        return cls(**{**content, **texts, "subject": content["subject"] or ""})


def given_options(content: Mapping[str, Any]) -> set[str]:
    """Return the names of those of `message_options` that were given."""
    return {
        "--" + {"sender": "from"}.get(name, name).replace("_", "-")
        for name, value in content.items()
        if value not in (None, ())
    }


def check_sources(content: Mapping[str, Any], eml: str | None, others: Mapping[str, str | None]) -> None:
    """Refuse what excludes each other: a finished message and parts of one, or two contents from stdin.

    Args:
        content: the values of `message_options`.
        eml: the finished message, if any.
        others: further options that a finished message excludes and that may read stdin.

    Raises:
        click.UsageError: there is such a thing.
    """
    more = {name for name, value in others.items() if value is not None}
    if eml is not None and (given := given_options(content) or more):
        names = ", ".join(sorted(given))
        raise click.UsageError(f"--eml takes a finished message as it is and cannot be combined with {names}.")
    texts = {"--text": content["text"], "--html": content["html"], **others}
    if list(texts.values()).count(STDIN) > 1:
        *first, last = texts
        raise click.UsageError(f"Only one of {', '.join(first)} and {last} can be read from stdin.")


def finished_message(source: str) -> Message:
    """Return the message that an ``.eml`` file or stdin holds.

    Raises:
        MessageError: it cannot be read, or is no message.
    """
    return Message.from_bytes(read_bytes(source))


def read_text(value: str | None) -> str | None:
    """Return the content that ``--text`` or ``--html`` means: ``-`` is stdin, ``@FILE`` a file, ``@@…`` a text with @.

    Raises:
        MessageError: the file cannot be read, or is not UTF-8.
    """
    if value is None or (value != STDIN and not value.startswith("@")):
        return value
    if value.startswith("@@"):
        return value[1:]
    source = value.removeprefix("@")
    return decode(read_bytes(source), source)


def read_bytes(source: str) -> bytes:
    """Return the content of a file, or of stdin for ``-``.

    Raises:
        MessageError: it cannot be read (``message.file``).
    """
    if source == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
    except ValueError:
        reason = "not a valid path"
    raise MessageError(f"The file {source!r} cannot be read: {reason}.", code="message.file")


def decode(content: bytes, source: str) -> str:
    """Return UTF-8 content as text, a byte order mark taken off.

    Raises:
        MessageError: it is something else (``message.encoding``).
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MessageError(
            f"{'Stdin' if source == STDIN else source} is not UTF-8 text (line {line}).",
            code="message.encoding",
            hint="Save it as UTF-8; spreadsheet programs call that 'CSV UTF-8'.",
        ) from error


def _headers(lines: Iterable[str]) -> list[tuple[str, str]]:
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name:
            raise click.BadParameter(f"expected 'Name: value', got {line!r}", param_hint="--header")
        headers.append((name, value.removeprefix(" ")))
    return headers


def _repeat_options(args: list[str]) -> list[str]:
    """Turn ``--to A B`` into ``--to A --to B``."""
    result: list[str] = []
    option = ""
    for argument in args:
        if argument.startswith("-") and argument != STDIN:
            name = argument.partition("=")[0]
            option = name if name in _LISTS else ""
            result.append(argument)
        elif option and result[-1] != option:
            result += [option, argument]
        else:
            result.append(argument)
    return result
