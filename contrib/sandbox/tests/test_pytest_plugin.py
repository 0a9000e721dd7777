import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from posthouse_sandbox import Authority, Sandbox

pytest_plugins = ["pytester"]


def test_fixture_serves_a_synchronous_test(sandbox: Sandbox, sandbox_ca: Authority, tmp_path: Path) -> None:
    door = sandbox.door("starttls")
    with smtplib.SMTP(door.host, door.port, "client.example", timeout=10) as client:
        client.starttls(context=sandbox_ca.client_context())
        client.sendmail("a@x.example", ["b@x.example"], b"Subject: x\r\n\r\nbody\r\n")
    assert len(sandbox.inbox.wait_blocking()) == 1
    assert sandbox.directory.is_relative_to(tmp_path)
    assert sandbox.ca_file == sandbox_ca.ca_file


async def test_fixture_serves_an_asynchronous_test_with_an_empty_inbox(sandbox: Sandbox) -> None:
    assert sandbox.inbox.messages == ()


def test_plugin_is_found_without_naming_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(sandbox):\n    assert sandbox.door('smtp').port")
    pytester.runpytest_subprocess("-W", "error", "-o", "asyncio_default_fixture_loop_scope=function").assert_outcomes(
        passed=1
    )


def test_plugin_loads_nothing_heavy_until_a_sandbox_is_used() -> None:
    code = "import posthouse_sandbox.pytest_plugin, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "posthouse_sandbox.pytest_plugin" in loaded
    assert not set(loaded) & {"aiosmtpd", "trustme", "cryptography", "tomlkit", "asyncio", "posthouse"}
