"""The sandbox's inbox page as a person sees it: live, readable, and safe against the mails that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from posthouse_sandbox import Authority, Received, Sandbox, SmtpDoor
from posthouse_sandbox.inbox_page import InboxDoor

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

pytestmark = pytest.mark.browser

HOSTILE = (
    b"From: mallory@sandbox.example\r\nTo: anna@sandbox.example\r\nSubject: <img src=x onerror=alert(1)>\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    b"<h1 id=seen style='color: rgb(1, 2, 3)'>Seen</h1><script>parent.document.title = 'taken over'</script>"
    b"<img src=x onerror=\"parent.document.title='taken over'\"><meta http-equiv=refresh content='0;url=about:blank'>"
    b"<form action=/clear method=post><button id=trap>Click</button></form>"
    b"<a id=out target=_top href=/doors>top</a>\r\n"
)
PLAIN = b"From: anna@sandbox.example\r\nSubject: Plain\r\n\r\nonly text\r\n"


def received(raw: bytes, **changes: object) -> Received:
    facts = {"envelope_from": "a@sandbox.example", "recipients": ("b@sandbox.example",), "door": "front"}
    return Received(**{"raw": raw, **facts, **changes})  # type: ignore[arg-type]


@pytest.fixture
def house(sandbox_ca: Authority) -> Iterator[Sandbox]:
    with Sandbox(doors=[SmtpDoor("front"), InboxDoor()], authority=sandbox_ca) as running:
        yield running


@pytest.fixture
def url(house: Sandbox) -> str:
    door = house.door("inbox")
    assert isinstance(door, InboxDoor)
    return door.url


def find(browser: Chrome, selector: str) -> WebElement:
    """Wait for an element."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20, 0.05).until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector))


def wait_until_gone(browser: Chrome, element: WebElement) -> None:
    from selenium.webdriver.support.expected_conditions import staleness_of
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20, 0.05).until(staleness_of(element))


def complaints(browser: Chrome) -> list[str]:
    """What the browser's console holds."""
    return [str(entry["message"]) for entry in browser.get_log("browser")]


def test_a_message_shows_as_soon_as_it_arrives(house: Sandbox, url: str, browser: Chrome) -> None:
    browser.get(url)
    assert find(browser, "#list h1").text == "0 messages"
    assert find(browser, "#live:not([hidden])").text == "Live"
    house.inbox.add(received(PLAIN, tls="TLSv1.3", user="anna@sandbox.example"))
    entry = find(browser, "#list li a")
    assert entry.text.splitlines()[0] == "Plain"
    assert "TLSv1.3" in entry.text
    assert "signed in" in entry.text
    assert browser.title == "(1) Inbox · Posthouse sandbox"
    house.inbox.add(received(PLAIN.replace(b"Plain", b"Second")))
    assert find(browser, "#list li:nth-child(2)").text.splitlines()[0] == "Plain", "the newest is the first"
    assert complaints(browser) == []


def test_a_person_reads_and_deletes_a_message(house: Sandbox, url: str, browser: Chrome) -> None:
    house.inbox.add(received(PLAIN))
    browser.get(url)
    find(browser, "#list li a").click()
    assert find(browser, ".mail h2").text == "Plain"
    assert find(browser, ".view pre").text == "only text"
    for view, words in (("headers", "anna@sandbox.example"), ("parts", "text/plain"), ("raw", "Subject: Plain")):
        find(browser, f".tabs a[href='?view={view}']").click()
        assert words in find(browser, f".view-{view}").text
    button = find(browser, ".danger")
    button.click()
    wait_until_gone(browser, button)
    assert find(browser, "#list h1").text == "0 messages"
    assert len(house.inbox) == 0
    assert complaints(browser) == []


def test_html_of_a_mail_is_shown_and_can_do_nothing(house: Sandbox, url: str, browser: Chrome) -> None:
    hostile = received(HOSTILE)
    house.inbox.add(hostile)
    browser.get(f"{url}/messages/{hostile.id}")
    frame = find(browser, "iframe")
    browser.switch_to.frame(frame)
    heading = find(browser, "#seen")
    assert heading.value_of_css_property("color") == "rgba(1, 2, 3, 1)", "styles work"
    find(browser, "#trap").click()
    find(browser, "#out").click()
    assert find(browser, "#seen").text == "Seen", "no form, no link to the top, no refresh"
    browser.switch_to.default_content()
    assert browser.title == "<img src=x onerror=alert(1)> · Posthouse sandbox"
    assert browser.current_url == f"{url}/messages/{hostile.id}"
    assert len(house.inbox) == 1, "the form's button deletes nothing"


def test_faults_are_scripted_in_the_form(house: Sandbox, url: str, browser: Chrome) -> None:
    browser.get(f"{url}/faults")
    find(browser, "#operation").send_keys("DATA")
    find(browser, "#script").send_keys("nonsense")
    find(browser, ".script button").click()
    assert "nonsense" in find(browser, "[role=alert]").text
    script = find(browser, "#script")
    script.clear()
    script.send_keys("452 4.2.2 Mailbox full")
    find(browser, ".script button").click()
    assert "status 452, code 4.2.2, text Mailbox full" in find(browser, "main > table").text
    assert [(door, operation, fault.status) for door, operation, fault in house.faults.pending()] == [
        ("front", "data", 452)
    ]


@pytest.mark.parametrize("page", ["/", "/doors", "/faults", "message"])
@pytest.mark.parametrize("width", [1280, 420])
def test_pages_can_be_used_by_everybody(house: Sandbox, url: str, browser: Chrome, page: str, width: int) -> None:
    message = received(PLAIN)
    house.inbox.add(message)
    browser.set_window_size(width, 900)
    browser.get(url + (f"/messages/{message.id}" if page == "message" else page))
    faults = browser.execute_script(_FAULTS)
    browser.set_window_size(1280, 900)
    assert faults == []


_FAULTS = """
const faults = [];
const name = (element) => element.textContent.trim() || element.getAttribute("aria-label") || element.title;
if (!document.documentElement.lang) faults.push("no language");
if (document.querySelectorAll("main").length !== 1) faults.push("not one main");
if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
for (const element of document.querySelectorAll("a[href], button, iframe"))
  if (!name(element)) faults.push("no name: " + element.outerHTML);
for (const element of document.querySelectorAll("input:not([type=hidden]), select"))
  if (!element.labels.length) faults.push("no label: " + element.outerHTML);
for (const image of document.images) if (!image.hasAttribute("alt")) faults.push("no alt: " + image.outerHTML);
if (document.documentElement.scrollWidth > window.innerWidth) faults.push("wider than the window");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
if (new Set(ids).size !== ids.length) faults.push("an id twice");
return faults;
"""
