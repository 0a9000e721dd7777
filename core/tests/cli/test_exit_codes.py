"""The table of exit codes, case by case, and that `posthouse send` keeps to it."""

from __future__ import annotations

from itertools import permutations

import pytest
from memory_plugins.memory_transport import Box

from posthouse.cli import exit_codes
from posthouse.cli.exit_codes import ExitCode
from posthouse.errors import (
    AuthenticationError,
    ComposeError,
    ConfigurationError,
    ConnectError,
    DeliveryError,
    MessageError,
    NotPermittedError,
    PluginError,
    PosthouseError,
    ProtocolError,
    RefusedError,
    Stage,
    ThrottledError,
    TlsError,
    UncertainError,
)
from posthouse.receipts import Delivery, Receipt, RecipientOutcome, RecipientStatus
from posthouse.reports import Check, CheckStatus, TestReport

ERRORS = [
    (MessageError("x"), 65),
    (ConnectError("x", code="connect.host-unknown"), 68),
    (ConnectError("x", code="connect.host-unknown", temporary=True), 68),
    (ConnectError("x"), 69),
    (RefusedError("x"), 69),
    (DeliveryError("x"), 69),
    (ThrottledError("x"), 69),
    (ComposeError("x"), 69),
    (ComposeError("x", code="compose.uncertain"), 74),
    (UncertainError("x"), 74),
    (UncertainError("x", temporary=True), 74),
    (ConnectError("x", temporary=True), 75),
    (RefusedError("x", temporary=True), 75),
    (ThrottledError("x", temporary=True), 75),
    (AuthenticationError("x", temporary=True), 75),
    (TlsError("x"), 76),
    (TlsError("x", temporary=True), 76),
    (ProtocolError("x"), 76),
    (ProtocolError("x", temporary=True), 76),
    (AuthenticationError("x"), 77),
    (NotPermittedError("x"), 77),
    (ConfigurationError("x"), 78),
    (PluginError("x"), 78),
]


def titles(value: object) -> str | None:
    return f"{type(value).__name__} {value.code} {value.temporary}" if isinstance(value, PosthouseError) else None


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=titles)
def test_each_error_has_its_code(error: PosthouseError, code: int) -> None:
    assert exit_codes.for_error(error) == code


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=titles)
def test_send_exits_with_it(run, box: Box, error: PosthouseError, code: int) -> None:
    box.on_connect.append(error)
    assert run("send", "--to", "a@b.example", "--text", "x").exit_code == code


def outcome(status: RecipientStatus, *, temporary: bool = False) -> RecipientOutcome:
    return RecipientOutcome("a@b.example", status, temporary=temporary)


@pytest.mark.parametrize(
    ("recipients", "error", "code"),
    [
        ([outcome(RecipientStatus.ACCEPTED)], None, 0),
        ([outcome(RecipientStatus.ACCEPTED), outcome(RecipientStatus.REFUSED)], None, 69),
        ([outcome(RecipientStatus.ACCEPTED), outcome(RecipientStatus.REFUSED, temporary=True)], None, 69),
        ([outcome(RecipientStatus.REFUSED)], None, 69),
        ([outcome(RecipientStatus.REFUSED, temporary=True)], None, 75),
        ([outcome(RecipientStatus.REFUSED)], RefusedError("x"), 69),
        ([outcome(RecipientStatus.REFUSED)], NotPermittedError("x"), 77),
        ([outcome(RecipientStatus.ACCEPTED), outcome(RecipientStatus.UNCERTAIN)], None, 74),
        ([], UncertainError("x"), 74),
    ],
)
def test_each_receipt_has_its_code(recipients: list[RecipientOutcome], error: PosthouseError | None, code: int) -> None:
    receipt = Receipt(account="a", transport="t", message_id="", recipients=tuple(recipients), error=error)
    assert exit_codes.for_receipt(receipt) == code


