"""The log that --verbose asks for holds no credential."""

from __future__ import annotations

import logging

import pytest

from posthouse.cli.logs import format_defect, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("C: AUTH PLAIN AGFkYQBnZWhlaW0=", "C: AUTH PLAIN ***"),
        ("auth xoauth2 dXNlcj1h", "auth xoauth2 ***"),
        ("Authorization: Bearer eyJ0.abc-_", "Authorization: Bearer ***"),
        ("smtp://ada:geheim@mail.example.org:25", "smtp://ada:***@mail.example.org:25"),
        ("{'password': 'ge heim', 'user': 'ada'}", "{'password': ***, 'user': 'ada'}"),
        ("client_secret=geheim&x=1", "client_secret=***&x=1"),
        ('"access_token": "geheim"', '"access_token": ***'),
        ("passwd: geheim", "passwd: ***"),
        ("MAIL FROM:<ada@example.org> SIZE=100", "MAIL FROM:<ada@example.org> SIZE=100"),
        ("authentication failed", "authentication failed"),
        ("see https://example.org/a:b@c", "see https://example.org/a:b@c"),
    ],
)
def test_what_looks_like_a_credential_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


def test_a_traceback_keeps_the_way_and_loses_the_words() -> None:
    def sign_in() -> None:
        raise ValueError("geheim is no good password")

    try:
        try:
            sign_in()
        except ValueError as error:
            raise KeyError("geheim") from error
    except KeyError as error:
        text = format_defect(error)
    assert "in sign_in" in text
    assert text.index("ValueError") < text.index("KeyError")
    assert "geheim is" not in text.replace('raise ValueError("geheim is no good password")', "")


def test_the_log_goes_to_stderr_masked_and_without_foreign_noise(run, install, restored_logging) -> None:
    install(
        "posthouse-chatty",
        role="command",
        kind="chatty",
        source=(
            "import click, logging\n"
            "from posthouse import hookimpl\n"
            "@hookimpl\n"
            "def register_commands(group):\n"
            "    @group.command('chatty')\n"
            "    def chatty():\n"
            "        logging.getLogger('posthouse_esmtp').debug('C: AUTH PLAIN %s', 'Z2VoZWlt')\n"
            "        logging.getLogger('other').debug('noise')\n"
            "        logging.getLogger('other').info('news')\n"
            "        try:\n"
            "            raise ValueError('geheim')\n"
            "        except ValueError:\n"
            "            logging.getLogger('other').exception('bad')\n"
        ),
    )
    result = run("-v", "chatty")
    assert "posthouse_esmtp: C: AUTH PLAIN ***" in result.stderr
    assert "news" in result.stderr
    assert "noise" not in result.stderr
    assert "ValueError: (its text is withheld" in result.stderr
    assert run("chatty").stderr == ""


@pytest.fixture
def restored_logging():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
