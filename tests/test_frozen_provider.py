"""A provider as it was written for 1.0 works with the core of today, unchanged and not built again."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROVIDER = Path(__file__).parent / "frozen-provider"
AS_RELEASED = "dab044c3238bc392fa647ed2cc184cf6c7a8bf12ef7c53e2e8463fafeeff9d3d"


def content(folder: Path) -> str:
    """One digest of every file that makes up the provider."""
    digest = hashlib.sha256()
    for path in sorted([folder / "pyproject.toml", *folder.glob("src/**/*.py")]):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def test_it_is_what_was_released():
    assert content(PROVIDER) == AS_RELEASED, (
        "the frozen provider is never changed: see docs/explanation/compatibility.md"
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the provider, built as a wheel and installed as pip does it."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "wheels")]
    subprocess.run(build, cwd=PROVIDER, check=True, capture_output=True)
    (wheel,) = (folder / "wheels").glob("*.whl")
    target = folder / "site"
    install = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    return target


def posthouse(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process that sees the provider as well."""
    env = os.environ | {"PYTHONPATH": str(site), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-W", "error", "-m", "posthouse.cli", "--config", "posthouse.toml", *arguments]
    return subprocess.run(
        command, cwd=site.parent, env=env, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


def test_it_is_found_tried_and_sends(installed: Path) -> None:
    outgoing = installed.parent / "outgoing"
    outgoing.mkdir()
    settings = '[accounts.drop]\nsender = "erp@example.com"\ntransport = { kind = "pickup", folder = "outgoing" }\n'
    (installed.parent / "posthouse.toml").write_text(settings, "utf-8")

    tried = posthouse(installed, "test", "drop")
    assert (tried.returncode, tried.stderr) == (0, "")
    assert not any(outgoing.iterdir())

    message = ("--to", "ada@example.org", "--bcc", "archive@example.org", "--subject", "Grüße", "--text", "It works.")
    sent = posthouse(installed, "send", *message, "--json")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert json.loads(sent.stdout)["transport"] == "pickup"
    (written,) = outgoing.iterdir()
    assert written.read_bytes().startswith(
        b"X-Sender: erp@example.com\r\nX-Receiver: ada@example.org\r\nX-Receiver: archive@example.org\r\n"
    )
