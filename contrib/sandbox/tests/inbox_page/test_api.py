from __future__ import annotations

import asyncio
import smtplib

import httpx
import pytest

from posthouse_sandbox import Authority, EwsDoor, GraphDoor, Sandbox
from posthouse_sandbox.faults import Fault
from posthouse_sandbox.graph.content import Content
from posthouse_sandbox.graph.mailboxes import Draft
from posthouse_sandbox.inbox_page import InboxDoor

from .conftest import MAIL, Client, received


async def test_messages_are_listed_and_found(house: Sandbox, client: Client) -> None:
    first, second = received(), received(b"Subject: second\r\n\r\n", door="graph", user="anna", request="{}")
    house.inbox.add(first)
    house.inbox.add(second)
    listed = (await client.get("/api/messages")).json()
    assert listed["last"] == 2
    assert [(message["number"], message["subject"]) for message in listed["messages"]] == [
        (1, "Grüße <b>bold</b>"),
        (2, "second"),
    ]
    for name, value in (("door", "graph"), ("user", "anna")):
        (found,) = (await client.get("/api/messages", params={name: value})).json()["messages"]
        assert found["id"] == second.id
    assert (await client.get("/api/messages", params={"to": "nobody@x"})).json()["messages"] == []
    message = (await client.get(f"/api/messages/{first.id}")).json()
    assert message["envelope_from"] == "joerg@sandbox.example"
    assert message["text"] == "plain ä"
    assert ["To", "anna@sandbox.example"] in message["headers"]
    assert [part["filename"] for part in message["parts"]] == ["", "", "", "../evil.html"]


async def test_raw_parts_and_requests_come_as_files(house: Sandbox, client: Client) -> None:
    message = received(request='{"message": {}}')
    house.inbox.add(message)
    for path, content, name in [
        ("raw", MAIL, f"{message.id}.eml"),
        ("parts/4", b"<script>alert(2)</script>", "..%2Fevil.html"),
        ("parts/3", b"\x89PNG\r", "part-3"),
        ("request", b'{"message": {}}', f"{message.id}.txt"),
    ]:
        answer = await client.get(f"/api/messages/{message.id}/{path}")
        assert answer.content == content
        assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_messages_are_deleted(house: Sandbox, client: Client) -> None:
    for _ in range(3):
        house.inbox.add(received())
    ident = house.inbox.messages[0].id
    assert (await client.delete(f"/api/messages/{ident}")).status_code == 204
    assert (await client.delete(f"/api/messages/{ident}")).status_code == 404
    assert len(house.inbox) == 2
    assert (await client.delete("/api/messages")).status_code == 204
    assert len(house.inbox) == 0


async def test_the_next_message_is_waited_for(house: Sandbox, client: Client) -> None:
    house.inbox.add(received(b"Subject: old\r\n\r\n"))
    known = (await client.get("/api/messages/next", params={"after": 0})).json()
    assert (known["number"], known["subject"]) == (1, "old")
    waiting = asyncio.create_task(client.get("/api/messages/next", params={"after": 1, "timeout": 30}))
    house.inbox.add(received(b"Subject: new\r\n\r\n"))
    answer = (await waiting).json()
    assert (answer["number"], answer["subject"]) == (2, "new")
    assert (await client.get("/api/messages/next", params={"timeout": 0})).status_code == 204


