"""Whether what a server received is what was sent. A figure without that counts for nothing."""

from __future__ import annotations

from collections.abc import Iterable
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from typing import Any

from .samples import File, Sample
from .transcript import Copy

__all__ = ["WrongCopyError", "verify", "verify_verbatim"]


class WrongCopyError(Exception):
    """The server's copy is not what was sent."""


def verify(sample: Sample, numbers: Iterable[int], copies: Iterable[Copy]) -> int:
    """Check that each message arrived exactly once, complete and unchanged; return how many there were.

    Raises:
        WrongCopyError: it says which message, and what about it.
    """
    missing = {sample.numbered(number)[0]: number for number in numbers}
    count = len(missing)
    for copy in copies:
        message = message_from_bytes(copy.content)
        subject = _text(message["Subject"])
        if subject not in missing:
            raise WrongCopyError(f"{subject!r} was not sent, or arrived twice")
        for what, wanted, found in _facts(sample, missing.pop(subject), message, copy):
            if wanted != found:
                raise WrongCopyError(f"{subject!r}: {what} is {_shown(found)}, not {_shown(wanted)}")
    if missing:
        raise WrongCopyError(f"{len(missing)} of {count} did not arrive, {next(iter(missing))!r} for one")
    return count


def verify_verbatim(content: bytes, count: int, recipients: int, copies: Iterable[Copy]) -> int:
    """Check that the same content arrived so many times, each for so many recipients.

    Raises:
        WrongCopyError: it did not.
    """
    found = [(len(set(copy.recipients)), _lines(copy.content)) for copy in copies]
    if found != [(recipients, _lines(content))] * count:
        raise WrongCopyError(f"{len(found)} copies arrived, not {count}, or they are not what was sent")
    return count


def _facts(sample: Sample, number: int, message: Message, copy: Copy) -> Iterable[tuple[str, Any, Any]]:
    _, text, html = sample.numbered(number)
    yield "the envelope", sample.to(number), copy.recipients
    (sender,) = getaddresses([str(message["From"])])
    yield "From", sample.sender, (_text(sender[0]), sender[1])
    yield "To", sample.to(number), tuple(address for _, address in getaddresses([str(message["To"])]))
    parts = [part for part in message.walk() if not part.is_multipart()]
    yield "the text", _lines(text.encode()), _body(parts, "text/plain")
    if html is not None:
        yield "the HTML", _lines(html.encode()), _body(parts, "text/html")
    for file in (sample.inline, sample.attachment):
        if file is not None and number >= sample.bare:
            yield from _file_facts(file, parts)
    yield "Bcc", None, message["Bcc"]


def _file_facts(file: File, parts: list[Message]) -> Iterable[tuple[str, Any, Any]]:
    found = [part for part in parts if part.get_filename() == file.name]
    yield f"the number of files {file.name}", 1, len(found)
    yield f"the type of {file.name}", file.content_type, found[0].get_content_type()
    if file.content_id:
        yield f"the Content-ID of {file.name}", f"<{file.content_id}>", found[0]["Content-ID"]
    yield f"the content of {file.name}", file.read(), found[0].get_payload(decode=True)


def _body(parts: list[Message], content_type: str) -> bytes:
    found = [part for part in parts if part.get_content_type() == content_type and not part.get_filename()]
    if len(found) != 1:
        return f"{len(found)} parts".encode()
    payload = found[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    return _lines(payload.decode(found[0].get_content_charset() or "ascii").encode())


def _text(value: Any) -> str:
    return str(make_header(decode_header(str(value))))


def _lines(content: bytes) -> bytes:
    """Return content whatever its line endings and empty lines at its end, which clients treat differently."""
    return content.replace(b"\r\n", b"\n").rstrip(b"\n")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:200]}… ({len(text)} characters)"
