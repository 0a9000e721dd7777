import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_sandbox.smtp.parameters import CommandError, PathArgument, parse_mail, parse_rcpt


def test_mail_keeps_each_parameter_as_it_was_sent() -> None:
    sender = parse_mail("FROM:<a@x.example> SIZE=12 body=8BitMime RET=HDRS ENVID=QQ+2B314 AUTH=<>")
    assert sender == PathArgument(
        "a@x.example",
        ("SIZE=12", "body=8BitMime", "RET=HDRS", "ENVID=QQ+2B314", "AUTH=<>"),
        {"SIZE": "12", "BODY": "8BitMime", "RET": "HDRS", "ENVID": "QQ+2B314", "AUTH": "<>"},
    )


@pytest.mark.parametrize(
    ("argument", "address"),
    [
        ("FROM:<>", ""),
        ("from:<a.b+c@x.example>", "a.b+c@x.example"),
        ('FROM:<"a b>c\\""@x.example>', '"a b>c\\""@x.example'),
        ("FROM:<@relay.example,@other.example:a@x.example>", "a@x.example"),
        ("FROM:<a@[127.0.0.1]>", "a@[127.0.0.1]"),
        ("FROM:<jörg@bücher.example> SMTPUTF8", "jörg@bücher.example"),
    ],
)
def test_senders(argument: str, address: str) -> None:
    assert parse_mail(argument).address == address


def test_recipient_parameters() -> None:
    recipient = parse_rcpt("TO:<b@x.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bc@x.example", utf8=False)
    assert recipient.options == ("NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;b+2Bc@x.example")
    assert parse_rcpt("TO:<postmaster>", utf8=False).address == "postmaster"
    assert parse_rcpt("TO:<jörg@x.example>", utf8=True).address == "jörg@x.example"


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (None, "501 5.5.4"),
        ("TO:<a@x.example>", "501 5.5.4"),
        ("FROM:a@x.example", "501 5.1.7"),
        ("FROM: <a@x.example>", "501 5.1.7"),
        ("FROM:<a>", "501 5.1.7"),
        ("FROM:<a@x.example>SIZE=1", "501 5.1.7"),
        ("FROM:<a@x.example\r>", "501 5.1.7"),
        ("FROM:<a b@x.example>", "501 5.1.7"),
        ("FROM:<jörg@x.example>", "553 5.6.7"),
        ("FROM:<\udcff@x.example> SMTPUTF8", "501 5.5.2"),
        ("FROM:<a@x.example> SIZE", "501 5.5.4"),
        ("FROM:<a@x.example> SIZE=-1", "501 5.5.4"),
        ("FROM:<a@x.example> SIZE=1 SIZE=1", "501 5.5.4"),
        ("FROM:<a@x.example> BODY=BINARYMIME", "501 5.5.4"),
        ("FROM:<a@x.example> SMTPUTF8=yes", "501 5.5.4"),
        ("FROM:<a@x.example> RET=SOME", "501 5.5.4"),
        ("FROM:<a@x.example> ENVID=a+zz", "501 5.5.4"),
        ("FROM:<a@x.example> ENVID=" + "x" * 101, "501 5.5.4"),
        ("FROM:<a@x.example> =1", "501 5.5.4"),
        ("FROM:<a@x.example> REQUIRETLS", "555 5.5.4"),
        ("FROM:<a@x.example> NOTIFY=NEVER", "555 5.5.4"),
    ],
)
def test_bad_mail_arguments(argument: str, reply: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_mail(argument)
    assert caught.value.reply.startswith(reply)


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        ("TO:<>", "501 5.1.3"),
        ("TO:<jörg@x.example>", "553 5.6.7"),
        ("TO:<a@x.example> NOTIFY=NEVER,DELAY", "501 5.5.4"),
        ("TO:<a@x.example> NOTIFY=DELAY,DELAY", "501 5.5.4"),
        ("TO:<a@x.example> NOTIFY=", "501 5.5.4"),
        ("TO:<a@x.example> ORCPT=a@x.example", "501 5.5.4"),
        ("TO:<a@x.example> RET=FULL", "555 5.5.4"),
    ],
)
def test_bad_rcpt_arguments(argument: str, reply: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_rcpt(argument, utf8=False)
    assert caught.value.reply.startswith(reply)


@given(st.text(max_size=60))
def test_anything_is_either_read_or_refused_with_one_clean_reply(rest: str) -> None:
    for parse in (parse_mail, lambda argument: parse_rcpt(argument, utf8=True)):
        for prefix in ("FROM:<", "TO:<", "FROM:<a@x.example> ", "TO:<a@x.example> "):
            try:
                parsed = parse(prefix + rest)
            except CommandError as error:
                reply = error.reply
                assert reply[:4] in ("501 ", "553 ", "555 ")
                assert reply.isascii()
                assert not set(reply) & {"\r", "\n"}
            else:
                assert not set(parsed.address) & {"\r", "\n", "<", "\udcff"}
