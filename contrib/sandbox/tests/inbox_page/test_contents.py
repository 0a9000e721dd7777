from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_sandbox.inbox_page.contents import Contents

from .conftest import received


def test_a_message_is_taken_apart() -> None:
    contents = Contents(received())
    assert contents.subject == "Grüße <b>bold</b>"
    assert contents.header("from") == "Jörg <joerg@sandbox.example>"
    assert contents.header("X-None") == ""
    assert contents.text == "plain ä"
    assert [(part.number, part.content_type, part.attachment) for part in contents.parts] == [
        (1, "text/plain", False),
        (2, "text/html", False),
        (3, "image/png", False),
        (4, "text/html", True),
    ]
    assert [part.filename for part in contents.attachments] == ["../evil.html"]


def test_inline_images_are_put_into_the_html_and_nothing_else_is() -> None:
    html = Contents(received()).html
    assert html is not None
    assert "html ä" in html
    assert 'src="data:image/png;base64,iVBORw0="' in html
    assert 'src="cid:page@x"' in html, "a page is no image"


def test_a_message_within_a_message_is_one_part() -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n'
        b"Subject: inner\r\n\r\ninner text\r\n--b--\r\n"
    )
    (part,) = Contents(received(raw)).parts
    assert part.content_type == "message/rfc822"
    assert b"inner text" in part.content


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no header at all",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xff",
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/plain; name*=x'y\r\nContent-Disposition: attachment; filename*0*=%\r\n\r\n",
        b"Subject: =?x?y?z?=\r\nFrom: @@@,;<<\r\nTo: \xff\r\nDate: never\r\nMessage-ID: [\r\n\r\n",
        b"Content-Type: a\r\n b/\x00c\r\n\r\n",
    ],
)
def test_a_broken_message_is_shown_all_the_same(raw: bytes) -> None:
    shown = Contents(received(raw)).as_dict()
    assert json.loads(json.dumps(shown)) == shown
    json.dumps(shown, ensure_ascii=False).encode()


_LINES = st.sampled_from(
    [b"Subject: ", b"Content-Type: multipart/mixed; boundary=b", b"--b", b"--b--", b"From: <", b"\xff\x00", b"", b" x",
     b"Content-Type: text/html; charset=", b"Content-Disposition: attachment; filename*0*=", b"Content-ID: <a", b"=?"]
)  # fmt: skip


@given(st.lists(_LINES | st.binary(max_size=12), max_size=14))
def test_no_message_breaks_it(lines: list[bytes]) -> None:
    json.dumps(Contents(received(b"\r\n".join(lines))).as_dict(), ensure_ascii=False).encode()
