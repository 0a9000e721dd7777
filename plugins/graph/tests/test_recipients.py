from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.messages import Envelope, Message
from posthouse_graph.recipients import named

ADDRESSES = st.lists(
    st.sampled_from([f"{name}@{domain}" for name in "abcdef" for domain in ("x.example", "y.example")])
)


@settings(deadline=None)
@given(to=ADDRESSES, cc=ADDRESSES, bcc=ADDRESSES, recipients=ADDRESSES.filter(bool))
def test_exactly_the_envelope_receives_it(to: list[str], cc: list[str], bcc: list[str], recipients: list[str]) -> None:
    message = Message(to=to, cc=cc, bcc=bcc)
    names = named(message, Envelope(sender="s@x.example", recipients=tuple(dict.fromkeys(recipients))))
    everybody = [address.addr_spec for address in (*names.to, *names.cc, *names.bcc)]
    assert set(everybody) == set(recipients)
    assert {address.addr_spec for address in names.to} <= set(to)
    assert {address.addr_spec for address in names.cc} <= set(cc)
    assert not {address.addr_spec for address in names.bcc} & {a.addr_spec for a in (*names.to, *names.cc)}
    left_out = (set(to) | set(cc)) - set(recipients)
    assert names.reduced == bool(left_out)
    assert bool(names.notes) == bool(left_out)


def test_display_names_stay_and_domains_are_compared_without_case() -> None:
    message = Message(to="Ada <ada@Example.org>", cc="Bob <bob@example.org>")
    names = named(message, Envelope(sender="", recipients=("ada@example.ORG", "hidden@example.org")))
    assert [str(address) for address in names.to] == ["Ada <ada@Example.org>"]
    assert names.cc == ()
    assert [str(address) for address in names.bcc] == ["hidden@example.org"]
