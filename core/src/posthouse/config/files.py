"""The file itself: its bytes, who may change it, and TOML. Nothing raises here, since its frames hold secrets."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from posthouse.errors import Problem

__all__ = ["TOO_DEEP", "file_warnings", "parse_toml", "read_text_file", "write_text_file"]

TOO_DEEP = Problem("", "Lists or tables are nested too deeply")
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_text_file(path: Path) -> tuple[str, str]:
    """Return a file's text and what is wrong with it, in words."""
    try:
        return path.read_bytes().decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        return "", f"byte {error.start + 1} is not UTF-8"
    except OSError as error:
        return "", error.strerror or type(error).__name__


def file_warnings(path: Path) -> tuple[Problem, ...]:
    """Return what somebody should know about the file, although it can be used."""
    if os.name == "posix" and path.stat().st_mode & stat.S_IWOTH:
        return (Problem("", f"everyone on this machine can change {path}; run: chmod o-w {path}"),)
    return ()


def write_text_file(target: Path, text: str, permissions: int) -> str:
    """Write a file by replacing it, all of it or nothing; return what went wrong, in words.

    Args:
        target: the file, no link.
        text: what shall be in it.
        permissions: of a new file; one that was there keeps its own as far as they are among these.
    """
    temporary = ""
    try:
        data = text.encode()  # before anything is touched
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = target.stat() if target.exists() else None
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if before is not None and hasattr(os, "chown"):
            with contextlib.suppress(PermissionError):  # an administrator's edit leaves the file to its owner
                os.chown(temporary, before.st_uid, before.st_gid)
        Path(temporary).chmod(before.st_mode & permissions if before else permissions)
        Path(temporary).replace(target)
    except UnicodeEncodeError as error:  # which holds the whole text, and so must not be seen by anybody
        return f"character {error.start + 1} is half of a surrogate pair, which UTF-8 cannot hold"
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        return error.strerror or type(error).__name__
    return ""


def parse_toml(text: str) -> tuple[dict[str, Any], Problem | None]:
    """Return what TOML says, or what is wrong; raises nothing, so that no traceback shows a frame with secrets."""
    try:
        return tomllib.loads(text), None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    except RecursionError:
        return {}, TOO_DEEP
    except ValueError:
        message = "A number has too many digits"
    position = _POSITION.search(message)
    if not position:
        return {}, Problem("", message)
    where = f"line {position[1]}, column {position[2]}" if position[1] else f"line {text.count(chr(10)) + 1}, the end"
    return {}, Problem(where, message[: position.start()])
