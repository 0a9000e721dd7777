"""The strongest mechanism that may be used is taken, and an open link shows no secret by accident."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import AuthenticationError, Stage
from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse_esmtp.sasl import MECHANISMS, choose

PASSWORD = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("hush"))
BEARER = Credential(kind=CredentialKind.BEARER, user="ada", secret=Secret.literal("hush"))
STRENGTH = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]


@pytest.mark.parametrize("count", range(5))
def test_takes_the_strongest_password_mechanism(count: int) -> None:
    offered = [*reversed(STRENGTH[count:]), "XOAUTH2", "GSSAPI"]
    assert choose(offered, PASSWORD, encrypted=True).name == STRENGTH[count]


def test_takes_the_standard_bearer_mechanism_first() -> None:
    assert choose(["PLAIN", "XOAUTH2", "OAUTHBEARER"], BEARER, encrypted=True).name == "OAUTHBEARER"
    assert choose(["PLAIN", "xoauth2"], BEARER, encrypted=True).name == "XOAUTH2"


def test_the_configuration_narrows_the_choice() -> None:
    assert choose(STRENGTH, PASSWORD, encrypted=True, allowed=("login", "PLAIN")).name == "PLAIN"


def test_what_is_chosen_signs_in_as_the_credential_says() -> None:
    assert choose(["PLAIN"], PASSWORD, encrypted=True).initial() == b"\0ada\0hush"
    assert (
        choose(["PLAIN"], Credential(kind=CredentialKind.PASSWORD, user="ada"), encrypted=True).initial() == b"\0ada\0"
    )


@pytest.mark.parametrize(
    ("offered", "credential", "allowed", "encrypted", "told", "hint"),
    [
        ([], PASSWORD, (), False, "offers no sign-in", "starttls or smtps"),
        ([], PASSWORD, (), True, "offers no sign-in", "587 or 465"),
        (["XOAUTH2"], PASSWORD, (), True, "offers XOAUTH2; a password", "wants OAuth"),
        (["PLAIN"], BEARER, (), True, "can do OAUTHBEARER, XOAUTH2", "auth kind password"),
        (["PLAIN"], PASSWORD, ("SCRAM-SHA-256",), True, "allows SCRAM-SHA-256", "auth_mechanisms"),
        (["PLAIN"], Credential(kind=CredentialKind.KERBEROS), (), True, "nothing that SMTP knows", "auth kind"),
    ],
)
def test_says_why_nothing_fits(
    offered: list[str], credential: Credential, allowed: tuple[str, ...], encrypted: bool, told: str, hint: str
) -> None:
    with pytest.raises(AuthenticationError) as caught:
        choose(offered, credential, encrypted=encrypted, allowed=allowed)
    assert caught.value.code == "authentication.no-mechanism"
    assert caught.value.stage is Stage.AUTHENTICATION
    assert told in caught.value.message
    assert hint in caught.value.hint
    assert "hush" not in repr(vars(caught.value))


@pytest.mark.parametrize("offered", [["PLAIN"], ["LOGIN"], ["CRAM-MD5"], ["CRAM-MD5", "PLAIN", "LOGIN"]])
@pytest.mark.parametrize("loopback", [True, False])
def test_a_password_goes_over_an_open_link_only_when_allowed(offered: list[str], loopback: bool) -> None:
    with pytest.raises(AuthenticationError) as caught:
        choose(offered, PASSWORD, encrypted=False, loopback=loopback)
    assert caught.value.code == "authentication.plaintext"
    assert "allow_plaintext_auth = true" in caught.value.hint
    assert "starttls or smtps" in caught.value.hint
    assert choose(offered, PASSWORD, encrypted=False, allow_plaintext=True).name == offered[0]


def test_scram_may_use_an_open_link_and_is_taken_even_if_weaker_ones_are_offered() -> None:
    assert choose(STRENGTH, PASSWORD, encrypted=False).name == "SCRAM-SHA-256"


def test_a_token_goes_over_an_open_link_to_this_machine_only_or_when_allowed() -> None:
    with pytest.raises(AuthenticationError, match="access token") as caught:
        choose(["XOAUTH2"], BEARER, encrypted=False)
    assert caught.value.code == "authentication.plaintext"
    assert choose(["XOAUTH2"], BEARER, encrypted=False, loopback=True).name == "XOAUTH2"
    assert choose(["XOAUTH2"], BEARER, encrypted=False, allow_plaintext=True).name == "XOAUTH2"


@given(
    offered=st.lists(st.sampled_from([*MECHANISMS, "GSSAPI", "NTLM"]), unique=True),
    allowed=st.lists(st.sampled_from(MECHANISMS), unique=True).map(tuple),
    credential=st.sampled_from([PASSWORD, BEARER]),
    encrypted=st.booleans(),
    allow_plaintext=st.booleans(),
)
def test_never_exceeds_what_all_sides_allow(
    offered: list[str], allowed: tuple[str, ...], credential: Credential, encrypted: bool, allow_plaintext: bool
) -> None:
    try:
        chosen = choose(offered, credential, encrypted=encrypted, allowed=allowed, allow_plaintext=allow_plaintext)
    except AuthenticationError:
        return
    assert chosen.name in offered
    assert not allowed or chosen.name in allowed
    assert chosen.secure or encrypted or allow_plaintext
