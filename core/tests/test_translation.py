"""The words that transports share for trouble with sockets and TLS are complete, and of the right kind."""

from __future__ import annotations

import errno

import pytest

from posthouse import translation
from posthouse.errors import ConnectError, Stage, TlsError
from posthouse.translation import CERTIFICATE, NAME_SERVER, UNREACHABLE, Meaning, host_unknown

PLAIN = [thing for thing in vars(translation).values() if isinstance(thing, Meaning)]
ALL = [*PLAIN, *CERTIFICATE.values(), *UNREACHABLE.values(), host_unknown("host")]


@pytest.mark.parametrize("meaning", ALL, ids=lambda meaning: meaning.code)
def test_each_makes_an_error_that_says_what_to_do(meaning: Meaning) -> None:
    error = meaning.error(
        meaning.what, code=meaning.code, stage=meaning.stage, temporary=meaning.temporary, hint=meaning.hint
    )
    assert error.hint.endswith(".")
    assert not meaning.what.endswith(".")
    kind, stages = {
        "tls": (TlsError, {Stage.TLS}),
        "connect": (ConnectError, {Stage.RESOLVE, Stage.CONNECT}),
    }[meaning.code.partition(".")[0]]
    assert type(error) is kind
    assert error.stage in stages


def test_no_trouble_of_tls_goes_away_by_itself() -> None:
    tls = [meaning for meaning in ALL if meaning.error is TlsError]
    assert len(tls) >= 9
    assert not any(meaning.temporary for meaning in tls)


def test_an_unknown_host_is_final_and_a_silent_name_server_is_not() -> None:
    assert not host_unknown("url").temporary
    assert NAME_SERVER.temporary
    assert "spelling of url;" in host_unknown("url").hint


def test_the_system_calls_unreachable_what_is() -> None:
    assert set(UNREACHABLE) == {errno.EHOSTUNREACH, errno.ENETUNREACH}
    assert all(meaning.temporary for meaning in UNREACHABLE.values())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (9, "tls.certificate-not-yet-valid"),
        (10, "tls.certificate-expired"),
        (18, "tls.certificate-self-signed"),
        (62, "tls.hostname-mismatch"),
        (64, "tls.hostname-mismatch"),
    ],
)
def test_openssls_verdicts_have_their_codes(number: int, code: str) -> None:
    assert CERTIFICATE[number].code == code
