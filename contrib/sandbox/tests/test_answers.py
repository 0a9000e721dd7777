import pytest

from posthouse_sandbox import Answers

SENDER = "anna@sandbox.example"


def test_most_specific_entry_decides_and_case_does_not_matter() -> None:
    answers = Answers(
        recipient={
            "Full@Example.org": "452 4.2.2 Mailbox full",
            "@example.org": "550 5.7.1 Not this domain",
            "*": "451 4.3.0 Later",
        }
    )
    assert answers.to_recipient(SENDER, "full@example.ORG") == "452 4.2.2 Mailbox full"
    assert answers.to_recipient(SENDER, "other@example.org") == "550 5.7.1 Not this domain"
    assert answers.to_recipient(SENDER, "other@example.net") == "451 4.3.0 Later"


def test_sender_and_content_have_their_own_tables() -> None:
    answers = Answers(sender={"@bad.example": "550 No"}, content={"b@x.example": "554 5.6.0 Virus"})
    assert answers.to_sender("a@bad.example") == "550 No"
    assert answers.to_recipient("a@bad.example", "b@x.example") is None
    assert answers.to_content(["a@x.example", "b@x.example"]) == "554 5.6.0 Virus"
    assert answers.to_content(["a@x.example"]) is None


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("refuse+550@x.example", "550 5.0.0 Refused, as the address asks for"),
        ("REFUSE+451@x.example", "451 4.0.0 Refused, as the address asks for"),
        ("unknown@x.example", "550 5.1.1 No such user"),
        ("full@x.example", "452 4.2.2 Mailbox full"),
        ("refuse+250@x.example", None),
        ("refuse+5500@x.example", None),
        ("refuse@x.example", None),
        ("fuller@x.example", None),
        ("", None),
        ("postmaster", None),
    ],
)
def test_magic_addresses_work_as_sender_and_recipient(address: str, reply: str) -> None:
    answers = Answers()
    assert answers.to_sender(address) == reply
    assert answers.to_recipient(SENDER, address) == reply
    assert answers.to_content([address]) is None


def test_content_address_is_accepted_until_the_content() -> None:
    answers = Answers()
    assert answers.to_recipient(SENDER, "content+554@x.example") is None
    assert answers.to_content(["a@x.example", "content+554@x.example"]) == "554 5.0.0 Refused, as the address asks for"


def test_greylisting_is_over_at_the_second_attempt_of_the_same_sender() -> None:
    answers = Answers()
    recipient = "greylist@x.example"
    assert answers.to_recipient(SENDER, recipient) == "451 4.7.1 Greylisted, try again later"
    assert answers.to_recipient("other@sandbox.example", recipient) is not None
    assert answers.to_recipient(SENDER, recipient) is None
    assert Answers().to_recipient(SENDER, recipient) is not None


def test_scripted_answer_goes_before_magic_and_magic_can_be_switched_off() -> None:
    assert Answers(recipient={"full@x.example": "550 No"}).to_recipient(SENDER, "full@x.example") == "550 No"
    plain = Answers(magic=False)
    for address in ("full@x.example", "greylist@x.example", "refuse+550@x.example"):
        assert plain.to_recipient(SENDER, address) is None
    assert plain.to_content(["content+554@x.example"]) is None


@pytest.mark.parametrize(
    "reply",
    ["", "no", "550", "250 fine", "354 go", "550-first\r\n550 second", "550 5.1.1 x\r\n250 ok", "550 4.2.2 mixed"],
)
def test_what_is_no_refusal_is_rejected(reply: str) -> None:
    with pytest.raises(ValueError, match=r"the answer for a@x\.example is no refusal"):
        Answers(recipient={"a@x.example": reply})
