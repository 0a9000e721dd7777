"""Replies are read the same however the network cuts them, and garbage is named, never believed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import ProtocolError, Reply, Stage
from posthouse_esmtp.replies import MAX_LINE, MAX_REPLY, ReplyParser, parse_ehlo, split_enhanced


def read(data: bytes) -> list[Reply]:
    parser = ReplyParser()
    replies = parser.feed(data)
    assert not parser.pending
    return replies


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"250 2.1.0 Ok\r\n", Reply(250, "2.1.0", "Ok")),
        (b"250 Ok\r\n", Reply(250, "", "Ok")),
        (b"250\r\n", Reply(250)),
        (b"250 \r\n", Reply(250)),
        (b"250 2.1.5\r\n", Reply(250, "2.1.5", "")),
        (b"354 go ahead\n", Reply(354, "", "go ahead")),
        (b"550 5.7.139 no\r\n", Reply(550, "5.7.139", "no")),
        (b"334 dXNlcg==\r\n", Reply(334, "", "dXNlcg==")),
        # what looks like an enhanced code and is none stays where it is
        (b"250 5.1.1 contradicts its own class\r\n", Reply(250, "", "5.1.1 contradicts its own class")),
        (b"220 2.0.0.1 is an address\r\n", Reply(220, "", "2.0.0.1 is an address")),
        (b"220 3.1.1 no such class\r\n", Reply(220, "", "3.1.1 no such class")),
        (b"550 5.1234.1 too long\r\n", Reply(550, "", "5.1234.1 too long")),
        (b"550-5.1.1 no such user\r\n550 5.1.1 here\r\n", Reply(550, "5.1.1", "no such user\nhere")),
        (b"550-see below\r\n550 5.1.1 no such user\r\n", Reply(550, "5.1.1", "see below\nno such user")),
        (b"550-5.1.1 one\r\n550-5.2.2 other\r\n550 end\r\n", Reply(550, "5.1.1", "one\n5.2.2 other\nend")),
        (b"250-one\n250\n", Reply(250, "", "one\n")),
    ],
)
def test_reads_a_reply(line: bytes, expected: Reply) -> None:
    assert read(line) == [expected]


def test_reads_what_a_pipelined_group_answers_at_once() -> None:
    data = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n550-5.1.1 no\r\n550 5.1.1 really\r\n354 go\r\n"
    assert [str(reply) for reply in read(data)] == ["250 2.1.0 Ok", "250 2.1.5 Ok", "550 5.1.1 no really", "354 go"]


@pytest.mark.parametrize("beginning", [b"2", b"250", b"250 2.1.0 Ok", b"250 2.1.0 Ok\r", b"250-one\r\n"])
def test_knows_that_a_reply_has_begun(beginning: bytes) -> None:
    parser = ReplyParser()
    assert parser.feed(beginning) == []
    assert parser.pending


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", '"HTTP/1.1 400 Bad Request"'),
        (b"\r\n", '""'),
        (b"25 Ok\r\n", '"25 Ok"'),
        (b"2500 Ok\r\n", '"2500 Ok"'),
        (b"150 never in SMTP\r\n", '"150 never in SMTP"'),
        (b"650 never in SMTP\r\n", '"650 never in SMTP"'),
        (b"250_Ok\r\n", '"250_Ok"'),
        (b" 250 Ok\r\n", '" 250 Ok"'),
        (b"\xff\x00\x1b[2J\r\n", r'"\\xff\x00\x1b[2J"'),
        (b"25\xb2 superscript\r\n", r'"25\\xb2 superscript"'),
        (b"x" * 500 + b"\r\n", f'"{"x" * 80}…"'),
    ],
)
def test_names_what_is_no_reply(data: bytes, shown: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        ReplyParser().feed(data)
    assert caught.value.code == "protocol.malformed-reply"
    assert f"sent {shown}, which is no SMTP reply" in caught.value.message
    assert str(caught.value).isprintable()
    assert caught.value.hint


def test_refuses_what_cannot_become_a_reply_without_waiting_for_the_line_end() -> None:
    with pytest.raises(ProtocolError, match="HTTP"):
        ReplyParser().feed(b"HTTP/1.1")


def test_refuses_a_code_that_changes_within_a_reply() -> None:
    with pytest.raises(ProtocolError, match="changed from 250 to 550"):
        ReplyParser().feed(b"250-one\r\n550 two\r\n")


def test_recognises_a_port_that_speaks_tls_from_the_first_byte() -> None:
    with pytest.raises(ProtocolError) as caught:
        ReplyParser().feed(b"\x15\x03\x03\x00\x02\x02\x46")
    assert caught.value.code == "protocol.tls-record"
    assert caught.value.stage is Stage.GREETING
    assert "smtps" in caught.value.hint


@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_bounds_the_length_of_a_line(end: bytes) -> None:
    read(b"250 " + b"x" * (MAX_LINE - 10) + b"\r\n")
    with pytest.raises(ProtocolError) as caught:
        ReplyParser().feed(b"250 " + b"x" * MAX_LINE + end)
    assert caught.value.code == "protocol.reply-too-long"
    assert len(caught.value.message) < 300


def test_bounds_the_size_of_a_reply_but_not_of_a_conversation() -> None:
    line = b"250-" + b"x" * 1000 + b"\r\n"
    parser = ReplyParser()
    for _ in range(3):
        assert parser.feed(line * 60 + b"250 end\r\n") != []
    with pytest.raises(ProtocolError) as caught:
        parser.feed(line * (MAX_REPLY // 1000 + 1))
    assert caught.value.code == "protocol.reply-too-long"


def test_hands_out_the_answers_that_came_before_the_garbage() -> None:
    parser = ReplyParser()
    assert parser.feed(b"250 2.0.0 queued\r\n\x00\x00\x00\r\n250 Ok\r\n") == [Reply(250, "2.0.0", "queued")]
    assert parser.error is not None
    with pytest.raises(ProtocolError, match="no SMTP reply"):
        parser.feed(b"250 Ok\r\n")


def test_text_can_be_printed_whatever_it_holds() -> None:
    [reply] = read(b"550 5.1.1 caf\xc3\xa9 \xff\xfe \x1b[2J \x00 bare\rcr \xe2\x80\xa8 \xc2\x85\r\n")
    assert reply.text == "café �� �[2J � bare�cr � �"
    reply.text.encode("utf-8")


text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"]), max_size=40)
codes = st.integers(200, 599)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    code = draw(codes)
    enhanced = ""
    if code // 100 in (2, 4, 5) and draw(st.booleans()):
        enhanced = f"{code // 100}.{draw(st.integers(0, 999))}.{draw(st.integers(0, 999))}"
    lines = draw(st.lists(text, min_size=1, max_size=4))
    return Reply(code, enhanced, "\n".join(split_enhanced(code, line)[1].lstrip() for line in lines))


def render(reply: Reply, end: bytes = b"\r\n") -> bytes:
    lines = [f"{reply.enhanced} {line}" if reply.enhanced else line for line in reply.text.split("\n")]
    marks = ["-"] * (len(lines) - 1) + [" "]
    return b"".join(f"{reply.code}{mark}{line}".encode() + end for mark, line in zip(marks, lines, strict=True))


@given(st.lists(replies(), max_size=6), st.sampled_from([b"\r\n", b"\n"]))
def test_what_is_rendered_is_read_back(expected: list[Reply], end: bytes) -> None:
    expected = [reply for reply in expected if _unambiguous(reply)]
    assert read(b"".join(render(reply, end) for reply in expected)) == expected


def _unambiguous(reply: Reply) -> bool:
    """Leave out texts that begin with what reads as a further enhanced code."""
    return all(not split_enhanced(reply.code, line)[0] for line in reply.text.split("\n"))


def feed_in_pieces(data: bytes, cuts: list[int]) -> tuple[list[Reply], str]:
    """Return what was read, and the error's text if there was one."""
    parser = ReplyParser()
    found: list[Reply] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        try:
            found += parser.feed(data[start:end])
        except ProtocolError:
            break
    return found, parser.error.code if parser.error else ""


