"""What `posthouse demo` says and exits with; how it fares with real transports is tested where there are some."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthouse import ConnectError, PosthouseError, Receipt, RefusedError, Reply, UncertainError
from posthouse.cli.app import posthouse
from posthouse_sandbox.demo import command
from posthouse_sandbox.demo.run import Attempt

RECEIPT = Receipt(
    account="smtp",
    transport="smtp",
    message_id="<a@b>",
    recipients=(),
    reply=Reply(250, "2.0.0", "Received"),
    security="TLSv1.3",
    authentication="PLAIN",
    timings={"total": 0.0125},
)
INTACT = Attempt(account="smtp", transport="smtp", receipt=RECEIPT)
DIFFERENT = Attempt(account="smtp", transport="smtp", receipt=RECEIPT, differences=("Subject: 'a' instead of 'b'",))


def failed(error: PosthouseError) -> Attempt:
    return Attempt(account="smtps", transport="smtps", error=error)


def run(monkeypatch: pytest.MonkeyPatch, directory: Path, *attempts: Attempt, options: tuple[str, ...] = ()) -> int:
    async def exercise(*_: Any) -> AsyncIterator[Attempt]:
        for attempt in attempts:
            yield attempt

    monkeypatch.setattr(command, "installed_transports", lambda: {"smtp": "", "smtps": "", "pigeon": ""})
    monkeypatch.setattr(command, "exercise", exercise)
    return posthouse.main(["demo", "--directory", str(directory), *options], standalone_mode=False)


def test_table_and_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, tmp_path, INTACT, INTACT) == 0
    printed = capsys.readouterr()
    head, *lines = printed.out.splitlines()
    assert head.split() == ["Account", "Transport", "Security", "Authentication", "Reply", "Time"]
    assert lines == [
        "smtp     smtp       TLSv1.3   PLAIN           250 2.0.0  12 ms",
        "smtp     smtp       TLSv1.3   PLAIN           250 2.0.0  12 ms",
        "2 of 2 messages arrived intact.",
        f"Received messages: {tmp_path / 'inbox'}",
        f"Configuration:     {tmp_path / 'posthouse.toml'}",
    ]
    assert printed.err == "Not exercised: transport pigeon, because the sandbox has no server for it.\n"


def test_difference_is_named_and_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, INTACT, DIFFERENT) == 70
    printed = capsys.readouterr()
    assert "1 of 2 messages arrived intact." in printed.out
    assert "smtp: Subject: 'a' instead of 'b'\n" in printed.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RefusedError("no", reply=Reply(550, "5.7.1", "Not you"), hint="ask"), 69),
        (ConnectError("gone", temporary=True), 75),
        (UncertainError("perhaps"), 74),
    ],
)
def test_error_is_explained_and_gives_its_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: PosthouseError,
    code: int,
) -> None:
    assert run(monkeypatch, tmp_path, INTACT, failed(error)) == code
    printed = capsys.readouterr()
    reply = "550 5.7.1" if error.reply else ""
    assert ["smtps", "smtps", *reply.split()] in [line.split() for line in printed.out.splitlines()]
    assert f"smtps:\nError: {error.message}\n" in printed.err


def test_json_holds_every_fact(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = RefusedError("no", hint="ask")
    assert run(monkeypatch, tmp_path, DIFFERENT, failed(error), options=("--json",)) == 70
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert printed.err == ""
    assert report["intact"] is False
    assert report["not_exercised"] == [{"transport": "pigeon", "reason": "the sandbox has no server for it"}]
    changed, unsent = report["messages"]
    assert (changed["intact"], changed["differences"]) == (False, ["Subject: 'a' instead of 'b'"])
    assert (unsent["account"], unsent["error"]["message"], unsent["file"]) == ("smtps", "no", None)


def test_without_any_transport_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "installed_transports", lambda: {"pigeon": ""})
    assert posthouse.main(["demo", "--directory", str(tmp_path / "d")], standalone_mode=False) == 78
    printed = capsys.readouterr()
    assert "No transport is installed that the sandbox has a server for." in printed.err
    assert "pip install posthouse-smtp" in printed.err
    assert not (tmp_path / "d" / "posthouse.toml").exists()
