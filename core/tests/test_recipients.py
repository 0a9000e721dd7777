"""Who is named where."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from posthouse.addresses import Address
from posthouse.messages import Envelope, Message
from posthouse.recipients import Named, named

ADDRESSES = st.lists(
    st.sampled_from([f"{local}@{domain}" for local in "abcd" for domain in ("x.example", "Y.example")])
)


@given(to=ADDRESSES, cc=ADDRESSES, bcc=ADDRESSES, wanted=ADDRESSES)
def test_exactly_the_envelope_is_named(to: list[str], cc: list[str], bcc: list[str], wanted: list[str]) -> None:
    recipients = tuple(dict.fromkeys(wanted))
    message = Message(sender="a@x.example", to=tuple(to), cc=tuple(cc), bcc=tuple(bcc), text="")
    found = named(message, Envelope(sender="", recipients=recipients))
    given_to = [address.addr_spec for address in (*found.to, *found.cc, *found.bcc)]
    assert sorted(given_to) == sorted(recipients)
    assert {address.addr_spec for address in found.to} == set(to) & set(recipients)
    assert found.reduced == bool(found.notes("Graph")) == bool({*to, *cc} - set(recipients))
    seen = {*to, *cc}
    assert {address.addr_spec for address in found.bcc} == set(recipients) - seen


def test_names_stay_and_domains_are_compared_without_case() -> None:
    message = Message(sender="a@x.example", to="Bob <bob@X.example>", bcc="Dee <dee@x.example>", text="")
    found = named(message, Envelope(sender="", recipients=("bob@x.example", "dee@x.example")))
    assert found.to == (Address("bob@X.example", "Bob"),)
    assert found.bcc == (Address("dee@x.example", "Dee"),)
    assert found.notes("Graph") == ()


def test_a_draft_names_everybody() -> None:
    message = Message(sender="a@x.example", to="b@x.example", cc="c@x.example", bcc="d@x.example", text="")
    found = Named.everybody(message)
    assert (found.to, found.cc, found.bcc) == (message.to, message.cc, message.bcc)
