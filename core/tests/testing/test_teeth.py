"""Every case of the kit can fail: a good provider passes them all, and one spoiled in one place fails the very case."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from posthouse.testing import TransportContract
from posthouse.testing.grades import case_of

from .conftest import Examine

pytest_plugins = "pytester"


@frozen
class Mutant:
    """A provider that does one thing wrong.

    Attributes:
        fails: the cases that must notice.
        changes: what is replaced by what in the sources.
        options: how it is installed otherwise.
    """

    fails: frozenset[str]
    changes: tuple[tuple[str, str], ...]
    options: dict[str, Any]


def mutant(name: str, fails: str, *changes: tuple[str, str], **options: Any) -> Any:
    return pytest.param(Mutant(frozenset(fails.split()), changes, options), id=name)


READS_KEY = "key = credential.secret.reveal() if credential.secret else ''"
TRANSPORTS = [
    # what it says of itself
    mutant("misspelt-hook", "test_keeps_the_contract", ("async def connect(settings", "async def conect(settings")),
    mutant("foreign-name", "test_distribution_is_called_after_the_kind", distribution="other-mail"),
    mutant("no-summary", "test_describes_itself", ('summary="Acme\'s mail API."', 'summary=""')),
    # loading
    mutant(
        "heavy-import",
        "test_import_loads_no_foreign_library",
        ("import quote, urlsplit", "import quote, urlsplit\nimport rich"),
    ),
    mutant(
        "contacts",
        "test_import_contacts_nobody",
        ("import quote, urlsplit", "import quote, urlsplit\nimport socket\nsocket.getaddrinfo('localhost', 9)"),
    ),
    mutant(
        "asyncio",
        "test_import_loads_no_network_stack",
        ("import quote, urlsplit", "import quote, urlsplit\nimport asyncio as _a"),
    ),
    # settings
    mutant("no-help", "test_every_setting_is_explained", (', help="Where the API is."', "")),
    mutant(
        "validator-crashes",
        "test_wrong_settings_are_explained",
        ('        raise ValueError("expected http://HOST:PORT")', "        {}[value]"),
    ),
    mutant(
        "grows",
        "test_settings_survive_a_round_trip",
        (
            "def from_version_1",
            "object_setattr = object.__setattr__\nAcmeSettings.__attrs_post_init__ = None\n\n\ndef from_version_1",
        ),
        (
            '    stamp: Secret | None = setting(None, label="Stamp", help="Marks this program\'s messages.")',
            '    stamp: Secret | None = setting(None, label="Stamp", help="Marks this program\'s messages.")\n\n    def __attrs_post_init__(self) -> None:\n        object.__setattr__(self, "timeout", self.timeout + 1)',
        ),
    ),
    mutant(
        "migration-changes-argument",
        "test_older_settings_are_migrated",
        (
            '    return {"url" if key',
            '    settings.update(touched=1) if isinstance(settings, dict) else None\n    return {"url" if key',
        ),
    ),
    mutant(
        "settings-repr",
        "test_settings_show_no_secret test_connection_and_receipt_show_no_secret test_errors_show_no_secret",
        ("def from_version_1", "AcmeSettings.__repr__ = lambda self: self.stamp.reveal()\n\n\ndef from_version_1"),
    ),
    # secrets
    mutant(
        "note-tells",
        "test_connection_and_receipt_show_no_secret",
        (
            '    security: str = "none"',
            '    security: str = "none"\n\n    def __str__(self) -> str:\n        return self.credential.secret.reveal()\n',
        ),
    ),
    mutant(
        "error-tells",
        "test_errors_show_no_secret",
        (
            "            raise error_for(status, headers)"
            if False
            else "        raise error_for(status, headers)\n    return connection",
            '        raise AuthenticationError("bad key " + credential.secret.reveal(), hint="x") if status == 401 else error_for(status, headers)\n    return connection',
        ),
    ),
    mutant(
        "frame-shows",
        "test_errors_show_no_secret",
        (
            "                self._write_head(path, headers, len(content))",
            "                key = self.credential.secret.reveal()\n                self._write_head(path, headers, len(content))",
        ),
        (
            "        raise error_for(status, headers)\n    return connection",
            "        key = credential.secret.reveal()\n        raise error_for(status, headers)\n    return connection",
        ),
    ),
    mutant(
        "log-tells",
        "test_logs_show_no_secret",
        (
            '        lines = [f"POST',
            '        import logging\n\n        logging.getLogger("acme").debug("key %s", key)\n        lines = [f"POST',
        ),
    ),
    mutant(
        "check-tells",
        "test_checks_show_no_secret",
        (
            'title="Sign in", status=CheckStatus.OK)',
            'title="Sign in", status=CheckStatus.OK, evidence=credential.secret.reveal())',
        ),
    ),
    # envelope
    mutant(
        "loses-text",
        "test_message_arrives test_cancelled_at_any_moment test_unicode_arrives test_lines_that_trip_protocols_arrive",
        (
            '    return b"".join(render(message, utf8=True).chunks())',
            "    from attrs import evolve as change\n    return b\"\".join(render(message if message.raw or message.html or message.attachments and not message.text.startswith('Gr') else change(message, text='-'), utf8=True).chunks())",
        ),
    ),
    mutant(
        "bcc",
        "test_bcc_does_not_travel",
        (
            '    return b"".join(',
            "    return b\"\".join([f'Bcc: {one}\\r\\n'.encode() for one in message.bcc if str(one).startswith('hidden')]) + b\"\".join(",
        ),
    ),
    mutant(
        "headers-decide",
        "test_recipients_are_those_of_the_envelope",
        (
            '"X-To": ",".join(map(quote, envelope.recipients))',
            '"X-To": ",".join(quote(one.addr_spec) for one in submission.message.recipients())',
        ),
    ),
    mutant(
        "from-header-decides",
        "test_bounces_go_where_the_envelope_says",
        ("quote(envelope.sender)", "quote(submission.message.sender.addr_spec)"),
    ),
    mutant(
        "new-message-id",
        "test_message_id_stays",
        (
            '    return b"".join(',
            "    return b\"\" .join([]) if message is None else (lambda data: data if message.raw else data.replace(b'@kit.example', b'@acme.example'))(b\"\".join(",
        ),
        ("utf8=True).chunks())", "utf8=True).chunks()))"),
    ),
    # content
    mutant(
        "ascii-names",
        "test_unicode_arrives",
        (
            '    return b"".join(render(message, utf8=True).chunks())',
            "    from attrs import evolve as change\n    return b\"\".join(render(message if message.raw else change(message, subject=message.subject.encode('ascii', 'replace').decode()), utf8=True).chunks())",
        ),
    ),
    mutant(
        "eats-dots",
        "test_lines_that_trip_protocols_arrive",
        (
            '    return b"".join(render(message, utf8=True).chunks())',
            "    from attrs import evolve as change\n    return b\"\".join(render(change(message, text=message.text.replace('\\n..', '\\n.')) if message.text and not message.raw else message, utf8=True).chunks())",
        ),
    ),
    mutant(
        "drops-html",
        "test_html_arrives_beside_text",
        (
            '    return b"".join(render(message, utf8=True).chunks())',
            '    from attrs import evolve as change\n    return b"".join(render(change(message, html=None) if not message.raw else message, utf8=True).chunks())',
        ),
    ),
    mutant(
        "ascii-addresses",
        "test_unicode_addresses",
        (
            '",".join(map(quote, envelope.recipients))',
            "\",\".join(one.encode('ascii', 'ignore').decode() for one in envelope.recipients)",
        ),
    ),
    mutant(
        "adds-header",
        "test_finished_message_stays_as_it_is",
        (
            '    return b"".join(',
            "    return (b'' if not message.raw else message.raw.replace(b'  two', b' two') or b\"\") or b\"\".join(",
        ),
    ),
    mutant(
        "cuts-large",
        "test_large_attachment",
        (
            '    return b"".join(render(message, utf8=True).chunks())',
            '    return b"".join(render(message, utf8=True).chunks())[:200_000]',
        ),
    ),
    # errors
    mutant(
        "refused-not-authentication",
        "test_refused_sign_in",
        ('return AuthenticationError("the key', 'return RefusedError("the key'),
    ),
    mutant("forgets-when", "test_throttling", ("retry_after=wait,", "")),
    mutant("never-temporary", "test_temporary_failure", ("temporary=status >= 500", "temporary=False")),
    mutant(
        "foreign-exception",
        "test_temporary_failure",
        ("    if status == 401:", "    if status == 503:\n        raise KeyError(status)\n    if status == 401:"),
    ),
    mutant("always-temporary", "test_permanent_failure", ("temporary=status >= 500", "temporary=True")),
    mutant("size-unknown", "test_too_large", ('code="refused.size"', 'code="refused.content"')),
    mutant("forgets-refusals", "test_partial_refusal", ('answered.get("x-refused", "").split(",")', "()")),
    mutant(
        "lost-is-refused",
        "test_lost_answer_is_uncertain test_broken_batch_loses_nothing",
        (
            "    except (OSError, EOFError, ValueError):\n        doubt",
            "    except TimeoutError:\n        return _delivery(submission, RecipientStatus.UNCERTAIN, error=UncertainError('late'))\n    except (OSError, EOFError, ValueError):\n        return Delivery(recipients=(), untouched=True, error=ConnectError('gone', temporary=True))\n        doubt",
        ),
    ),
    mutant(
        "sends-again",
        "test_lost_answer_is_uncertain test_broken_batch_loses_nothing",
        (
            "    except (OSError, EOFError, ValueError):\n        doubt",
            "    except TimeoutError:\n        return _delivery(submission, RecipientStatus.UNCERTAIN, error=UncertainError('late'))\n    except (OSError, EOFError, ValueError):\n        again = await connect(connection.settings, connection.credential)\n        try:\n            await again.ask('/send', headers, content)\n        except (OSError, EOFError):\n            pass\n        finally:\n            await again.close()\n        doubt",
        ),
    ),
    # connection
    mutant(
        "one-shot",
        "test_connection_is_used_again test_many_at_a_time test_batch_is_what_single_sends_are test_bounces",
        (
            "    if status != 200:\n        error =",
            "    await connection.close()\n    if status != 200:\n        error =",
        ),
    ),
    mutant(
        "says-nothing",
        "test_connection_says_how_it_is_protected",
        ('    security: str = "none"', '    security: str = ""'),
    ),
    mutant(
        "closes-once",
        "test_close_can_be_called_twice",
        (
            "        self.usable = False\n        self.writer.close()",
            "        if not self.usable and self.writer.is_closing():\n            raise RuntimeError('closed')\n        self.usable = False\n        self.writer.close()",
        ),
    ),
    mutant(
        "leaves-task",
        "test_nothing_is_left_running test_cancelled_while_waiting",
        (
            "    connection = AcmeConnection(settings, credential, reader, writer)",
            "    connection = AcmeConnection(settings, credential, reader, writer)\n    connection.notes = ()\n    globals().setdefault('tasks', []).append(asyncio.ensure_future(asyncio.sleep(3600)))",
        ),
    ),
    # the test of an account, and more
    mutant(
        "test-sends",
        "test_the_test_sends_nothing",
        (
            "    await connection.close()\n    yield Check(",
            "    await connection.ask('/send', {'X-To': 'bob@example.org', 'X-From': ''}, b'Subject: test\\r\\n\\r\\n')\n    await connection.close()\n    yield Check(",
        ),
    ),
    mutant(
        "test-hides",
        "test_the_test_explains_what_is_wrong",
        (
            '        yield Check.from_error("Sign in", error, 0.0)',
            "        yield Check(stage=Stage.AUTHENTICATION, title='Sign in', status=CheckStatus.WARNING, evidence=error.code)",
        ),
    ),
    mutant(
        "test-needs-credential",
        "test_the_test_works_without_a_credential",
        ("    if credential is None:\n", "    if credential.kind is None:\n"),
    ),
    mutant(
        "objects",
        "test_no_objections_to_a_plain_message",
        ("    return ()\n", "    return (Problem('subject', 'too plain'),)\n"),
    ),
    mutant(
        "compose-sends",
        "test_composing_sends_nothing",
        ('connection.ask("/drafts", {}', "connection.ask(\"/send\", {'X-To': 'bob@example.org', 'X-From': ''}"),
    ),
    # time
    mutant(
        "never-gives-up",
        "test_silent_server_is_given_up",
        ("async with asyncio.timeout(self.settings.timeout):", "async with asyncio.timeout(30):"),
    ),
    mutant(
        "swallows-cancellation",
        "test_cancelled_while_waiting",
        (
            "    except (OSError, EOFError, ValueError):\n        doubt",
            "    except (OSError, EOFError, ValueError, __import__('asyncio').CancelledError):\n        doubt",
        ),
    ),
    mutant(
        "usable-after-cancel",
        "test_cancelled_while_waiting test_cancelled_at_any_moment",
        (
            "        except BaseException:\n            self.usable = False\n            raise",
            "        except Exception:\n            self.usable = False\n            raise",
        ),
    ),
    mutant(
        "shared-state",
        "test_many_at_a_time",
        (
            '    try:\n        status, answered = await connection.ask("/send", headers, content)',
            "    shared = globals().setdefault('shared', {})\n    shared.update(headers)\n    await __import__('asyncio').sleep(0)\n    try:\n        status, answered = await connection.ask(\"/send\", dict(shared), content)",
        ),
    ),
    mutant(
        "unordered-batch",
        "test_batch_is_what_single_sends_are",
        (
            "    async for submission in submissions:\n",
            "    waiting = [one async for one in submissions]\n    for submission in reversed(waiting):\n",
        ),
    ),
    mutant(
        "batch-forgets",
        "test_broken_batch_loses_nothing",
        ("    async for submission in submissions:\n", "    for submission in [one async for one in submissions]:\n"),
    ),
]


def test_a_good_transport_is_gold(examine: Examine) -> None:
    examined = examine("acme", options=("--posthouse-grade=gold",))
    assert examined.having("failed") == set(), examined.output
    assert (examined.grade, examined.exit_code) == ("gold", 0)
    assert ": gold" in examined.output


@pytest.mark.parametrize("mutant", TRANSPORTS)
def test_a_spoiled_transport_fails_the_very_case(examine: Examine, mutant: Mutant) -> None:
    examined = examine("acme", *mutant.changes, **mutant.options)
    assert examined.having("failed") == mutant.fails, examined.output


def test_each_case_of_a_transport_is_shown_to_fail() -> None:
    cases = {name for name in dir(TransportContract) if case_of(getattr(TransportContract, name))}
    assert {name for one in TRANSPORTS for name in one.values[0].fails} == cases
