"""What goes wrong with a password shows it nowhere: not in output, not in logs, not in a traceback with locals."""

from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path

import pytest

from posthouse import Mailer, Message, PosthouseError
from posthouse.config import load
from posthouse_esmtp.testing import Drop, Garbage

PASSWORD = "geheim & schön/4711"
MECHANISMS = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"]


def hidden() -> list[str]:
    """Return the password as it is, and as SASL sends it."""
    raw = PASSWORD.encode()
    return [PASSWORD, *(base64.b64encode(data).decode() for data in (raw, b"\0ada\0" + raw))]


def write(work: Path, server, password: str) -> None:
    (work / "posthouse.toml").write_text(
        f"""
[accounts.a]
sender = "ada@example.org"
transport = {{ kind = "smtp", host = "{server.host}", port = {server.port}, allow_plaintext_auth = true }}
auth = {{ kind = "password", username = "ada", password = {json.dumps(password)} }}
""",
        "utf-8",
    )


@pytest.mark.parametrize("literal", [True, False])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password(
    posthouse, scripted, work: Path, monkeypatch: pytest.MonkeyPatch, mechanism: str, literal: bool
) -> None:
    monkeypatch.setenv("ADA_PASSWORD", PASSWORD)
    server = scripted(auth=[mechanism], passwords={"ada": "another one"})
    write(work, server, PASSWORD if literal else "env:ADA_PASSWORD")
    said = ""
    for command in (
        ("send", "--to", "bob@example.org", "--text", "x", "-v"),
        ("send", "--to", "bob@example.org", "--text", "x", "-v", "--json"),
        ("test", "a", "-v"),
        ("test", "a", "-v", "--json"),
    ):
        result = posthouse(*command)
        assert result.returncode == 77, result.stderr
        assert f"C: AUTH {mechanism}" in result.stderr
        said += result.stdout + result.stderr
    for word in hidden():
        assert word not in said
        assert json.dumps(word)[1:-1] not in said


@pytest.mark.parametrize("step", [Drop(), Garbage(), b"421 4.3.2 going down"])
def test_a_server_that_breaks_off_in_the_sign_in(posthouse, scripted, work: Path, step) -> None:
    write(work, scripted(auth=["PLAIN"], on={"AUTH": step}), PASSWORD)
    result = posthouse("send", "--to", "bob@example.org", "--text", "x", "-v")
    assert result.returncode in (75, 76)
    for word in hidden():
        assert word not in result.stdout + result.stderr


def test_commands_that_show_the_configuration(posthouse, scripted, work: Path) -> None:
    write(work, scripted(), PASSWORD)
    for arguments in (("config", "show"), ("config", "check"), ("accounts", "show", "a"), ("accounts", "list")):
        for more in ((), ("--json",), ("-v",)):
            result = posthouse(*arguments, *more)
            assert result.returncode == 0, result.stderr
            assert PASSWORD not in result.stdout + result.stderr
            assert json.dumps(PASSWORD)[1:-1] not in result.stdout
    (work / "posthouse.toml").write_text((work / "posthouse.toml").read_text() + "= broken", "utf-8")
    result = posthouse("config", "check", "-v")
    assert result.returncode == 78
    assert PASSWORD not in result.stderr


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("trouble", ["wrong", "dropped", "challenge", "unencodable", "control"])
def test_python_shows_it_neither_in_repr_nor_in_the_frames_of_a_traceback(
    scripted, work: Path, monkeypatch: pytest.MonkeyPatch, mechanism: str, trouble: str
) -> None:
    ending = {"unencodable": "\ud800", "control": "\n"}.get(trouble, "")
    monkeypatch.setattr("posthouse.secrets._from_environment", lambda name: PASSWORD + ending)
    script = {"dropped": {"RESPONSE": Drop(), "AUTH": Drop()}, "challenge": {"AUTH": b"334 ?"}}.get(trouble, {})
    server = scripted(auth=[mechanism], passwords={"ada": "another one"}, on=script)
    write(work, server, "env:ADA_PASSWORD")
    configuration = load()
    with Mailer(configuration) as mailer:
        shown = [repr(mailer), repr(configuration), str(configuration), repr(configuration.accounts["a"].auth.options)]
        shown.append(repr(vars(mailer)))
        with pytest.raises(PosthouseError) as caught:
            mailer.send(Message(to="bob@example.org", subject="s", text="t"))
        error: BaseException | None = caught.value
        while error is not None:
            shown += [str(error), repr(error), repr(error.args), repr(vars(error))]
            shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
            error = error.__cause__ or error.__context__
    for text in shown:
        for word in (*hidden(), PASSWORD.encode().decode("latin-1")):
            assert word not in text.encode("utf-8", "replace").decode()
            assert repr(word.encode())[2:-1] not in text


def test_a_url_shows_it_nowhere() -> None:
    mailer = Mailer.from_url("smtp://ada:geheim%204711@127.0.0.1:1?sender=ada@example.org&allow_plaintext_auth=true")
    assert "geheim" not in repr(mailer) + repr(mailer.configuration) + repr(vars(mailer))
    for wrong in ("smtp://ada:geheim@host:port", "smpt://ada:geheim@host?x=1", "//ada:geheim@x"):
        with pytest.raises(PosthouseError) as caught:
            Mailer.from_url(wrong).send(Message(to="bob@example.org", subject="s", text="t"))
        assert "geheim" not in str(caught.value) + repr(caught.value)
        assert caught.value.__traceback__ is not None
        below = caught.value.with_traceback(caught.value.__traceback__.tb_next)  # this function's own frame holds it
        assert "geheim" not in "".join(traceback.TracebackException.from_exception(below, capture_locals=True).format())