@pytest.mark.parametrize(
    "path",
    [
        "/api/messages/none",
        "/api/messages/none/raw",
        "/api/messages/none/parts/1",
        "/api/messages/none/request",
        "/api/x",
    ],
)
async def test_what_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_part_and_request_that_a_message_does_not_have(house: Sandbox, client: Client) -> None:
    message = received()
    house.inbox.add(message)
    for path in ("parts/9", "request"):
        answer = await client.get(f"/api/messages/{message.id}/{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "timeout=1e9", "after=" + "9" * 30])
async def test_numbers_are_checked(client: Client, query: str) -> None:
    answer = await client.get(f"/api/messages/next?{query}")
    assert answer.status_code == 400
    assert "whole number" in answer.json()["error"]


async def test_faults_are_scripted_and_cleared(house: Sandbox, client: Client) -> None:
    answer = await client.post(
        "/api/faults", json={"door": "smtp", "operation": "DATA", "script": "452 4.2.2 Full, then drop"}
    )
    assert answer.json()["faults"] == [
        {"door": "smtp", "operation": "data", "fault": {"status": 452, "code": "4.2.2", "text": "Full"}},
        {"door": "smtp", "operation": "data", "fault": {"drop": True}},
    ]
    await client.post("/api/faults", json={"door": "smtp", "faults": [{"status": 421}]})
    assert house.faults.pending()[-1] == ("smtp", "*", Fault(status=421))
    assert (await client.delete("/api/faults", params={"door": "smtp"})).status_code == 204
    assert (await client.get("/api/faults")).json() == {"faults": []}
    waiting = asyncio.create_task(house.faults.meet("smtp", "MAIL"))
    await client.post("/api/faults", json={"door": "smtp", "script": "wait for GO"})
    assert await waiting is None
    waiting = asyncio.create_task(house.faults.meet("smtp", "MAIL"))
    await asyncio.sleep(0)
    assert (await client.post("/api/events/GO")).json() == {"waiting": 1}
    assert await waiting is None


@pytest.mark.parametrize(
    "body",
    [
        {"door": "nowhere", "script": "503"},
        {"door": "smtp"},
        {"door": "smtp", "script": "maybe"},
        {"door": "smtp", "script": "503", "faults": []},
        {"door": "smtp", "faults": [{"stauts": 503}]},
        {"door": "smtp", "faults": "drop"},
        {"door": "smtp", "faults": 3},
        {"door": "smtp", "script": "503", "operation": 3},
        {"door": "smtp", "script": "503", "more": 1},
        {"door": ["smtp"], "script": "503"},
        [],
    ],
)
async def test_what_is_no_fault_is_refused(house: Sandbox, client: Client, body: object) -> None:
    answer = await client.post("/api/faults", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert house.faults.pending() == ()


async def test_the_house_is_described_without_secrets(house: Sandbox, client: Client) -> None:
    token = house.tokens.issue(
        audience="https://graph.microsoft.com", user="anna@sandbox.example", scopes=["Mail.Send"]
    )
    doors = (await client.get("/api/doors")).json()
    assert [(door["name"], door["kind"], door["port"]) for door in doors["doors"]] == [
        ("smtp", "smtp", house.door("smtp").port),
        ("inbox", "inbox", house.door("inbox").port),
    ]
    assert doors["ca_file"] == str(house.ca_file)
    users = (await client.get("/api/users")).json()
    assert users == {"users": list(house.credentials.passwords)}
    (issued,) = (await client.get("/api/tokens")).json()["tokens"]
    assert (issued["audience"], issued["permissions"]) == ("https://graph.microsoft.com", ["Mail.Send"])
    page = (await client.get("/doors")).text
    said = str(doors) + str(users) + str(issued) + page
    assert not [secret for secret in (token, *house.credentials.passwords.values()) if secret in said]


async def test_drafts_are_listed(sandbox_ca: Authority) -> None:
    doors = [EwsDoor(), GraphDoor(), InboxDoor()]
    async with Sandbox(doors=doors, authority=sandbox_ca) as house:
        graph, page = house.door("graph"), house.door("inbox")
        assert isinstance(graph, GraphDoor)
        assert isinstance(page, InboxDoor)
        content = Content.of_mime(b"To: bob@example.org\r\nBcc: h@x.example\r\nSubject: Hi\r\n\r\ntext\r\n")
        draft = Draft("anna@sandbox.example", content, True, graph.url)
        graph.service.mailboxes.drafts[draft.id] = draft
        async with httpx.AsyncClient(base_url=page.url, trust_env=False) as client:
            assert (await client.get("/api/drafts")).json() == {
                "drafts": [
                    {
                        "door": "graph",
                        "id": draft.id,
                        "mailbox": "anna@sandbox.example",
                        "recipients": ["bob@example.org", "h@x.example"],
                        "hidden": ["h@x.example"],
                        "subject": "Hi",
                        "size": len(content.raw),
                        "link": draft.web_link,
                    }
                ]
            }


async def test_a_message_that_a_door_takes_is_there_with_who_signed_in(house: Sandbox, client: Client) -> None:
    def send() -> None:
        door = house.door("smtp")
        with smtplib.SMTP(door.host, door.port, "client.example", timeout=10) as peer:
            peer.login("anna@sandbox.example", house.credentials.passwords["anna@sandbox.example"])
            peer.sendmail("anna@sandbox.example", ["b@x.example"], MAIL)

    await asyncio.to_thread(send)
    (message,) = (await client.get("/api/messages")).json()["messages"]
    assert (message["user"], message["tls"], message["door"]) == ("anna@sandbox.example", None, "smtp")
