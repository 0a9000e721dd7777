"""Starts Chromium once a run, and says by name what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # which a container's root has no right to
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


def missing() -> str:
    """What a browser test lacks on this machine; empty if nothing."""
    programs = {"chromium": shutil.which("chromium"), "chromedriver": shutil.which("chromedriver")}
    return ", ".join(name for name, path in programs.items() if path is None)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the last lines of the summary
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Say what no browser has seen, so that nobody reads a pass into it."""
    yield
    lacking = missing()
    if lacking and config.option.markexpr == "browser":
        terminalreporter.line(f"BROWSER NOT RUN: {lacking} not found; run tests/servers/install.sh", red=True)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Headless Chromium with an empty profile."""
    if lacking := missing():
        pytest.skip(f"BROWSER NOT RUN: {lacking} not found")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Chrome]:
    """Show an empty page, with nothing in the console."""
    yield chromium
    chromium.get("about:blank")
    chromium.get_log("browser")
