import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.tokens import Claims


def token(claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJl"


def read(claims: object) -> Claims:
    found = Claims.read(token(claims))
    assert found is not None
    return found


def test_an_applications_token_of_entra() -> None:
    claims = read(
        {
            "iss": "https://sts.windows.net/t/",
            "aud": "https://outlook.office365.com",
            "roles": ["SMTP.SendAsApp"],
            "appid": "11111111-2222-3333-4444-555555555555",
            "tid": "t",
            "idtyp": "app",
            "exp": int(time.time()) + 3630,
        }
    )
    assert claims.app_only
    assert claims.permissions == {"SMTP.SendAsApp"}
    assert (claims.app, claims.tenant, claims.user) == ("11111111-2222-3333-4444-555555555555", "t", "")
    assert (
        claims.summary == "for https://outlook.office365.com, signed in: the application itself, expires in 60 minutes"
    )
    assert json.loads(json.dumps(claims.as_dict()))["permissions"] == ["SMTP.SendAsApp"]


def test_a_users_token() -> None:
    claims = read(
        {"aud": ["https://a.example", "b"], "scp": "SMTP.Send Mail.Send", "upn": "anna@sandbox.example", "exp": 1}
    )
    assert not claims.app_only
    assert claims.scopes == {"SMTP.Send", "Mail.Send"}
    assert claims.summary == "for https://a.example, signed in: anna@sandbox.example, expired"
    assert claims.seconds_left is not None
    assert claims.seconds_left < 0


def test_a_token_without_an_end() -> None:
    assert read({}).summary == "for nobody, signed in: the application itself"
    for odd in (True, "soon", None, 1e300, float("nan"), -1):
        assert read({"exp": odd}).expires_at is None


def test_nothing_that_a_terminal_would_obey_is_shown() -> None:
    claims = read({"aud": "\x1b[31m", "upn": "a\nb", "scp": "x", "roles": ["\x07"]})
    assert "\x1b" not in claims.summary
    assert "\n" not in claims.summary
    assert claims.roles == {"\ufffd"}


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "a..c", token([1]), token("x"), token({}) + ".d", "é.é.é"])
def test_what_is_no_web_token_says_nothing(text: str) -> None:
    assert Claims.read(text) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
)
_NAMES = ["iss", "aud", "scp", "roles", "upn", "appid", "tid", "exp", "idtyp", "scope"]


@given(st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_whatever_a_token_says_can_be_shown(claims: dict[str, object]) -> None:
    found = read(claims)
    assert found.summary.isprintable()
    assert isinstance(json.dumps(found.as_dict(), allow_nan=False), str)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    Claims.read(text)
    Claims.read(f"a.{text}.b")