@pytest.mark.parametrize(
    ("stage", "details", "code"),
    [
        (Stage.RESOLVE, {}, 68),
        (Stage.CONNECT, {"code": "connect.host-unknown"}, 68),
        (Stage.CONNECT, {"code": "connect.refused", "temporary": True}, 75),
        (Stage.CONNECT, {"code": "connect.proxy", "temporary": False}, 69),
        (Stage.RESOLVE, {"code": "connect.name-server", "temporary": True}, 75),
        (Stage.CONNECT, {"code": "tls.certificate-expired"}, 76),
        (Stage.TLS, {}, 76),
        (Stage.EHLO, {"code": "protocol.garbage"}, 76),
        (Stage.AUTHENTICATION, {"code": "authentication.refused"}, 77),
        (Stage.AUTHENTICATION, {"code": "authentication.temporary", "temporary": True}, 75),
        (Stage.TLS, {"code": "tls.handshake", "temporary": True}, 76),
        (Stage.POLICY, {"code": "safety.disabled"}, 77),
        (Stage.CONFIGURATION, {"code": "secret.environment"}, 78),
        (Stage.SENDER, {"code": "throttled.rate"}, 75),
        (Stage.RECIPIENT, {}, 69),
    ],
)
def test_a_failed_check_has_the_code_of_its_error(stage: Stage, details: dict[str, object], code: int) -> None:
    good = Check(stage=Stage.CONNECT, title="x", status=CheckStatus.OK)
    later = Check(stage=Stage.CLOSE, title="x", status=CheckStatus.FAILED)
    bad = Check(stage=stage, title="x", status=CheckStatus.FAILED, details=details)
    report = TestReport(account="a", transport="t", authenticator="none", checks=(good, bad, later))
    assert exit_codes.for_report(report) == code


def test_every_stage_has_a_code_for_its_failed_check() -> None:
    for stage in Stage:
        check = Check(stage=stage, title="x", status=CheckStatus.FAILED)
        report = TestReport(account="a", transport="t", authenticator="none", checks=(check,))
        assert exit_codes.for_report(report) is not ExitCode.OK


def test_a_report_without_a_failure_is_good() -> None:
    warning = Check(stage=Stage.TLS, title="x", status=CheckStatus.WARNING)
    assert exit_codes.for_report(TestReport(account="a", transport="t", authenticator="", checks=(warning,))) == 0


def test_the_worst_does_not_depend_on_the_order() -> None:
    codes = (ExitCode.OK, ExitCode.TEMPORARY, ExitCode.REFUSED, ExitCode.UNCERTAIN)
    assert {exit_codes.worst(order) for order in permutations(codes)} == {ExitCode.UNCERTAIN}
    assert exit_codes.worst([ExitCode.OK, ExitCode.TEMPORARY]) is ExitCode.TEMPORARY
    assert exit_codes.worst([]) is ExitCode.OK


def test_partly_refused_exits_with_69(run, box: Box) -> None:
    def refuse_second(connection, submission):
        first, second = submission.envelope.recipients
        return Delivery(
            recipients=(
                RecipientOutcome(first, RecipientStatus.ACCEPTED),
                RecipientOutcome(second, RecipientStatus.REFUSED, reason="not here"),
            )
        )

    box.on_send = refuse_second
    result = run("send", "--to", "a@b.example", "c@b.example", "--text", "x")
    assert result.exit_code == 69
    assert "c@b.example: refused, not here" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["send"], 64),
        (["send", "--nonsense"], 64),
        (["send", "--to", "a@b.example"], 64),
        (["send", "--to", "a@b.example", "--text", "x", "--priority", "huge"], 64),
        (["send", "--to", "not an address", "--text", "x"], 65),
        (["send", "--to", "a@b.example", "--text", "x", "--account", "nobody"], 78),
        (["nonsense"], 64),
        (["accounts", "nonsense"], 64),
        (["--config", "missing.toml", "send", "--to", "a@b.example", "--text", "x"], 78),
    ],
)
def test_what_is_wrong_before_sending(run, arguments: list[str], code: int) -> None:
    assert run(*arguments).exit_code == code
