"""Messages of every kind, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from posthouse.addresses import Address
from posthouse.messages import Attachment, Message, Priority

__all__ = ["carried_by_json", "messages"]

_LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
_WORDS = st.text("abcxyz019", min_size=1, max_size=8)
_TEXT = st.text(st.one_of(_LETTERS, st.sampled_from("\n\t")), max_size=60)
_LINE = st.text(_LETTERS, max_size=40).map(lambda text: " ".join(text.split()))
_DOMAINS = st.sampled_from(["example.org", "bücher.example", "x.example"])
_ADDRESSES = st.builds(lambda local, domain, name: Address(f"{local}@{domain}", name), _WORDS, _DOMAINS, _LINE)
_FILES = st.builds(
    Attachment,
    content=st.binary(max_size=200),
    name=st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12).map("{}.bin".format),
    content_type=st.sampled_from(["application/octet-stream", "application/pdf", "image/png", "text/plain"]),
)
_IMAGES = st.builds(
    Attachment,
    content=st.binary(max_size=200),
    name=st.just("image.png"),
    content_type=st.just("image/png"),
    content_id=_WORDS,
)
_HEADER_NAMES = st.builds("{}-{}".format, st.sampled_from("xX"), _WORDS)
_SENDER = st.just(Address("anna@sandbox.example", "Anna"))


@st.composite
def carried_by_json(draw: st.DrawFn) -> Message:
    """A message that the resource type has a place for all of."""
    html = draw(st.none() | _TEXT.filter(str.strip))
    return Message(
        sender=draw(_SENDER),
        to=draw(st.lists(_ADDRESSES, min_size=1, max_size=3)),
        cc=draw(st.lists(_ADDRESSES, max_size=2)),
        bcc=draw(st.lists(_ADDRESSES, max_size=2)),
        reply_to=draw(st.lists(_ADDRESSES, max_size=2)),
        subject=draw(_LINE),
        text=None if html else draw(_TEXT),
        html=html,
        attachments=draw(st.lists(_FILES, max_size=2)),
        inline=draw(st.lists(_IMAGES, max_size=2, unique_by=lambda image: image.content_id)) if html else (),
        headers=draw(st.dictionaries(_HEADER_NAMES, _LINE.filter(bool), max_size=5)),
        priority=draw(st.none() | st.sampled_from(Priority)),
        message_id=draw(st.none() | st.just("<1.2@sandbox.example>")),
        request_read_receipt=draw(st.booleans()),
    )


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message with anything in it."""
    html = draw(st.none() | _TEXT.filter(str.strip))
    return Message(
        sender=draw(_SENDER),
        to=draw(st.lists(_ADDRESSES, min_size=1, max_size=3)),
        cc=draw(st.lists(_ADDRESSES, max_size=2)),
        bcc=draw(st.lists(_ADDRESSES, max_size=2)),
        subject=draw(_LINE),
        text=draw(st.none() | _TEXT),
        html=html,
        attachments=draw(st.lists(_FILES, max_size=2)),
        inline=draw(st.lists(_IMAGES, max_size=2, unique_by=lambda image: image.content_id)) if html else (),
        headers=draw(
            st.dictionaries(st.builds("{}-{}".format, st.sampled_from(["X", "Acme"]), _WORDS), _LINE, max_size=8)
        ),
        in_reply_to=draw(st.none() | st.just("<0@x.example>")),
        list_unsubscribe=draw(st.sampled_from([(), ("https://x.example/u",)])),
        message_id="<1.2@sandbox.example>",
    )
