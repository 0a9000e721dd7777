from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse_sandbox import Authority, Sandbox, Security, SmtpDoor
from posthouse_sandbox.entra import EntraDoor

ANNA = "anna@sandbox.example"


@pytest.fixture(autouse=True)
def tokens_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tokens in this test's folder."""
    monkeypatch.setenv("POSTHOUSE_TOKENS", str(tmp_path / "tokens"))


@pytest.fixture
async def house(tmp_path: Path, sandbox_ca: Authority) -> AsyncIterator[Sandbox]:
    """A stand-in for Entra ID, SMTP doors that take its tokens, and the configuration for them."""
    doors = (
        SmtpDoor("plain", mechanisms=("XOAUTH2", "OAUTHBEARER")),
        SmtpDoor("opportunistic", Security.OFFERED, mechanisms=("XOAUTH2",)),
        SmtpDoor("submission", Security.REQUIRED, mechanisms=("XOAUTH2", "OAUTHBEARER")),
        SmtpDoor("exchange", Security.REQUIRED, mechanisms=("LOGIN", "XOAUTH2"), exchange_like=True),
        SmtpDoor("implicit", Security.IMPLICIT, mechanisms=("XOAUTH2", "OAUTHBEARER")),
        EntraDoor(),
    )
    async with Sandbox(tmp_path / "house", doors=doors, authority=sandbox_ca) as running:
        (tmp_path / "posthouse.toml").write_text(running.configuration(), "utf-8")
        yield running