@given(st.lists(replies(), max_size=6), st.lists(st.integers(0, 4000), max_size=12))
def test_any_cutting_gives_the_same_replies(expected: list[Reply], cuts: list[int]) -> None:
    data = b"".join(render(reply) for reply in expected)
    assert feed_in_pieces(data, cuts) == feed_in_pieces(data, [])


almost_smtp = st.lists(
    st.one_of(
        st.binary(max_size=20), st.sampled_from([b"250 Ok\r\n", b"250-a\r\n", b"250 ", b"550-5.1.1 x", b"\r\n", b"\n"])
    ),
    max_size=12,
).map(b"".join)


@given(almost_smtp, st.lists(st.integers(0, 400), max_size=8))
def test_garbage_gives_the_same_answers_and_error_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    replies_at_once, error_at_once = feed_in_pieces(data, [])
    replies_in_pieces, error_in_pieces = feed_in_pieces(data, cuts)
    assert replies_in_pieces == replies_at_once
    assert bool(error_in_pieces) == bool(error_at_once)
    for reply in replies_at_once:
        assert 200 <= reply.code <= 599
        assert not set(reply.text) & set(map(chr, [*range(9), *range(11, 32), 127, 0x2028]))


EHLO = Reply(
    250,
    "",
    "mail.example.org greets you\nPIPELINING\nsize 35882577\n8BITMIME\nAUTH PLAIN login\nAUTH=LOGIN CRAM-MD5\n"
    "DSN\nLIMITS RCPTMAX=20 mailmax=5 RCPTDOMAINMAX=1 FUTURE=7\nX-ODD a=b c\n!not a keyword\n\nSTARTTLS",
)


