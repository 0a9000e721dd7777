"""What arrived, compared with what was sent, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import getaddresses

from posthouse_sandbox.demo.sample import Sample
from posthouse_sandbox.inbox import Received

__all__ = ["differences"]

_SHOWN = 60
"""Characters of a value that a difference quotes."""


def differences(sample: Sample, sender: str, received: Received) -> tuple[str, ...]:
    """Return what is not as it was sent, one sentence each; empty if the message is intact.

    The copy is read with the standard library, so that nothing of Posthouse vouches for itself.

    Args:
        sample: what was sent.
        sender: address that it was to be sent from.
        received: what a door received.
    """
    return tuple(_compare(sample, sender, received))


def _compare(sample: Sample, sender: str, received: Received) -> Iterator[str]:
    message = received.message
    yield from _differing("envelope sender", sender, received.envelope_from)
    yield from _differing("envelope recipients", sorted(sample.recipients), sorted(received.recipients))
    yield from _differing("From", [sender], [address for _, address in _addresses(message, "From")])
    yield from _differing("To", [sample.to], _addresses(message, "To"))
    yield from _differing("Cc", [sample.cc], _addresses(message, "Cc"))
    yield from _differing("Subject", sample.subject, str(message["Subject"]))
    for header in ("Date", "Message-ID", "MIME-Version"):
        yield from _differing(f"number of {header} headers", 1, len(message.get_all(header, [])))
    if sample.bcc.encode() in received.raw or message["Bcc"] is not None:
        yield "the hidden recipient can be seen in the message"
    yield from _compare_parts(sample, message)


def _compare_parts(sample: Sample, message: EmailMessage) -> Iterator[str]:
    parts = [part for part in message.walk() if not part.is_multipart()]
    for part in (message, *parts):
        yield from (f"malformed {part.get_content_type()} part: {type(defect).__name__}" for defect in part.defects)
    yield from _differing(
        "parts",
        ["application/octet-stream", "image/png", "text/html", "text/plain"],
        sorted(part.get_content_type() for part in parts),
    )
    by_type = {part.get_content_type(): part for part in parts}
    for content_type, expected in (("text/plain", sample.text), ("text/html", sample.html)):
        if text := by_type.get(content_type):
            yield from _differing(content_type, expected, str(text.get_content()).replace("\r\n", "\n"))
    if image := by_type.get("image/png"):
        yield from _differing("inline image", sample.image, image.get_content())
        yield from _differing("Content-ID", f"<{sample.image_id}>", str(image["Content-ID"]))
    if attachment := by_type.get("application/octet-stream"):
        yield from _differing("attachment", sample.attachment, attachment.get_content())
        yield from _differing("attachment's name", sample.attachment_name, attachment.get_filename())


def _addresses(message: EmailMessage, header: str) -> list[tuple[str, str]]:
    return getaddresses([str(value) for value in message.get_all(header, [])])


def _differing(what: str, expected: object, found: object) -> Iterator[str]:
    if expected == found:
        return
    if isinstance(expected, bytes) and isinstance(found, bytes):
        at = _position(expected, found)
        yield f"{what}: {len(found)} bytes instead of {len(expected)}, different from byte {at} on"
    elif isinstance(expected, str) and isinstance(found, str) and len(expected) > _SHOWN:
        at = _position(expected, found)
        yield f"{what}: {found[at : at + _SHOWN]!r} instead of {expected[at : at + _SHOWN]!r} at character {at}"
    else:
        yield f"{what}: {found!r} instead of {expected!r}"


def _position(expected: str | bytes, found: str | bytes) -> int:
    pairs = zip(expected, found, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(found)))
