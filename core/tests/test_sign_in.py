"""A person signs in through a mailer, synchronous and not; and what runs out is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest
from memory_plugins.memory_transport import Box
from memory_plugins.persons import DESK, Desk

from posthouse import AsyncMailer, AuthenticationError, CheckStatus, ConfigurationError, Mailer, PluginError
from posthouse.config import parse
from posthouse.providers import Expiry

from .conftest import Install

TEXT = """
default = "main"
[accounts.main]
sender = "office@example.org"
transport = { kind = "memory", box = "main" }
auth = { kind = "persons" }
[accounts.nobody]
transport = { kind = "memory", box = "main" }
"""
DAY = 86400.0


@pytest.fixture(autouse=True)
def desk(install: Install, box: Box) -> Iterator[Desk]:
    install("posthouse-persons", role="authenticator", kind="persons", module="memory_plugins.persons")
    yield DESK
    DESK.__init__()  # type: ignore[misc]


@pytest.fixture
async def mailer() -> AsyncIterator[AsyncMailer]:
    async with AsyncMailer(parse(TEXT, "test")) as mailer:
        yield mailer


@pytest.fixture
def blocking() -> Iterator[Mailer]:
    with Mailer(parse(TEXT, "test")) as mailer:
        yield mailer


async def test_a_login_says_what_to_do_and_ends_when_it_is_done(mailer: AsyncMailer) -> None:
    prompts = [prompt async for prompt in mailer.login(device=True)]
    assert [(prompt.url, prompt.user_code) for prompt in prompts] == [("https://login.example/page", "ABC"), ("", "")]
    assert DESK.seen is not None
    assert (DESK.seen.device, DESK.seen.resource, DESK.seen.account.name) == (True, "", "main")
    assert DESK.closed


def test_a_login_without_an_event_loop(blocking: Mailer) -> None:
    assert [prompt.message for prompt in blocking.login("main")] == ["Go to the page.", "Signed in as ada."]


def test_leaving_early_gives_the_login_up(blocking: Mailer) -> None:
    for _ in blocking.login("main"):
        assert not DESK.closed
        break
    assert DESK.closed


def test_an_error_of_a_login_reaches_the_caller(blocking: Mailer) -> None:
    DESK.error = AuthenticationError("Declined.", code="authentication.declined")
    with pytest.raises(AuthenticationError, match="Declined"):
        list(blocking.login())
    DESK.error = RuntimeError("geheim")
    with pytest.raises(PluginError, match="authenticator 'persons' failed in login") as broken:
        list(blocking.login())
    assert "geheim" not in str(broken.value)


async def test_a_button_of_the_host_application(mailer: AsyncMailer) -> None:
    prompt = await mailer.start_login("main", redirect_uri="https://host.example/back")
    assert prompt.url == "https://login.example/?redirect_uri=https://host.example/back"
    assert await mailer.finish_login("main", parameters={"code": "4711"}) == "ada with 4711"
    with pytest.raises(AuthenticationError):
        await mailer.finish_login("main", parameters={})


def test_a_button_without_an_event_loop(blocking: Mailer) -> None:
    assert blocking.start_login().url.startswith("https://login.example/")
    assert blocking.finish_login(parameters={"code": "1"}) == "ada with 1"


async def test_where_nobody_signs_in_that_is_said(mailer: AsyncMailer) -> None:
    for attempt in (mailer.start_login("nobody"), mailer.finish_login("nobody", parameters={})):
        with pytest.raises(ConfigurationError) as refused:
            await attempt
        assert refused.value.code == "login.unsupported"
    with pytest.raises(ConfigurationError):
        [prompt async for prompt in mailer.login("nobody")]


async def test_what_runs_out_is_listed_the_next_first(mailer: AsyncMailer) -> None:
    DESK.expires = [Expiry(what="certificate", at=2e9), Expiry(what="secret", at=1e9)]
    assert [(expiry.what, expiry.date) for expiry in await mailer.expiries()] == [
        ("secret", "2001-09-09"),
        ("certificate", "2033-05-18"),
    ]
    assert await mailer.expiries("nobody") == ()


@pytest.mark.parametrize(
    ("days", "distance"),
    [(43.5, "in 43 days"), (1.5, "in 1 day"), (0.5, "today"), (-0.5, "1 day ago"), (-2.5, "3 days ago")],
)
def test_a_distance_in_words(days: float, distance: str) -> None:
    assert Expiry(what="secret", at=time.time() + days * DAY).distance == distance


@pytest.mark.parametrize(
    ("days", "status"), [(-1, CheckStatus.FAILED), (10, CheckStatus.WARNING), (100, CheckStatus.OK)]
)
async def test_a_test_says_what_runs_out(mailer: AsyncMailer, days: float, status: CheckStatus) -> None:
    DESK.expires = [Expiry(what="client certificate", at=time.time() + days * DAY, hint="Make a new one.")]
    report = await mailer.test()
    (check,) = [check for check in report.checks if "runs out" in check.title]
    assert check.status is status
    assert (check.hint == "Make a new one.") is (status is not CheckStatus.OK)
    assert check.details["what"] == "client certificate"


async def test_what_cannot_be_read_is_a_failed_check(mailer: AsyncMailer) -> None:
    DESK.error = ConfigurationError("The certificate cannot be used.", code="certificate")
    report = await mailer.test()
    assert not report.ok
    assert "The certificate cannot be used." in report.verdict
