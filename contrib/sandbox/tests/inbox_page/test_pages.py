from __future__ import annotations

import re

import httpx
import pytest

from posthouse_sandbox import Sandbox
from posthouse_sandbox.faults import Fault
from posthouse_sandbox.inbox_page.pages import MOST

from .conftest import Client, received


async def test_every_page_is_there_and_guarded(house: Sandbox, client: Client) -> None:
    message = received(request="<soap/>")
    house.inbox.add(message)
    house.faults.script("smtp", "429 Busy with Retry-After 2: Slow, then drop, then wait for GO")
    pages = ["/", "/doors", "/faults", "/static/inbox.css", "/static/inbox.js", "/static/icon.svg"]
    views = ("html", "text", "headers", "parts", "raw", "request", "nonsense")
    for path in [*pages, *(f"/messages/{message.id}?view={view}" for view in views)]:
        answer = await client.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not re.search(r"(?:src|href)=[\"']https?:", answer.text), "everything comes from here"


async def test_what_a_mail_says_is_never_markup_of_the_page(house: Sandbox, client: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    raw = f"From: {hostile}\r\nSubject: {hostile}\r\nContent-Type: text/plain; name={hostile}\r\n\r\n{hostile}\r\n"
    message = received(raw.encode(), envelope_from=hostile, recipients=(hostile,), user=hostile, request=hostile)
    house.inbox.add(message)
    for view in ("text", "headers", "parts", "raw", "request"):
        page = (await client.get(f"/messages/{message.id}?view={view}")).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page


async def test_html_of_a_mail_may_do_nothing(house: Sandbox, client: Client) -> None:
    message = received()
    house.inbox.add(message)
    page = (await client.get(f"/messages/{message.id}")).text
    assert f'<iframe sandbox src="/messages/{message.id}/html"' in page
    answer = await client.get(f"/messages/{message.id}/html")
    assert "<script>alert(1)</script>" in answer.text, "shown as it came; the policy disarms it"
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "img-src data:", "form-action 'none'", "sandbox"} <= set(policy)
    assert "script-src" not in " ".join(policy)


async def test_a_mail_without_html_shows_its_text(house: Sandbox, client: Client) -> None:
    message = received(b"Subject: x\r\n\r\nonly text\r\n")
    house.inbox.add(message)
    page = (await client.get(f"/messages/{message.id}")).text
    assert "<pre" in page
    assert "only text" in page
    assert "iframe" not in page
    assert (await client.get(f"/messages/{message.id}/html")).status_code == 404
    assert (await client.get("/messages/none/html")).status_code == 404


async def test_a_message_that_is_gone_says_so(client: Client) -> None:
    answer = await client.get("/messages/none")
    assert answer.status_code == 404
    assert "There is no such message" in answer.text


async def test_the_list_has_the_newest(house: Sandbox, client: Client) -> None:
    assert "Nothing yet" in (await client.get("/")).text
    for number in range(MOST + 1):
        house.inbox.add(received(f"Subject: number {number}.\r\n\r\n".encode()))
    page = (await client.get("/")).text
    assert f"{MOST + 1} messages" in page
    assert page.index(f"number {MOST}.") < page.index("number 1.")
    assert "number 0." not in page
    assert "Older messages" in page


async def test_buttons_delete(house: Sandbox, client: Client) -> None:
    for _ in range(3):
        house.inbox.add(received())
    answer = await client.post(f"/messages/{house.inbox.messages[0].id}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert len(house.inbox) == 2
    await client.post("/clear")
    assert len(house.inbox) == 0


async def test_the_form_scripts_faults(house: Sandbox, client: Client) -> None:
    answer = await client.post(
        "/faults", data={"door": "smtp", "operation": "AUTH", "script": "535 5.7.3 No, then lose"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/faults")
    assert house.faults.pending() == (
        ("smtp", "auth", Fault(status=535, code="5.7.3", text="No")),
        ("smtp", "auth", Fault(lose=True)),
    )
    assert "status 535, code 5.7.3, text No" in (await client.get("/faults")).text
    await client.post("/faults/clear")
    assert house.faults.pending() == ()


@pytest.mark.parametrize("form", [{"door": "none", "script": "503"}, {"door": "smtp", "script": '"><b>'}, {}])
async def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(
    house: Sandbox, client: Client, form: dict[str, str]
) -> None:
    answer = await client.post("/faults", data=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<b>" not in answer.text
    assert house.faults.pending() == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_change_nothing(house: Sandbox, client: Client, headers: dict[str, str]) -> None:
    house.inbox.add(received())
    for method, path in (("POST", "/clear"), ("DELETE", "/api/messages"), ("POST", "/api/faults")):
        assert (await client.request(method, path, headers=headers)).status_code == 403
    assert len(house.inbox) == 1
    assert (await client.post("/clear", headers={"Origin": str(client.base_url)})).status_code == 303


async def test_a_name_that_is_made_to_point_here_reads_nothing(house: Sandbox, client: Client) -> None:
    house.inbox.add(received())
    answer = await client.get("/api/messages", headers={"Host": f"evil.example:{house.door('inbox').port}"})
    assert answer.status_code == 400
    assert "sandbox.example" not in answer.text


async def test_waiting_requests_do_not_keep_the_sandbox(house: Sandbox, client: Client) -> None:
    async def wait() -> None:
        with pytest.raises(httpx.HTTPError):
            await client.get("/api/messages/next", params={"timeout": 60}, timeout=None)

    import asyncio

    waiting = asyncio.create_task(wait())
    await client.get("/")
    await house.door("inbox").close()
    await waiting
