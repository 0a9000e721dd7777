"""Access tokens: what is issued is taken, and everything else is not."""

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse_sandbox.tokens import AUDIENCES, TokenError, Tokens

GRAPH = "https://graph.microsoft.com"


def refusal(tokens: Tokens, token: str, resource: str = "graph") -> str:
    with pytest.raises(TokenError) as refused:
        tokens.verify(token, AUDIENCES[resource])
    return refused.value.reason


def test_a_delegated_token_says_who_may_do_what() -> None:
    tokens = Tokens()
    token = tokens.issue(audience=GRAPH, user="anna@sandbox.example", scopes=["Mail.Send", "Mail.ReadWrite"])
    checked = tokens.verify(token, AUDIENCES["graph"])
    assert (checked.user, checked.scopes, checked.roles) == (
        "anna@sandbox.example",
        frozenset({"Mail.Send", "Mail.ReadWrite"}),
        frozenset(),
    )
    assert not checked.app_only


def test_an_application_acts_for_itself() -> None:
    tokens = Tokens()
    token = tokens.issue(audience="https://outlook.office365.com", roles=["SMTP.SendAsApp"])
    checked = tokens.verify(token, AUDIENCES["smtp"])
    assert checked.app_only
    assert checked.roles == {"SMTP.SendAsApp"}


def test_what_is_wrong_is_named() -> None:
    tokens = Tokens()
    good = tokens.issue(audience=GRAPH, user="anna@sandbox.example")
    assert refusal(tokens, good, "smtp") == "audience"
    assert refusal(tokens, tokens.issue(audience=GRAPH, lifetime=-1)) == "expired"
    assert refusal(tokens, good[:-8] + "AAAAAAAA") == "signature"
    assert refusal(tokens, "no token") == "malformed"
    assert refusal(tokens, jwt.encode({"aud": GRAPH}, "x" * 40, algorithm="HS256")) == "malformed"
    other = tokens.issue(audience=GRAPH, user="anna@sandbox.example")
    tokens.revoke(good)
    assert refusal(tokens, good) == "revoked"
    assert tokens.verify(other, AUDIENCES["graph"]).user == "anna@sandbox.example"


def test_no_secret_shows() -> None:
    tokens = Tokens()
    token = tokens.issue(audience=GRAPH, user="anna@sandbox.example")
    assert token not in repr(tokens.verify(token, AUDIENCES["graph"]))


def test_the_public_key_checks_what_was_issued() -> None:
    tokens = Tokens()
    token = tokens.issue(audience=GRAPH)
    key = jwt.PyJWKSet.from_dict(tokens.key_set())[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["RS256"], audience=GRAPH)["aud"] == GRAPH


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda data: data.decode("latin-1")))
def test_anything_else_is_refused(text: str) -> None:
    assert refusal(Tokens(), text) == "malformed"


def test_what_was_issued_is_remembered_without_the_tokens() -> None:
    tokens = Tokens()
    token = tokens.issue(audience="https://graph.microsoft.com", user="anna@sandbox.example", scopes=["Mail.Send"])
    (issued,) = tokens.issued
    assert issued == tokens.verify(token, AUDIENCES["graph"])
    assert token not in repr(issued)
