"""The one door to the desktop: a file or link is handed to the program that the user has for it, never to a shell.

=============  =====================================================================
Windows        ``os.startfile``, which is ShellExecute
macOS          ``open``
elsewhere      ``xdg-open`` of the freedesktop.org utilities, where there is a desktop
=============  =====================================================================
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["hand_over", "has_program_for", "is_web_link"]

_PATIENCE = 2.0
"""Seconds in which an opener that fails does so; one that goes on has become the program, or waits for it."""

_QUERY_PATIENCE = 5.0
_WEB_LINK = re.compile(r"https?://[^/?#\s\\@]+(?:[/?#][!-~]*)?", re.IGNORECASE)
_MEANINGS = {3: "no program is set up for it", 4: "the program for it failed"}  # of xdg-open(1)


def is_web_link(link: str) -> bool:
    """Return whether a link that a server gave is one that a browser may be sent to: web only, nothing local."""
    return _WEB_LINK.fullmatch(link) is not None


def hand_over(target: str) -> str:
    """Open a file or link with the user's program for it. Blocks for two seconds at most.

    Args:
        target: absolute path of a file, or a ``mailto:``, ``https:`` or ``http:`` link.

    Returns:
        Why that did not work, in words; empty if it did, as far as that can be seen.
    """
    if sys.platform == "win32":
        try:
            os.startfile(target)  # noqa: S606 - the point of it
        except OSError as error:
            return error.strerror or type(error).__name__
        return ""
    program = "open" if sys.platform == "darwin" else "xdg-open"
    if program == "xdg-open" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "this session has no desktop (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    found = shutil.which(program)
    if found is None:
        return f"{program} is not installed"
    return _run(found, target)


def has_program_for(content_type: str) -> bool | None:
    """Return whether the desktop has a program for a type; None where nobody can tell. Blocks.

    Windows and macOS come with one for each type that is asked for here. ``x-scheme-handler/mailto`` is that of links.
    """
    if sys.platform in ("win32", "darwin"):
        return True
    query = shutil.which("xdg-mime")
    if query is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed list of arguments, no shell
            [query, "query", "default", content_type],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_QUERY_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(answer.stdout.strip()) if answer.returncode == 0 else None


def _run(program: str, target: str) -> str:
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed program, the target as one argument, no shell
            [program, target],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupted command does not close the mail program
        )
    except OSError as error:
        return f"{program} cannot be started: {error.strerror or type(error).__name__}"
    try:
        code = process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        threading.Thread(target=process.wait, name="posthouse-opener", daemon=True).start()
        return ""
    return "" if code == 0 else _MEANINGS.get(code, f"{Path(program).name} ended with {code}")