def test_ehlo_says_what_is_offered() -> None:
    offers = parse_ehlo(EHLO)
    assert offers.name == "mail.example.org"
    assert offers.size == 35882577
    assert offers.auth == ("PLAIN", "LOGIN", "CRAM-MD5")
    assert (offers.rcpt_max, offers.mail_max, offers.rcpt_domain_max) == (20, 5, 1)
    assert offers.keywords["X-ODD"] == ("a=b", "c")
    assert offers.offers("pipelining")
    assert offers.offers("STARTTLS")
    assert not offers.offers("CHUNKING")
    assert "!NOT" not in offers.keywords


@pytest.mark.parametrize("line", ["SIZE", "SIZE 0", "SIZE x", "SIZE -1", "SIZE ²", f"SIZE {'9' * 30}"])
def test_a_size_that_says_nothing_is_no_limit(line: str) -> None:
    offers = parse_ehlo(Reply(250, "", f"mail.example.org\n{line}"))
    assert offers.offers("SIZE")
    assert offers.size is None


@pytest.mark.parametrize("limit", ["RCPTMAX=0", "RCPTMAX=", "RCPTMAX=1234567", "RCPTMAX=1x", "RCPTMAX"])
def test_a_malformed_limit_is_no_limit(limit: str) -> None:
    assert parse_ehlo(Reply(250, "", f"mail.example.org\nLIMITS {limit}")).rcpt_max is None


@pytest.mark.parametrize("text", ["mail.example.org", "", "mail.example.org pleased to meet you"])
def test_a_helo_reply_offers_nothing(text: str) -> None:
    offers = parse_ehlo(Reply(250, "", text))
    assert offers.keywords == {}
    assert offers.name == text.partition(" ")[0]


@given(st.text(max_size=200))
def test_any_ehlo_text_can_be_read(text: str) -> None:
    offers = parse_ehlo(Reply(250, "", text))
    assert all(keyword == keyword.upper() and keyword.isascii() for keyword in offers.keywords)
