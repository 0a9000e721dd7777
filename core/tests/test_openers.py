"""The door to the desktop: real programs are started, each with one argument, and what goes wrong is said in words."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from desktop import Desktop

from posthouse._openers import hand_over, has_program_for, is_web_link


@pytest.mark.parametrize(
    "target",
    ["/tmp/a draft; touch x.eml", "mailto:a@b.example?subject=$(reboot)`x`&body=%0D%0A", "https://x.example/?a=1&b='"],
)
def test_a_target_is_one_argument_and_no_shell_sees_it(desktop: Desktop, target: str) -> None:
    assert hand_over(target) == ""
    assert desktop.opened == [target]


def test_without_a_desktop_nothing_is_started(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    assert "no desktop" in hand_over("/x.eml")
    assert desktop.opened == []
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert hand_over("/x.eml") == ""


def test_a_missing_opener_is_named(desktop: Desktop) -> None:
    (desktop.bin / "xdg-open").unlink()
    assert hand_over("/x.eml") == "xdg-open is not installed"


def test_a_broken_opener_is_named(desktop: Desktop) -> None:
    (desktop.bin / "xdg-open").write_text("#!/nowhere/at/all\n")
    assert "xdg-open cannot be started" in hand_over("/x.eml")


@pytest.mark.parametrize(
    ("code", "words"),
    [(3, "no program is set up for it"), (4, "the program for it failed"), (1, "xdg-open ended with 1")],
)
def test_an_opener_that_fails_says_why(desktop: Desktop, code: int, words: str) -> None:
    desktop.opener(f"exit {code}")
    assert hand_over("/x.eml") == words


def test_an_opener_that_becomes_the_program_is_not_waited_for(desktop: Desktop, tmp_path: Path) -> None:
    go = tmp_path / "go"
    desktop.opener(f"while ! test -e '{go}'; do :; done")
    assert hand_over("/x.eml") == ""
    waiting = [thread for thread in threading.enumerate() if thread.name == "posthouse-opener"]
    assert len(waiting) == 1
    go.touch()
    waiting[0].join(30)
    assert not waiting[0].is_alive()


def test_which_programs_there_are(desktop: Desktop) -> None:
    desktop.handlers(mailto="browser.desktop")
    assert has_program_for("x-scheme-handler/mailto") is True
    assert has_program_for("message/rfc822") is False
    desktop.bin.joinpath("xdg-mime").write_text("#!/bin/sh\nexit 2\n")
    assert has_program_for("message/rfc822") is None
    desktop.bin.joinpath("xdg-mime").write_text("#!/nowhere/at/all\n")
    assert has_program_for("message/rfc822") is None
    desktop.bin.joinpath("xdg-mime").unlink()
    assert has_program_for("message/rfc822") is None


@pytest.mark.parametrize(
    "link",
    ["https://outlook.office365.com/owa/?ItemID=AA%3D&exvsurl=1", "http://localhost:8025/x", "HTTPS://x.example"],
)
def test_links_for_a_browser(link: str) -> None:
    assert is_web_link(link)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "/tmp/x.desktop",
        "https://",
        "https://user@host.example/",
        "https://x.example/a b",
        "https://x.example/\nsecond",
        "https:\\\\x.example",
        "https://x.example/ü",
        "ms-word:ofe|u|https://x.example",
        "-help",
    ],
)
def test_links_that_a_browser_is_not_sent_to(link: str) -> None:
    assert not is_web_link(link)
