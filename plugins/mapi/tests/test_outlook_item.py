"""Whatever a message says, Outlook is given exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given
from hypothesis import strategies as st

from posthouse.addresses import Address
from posthouse.errors import Stage
from posthouse.messages import Message
from posthouse.recipients import Named
from posthouse_mapi.attempts import Attempt
from posthouse_mapi.files import temporary_folder
from posthouse_mapi.outlook.item import build
from posthouse_mapi.outlook.remote import Line
from posthouse_mapi.outlook.session import Session, open_session
from posthouse_mapi.settings import MapiSettings

from .standin.late_bound import FakeCom
from .standin.world import Mail, World

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)
LOCALS = st.from_regex(r"[a-z0-9'+_-]{1,8}", fullmatch=True)
ADDRESSES = st.builds(lambda local, name: Address(f"{local}@example.org", name), LOCALS, TEXTS)


@contextmanager
def outlook(world: World) -> Iterator[Session]:
    com = FakeCom(world)
    com.initialize()
    line = Line(com)
    with line.during(Attempt(60), Stage.CONTENT):
        yield open_session(line, MapiSettings())


def saved(message: Message) -> Mail:
    world = World()
    with outlook(world) as session, temporary_folder() as folder:
        build(session, message, Named.everybody(message), folder).call("Save")
    (mail,) = world.mails
    return mail


@given(
    to=st.lists(ADDRESSES, max_size=3),
    cc=st.lists(ADDRESSES, max_size=3),
    bcc=st.lists(ADDRESSES, max_size=3),
    reply_to=st.lists(ADDRESSES, max_size=2),
)
def test_no_name_changes_who_gets_it(
    to: list[Address], cc: list[Address], bcc: list[Address], reply_to: list[Address]
) -> None:
    message = Message(sender="anna@example.org", to=to, cc=cc, bcc=bcc, reply_to=reply_to, text="Hello")
    mail = saved(message)
    expected = [(kind, one.addr_spec) for kind, many in ((1, to), (2, cc), (3, bcc)) for one in many]
    assert [(kind, address) for kind, address, _ in mail.recipients] == expected
    assert [address for address, _ in mail.reply_to] == [one.addr_spec for one in reply_to]
    shown = {address: name for _, address, name in mail.recipients}
    assert all(name in ("", address) or name.strip() == name for address, name in shown.items())


@given(
    subject=TEXTS,
    text=st.none() | st.lists(TEXTS).map("\n".join),
    html=st.none() | TEXTS,
    file=TEXTS,
    content=st.binary(max_size=50),
)
def test_content_stays_as_it_is(subject: str, text: str | None, html: str | None, file: str, content: bytes) -> None:
    message = Message(
        sender="anna@example.org",
        to="bob@example.org",
        subject=subject,
        text=text,
        html=html,
        attachments=[(file, content)],
    )
    mail = saved(message)
    assert mail.values["Subject"] == message.subject
    if html:
        assert (mail.values["HTMLBody"], mail.values["BodyFormat"]) == (html, 2)
    else:
        assert (mail.values["Body"], mail.values["BodyFormat"]) == ((message.text or "").replace("\n", "\r\n"), 1)
    (attachment,) = mail.attachments
    assert attachment["content"] == content
    name = message.attachments[0].name
    tag = "http://schemas.microsoft.com/mapi/proptag/0x3707001F"
    assert name in ("", attachment.get(tag), attachment["name"])
