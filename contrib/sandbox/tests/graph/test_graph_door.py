"""What Graph would refuse, its stand-in refuses: asked as any HTTP client asks, not only Posthouse's own."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from attrs import define

from posthouse_sandbox import Authority, GraphDoor, Sandbox
from posthouse_sandbox.graph.service import AT_ONCE, Call, Result, operation_of

ANNA = "anna@sandbox.example"
BOB = {"emailAddress": {"address": "bob@example.org", "name": "Bob"}}
MESSAGE = {"subject": "s", "body": {"contentType": "text", "content": "x"}, "toRecipients": [BOB]}
MIME = b"From: anna@sandbox.example\r\nTo: bob@example.org\r\nBcc: c@example.org\r\nSubject: s\r\n\r\nx\r\n"


@define
class Client:
    """An HTTP client with a token."""

    sandbox: Sandbox
    door: GraphDoor
    http: httpx.AsyncClient

    def token(self, *scopes: str, user: str = ANNA, roles: tuple[str, ...] = (), **options: Any) -> str:
        options.setdefault("audience", "https://graph.microsoft.com")
        return self.sandbox.tokens.issue(
            user="" if roles else user, scopes=scopes or ("Mail.Send", "Mail.ReadWrite"), roles=roles, **options
        )

    async def post(self, path: str, json: Any = None, *, token: str | None = None, **options: Any) -> httpx.Response:
        return await self.ask("POST", path, json=json, token=token, **options)

    async def ask(self, method: str, path: str, *, token: str | None = None, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token or self.token()}", **options.pop("headers", {})}
        return await self.http.request(method, self.door.base_url + path, headers=headers, **options)

    async def send(self, message: Any = None, **options: Any) -> httpx.Response:
        return await self.post(
            f"/users/{ANNA}/sendMail", {"message": MESSAGE if message is None else message}, **options
        )

    async def mime(self, content: bytes, path: str = f"/users/{ANNA}/sendMail") -> httpx.Response:
        return await self.post(path, content=content, headers={"Content-Type": "text/plain"})

    async def draft(self, **headers: str) -> str:
        answer = await self.post(f"/users/{ANNA}/messages", MESSAGE, headers=headers)
        assert answer.status_code == 201
        return f"/users/{ANNA}/messages/{answer.json()['id']}"


@pytest.fixture
async def client(sandbox_ca: Authority) -> AsyncIterator[Client]:
    door = GraphDoor()
    async with (
        Sandbox(doors=[door], authority=sandbox_ca) as sandbox,
        httpx.AsyncClient(verify=sandbox.authority.client_context()) as http,
    ):
        yield Client(sandbox, door, http)


def code(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["message"]
    assert error["innerError"]["request-id"]
    return answer.status_code, error["code"]


# --- sending ----------------------------------------------------------------------------------------------------------


async def test_takes_a_message_and_says_nothing_but_202(client: Client) -> None:
    own = {"client-request-id": "mine", "return-client-request-id": "true"}
    answer = await client.send(headers=own)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["client-request-id"] == "mine"
    assert answer.headers["request-id"]
    (received,) = client.sandbox.inbox.messages
    assert (received.user, received.recipients, received.tls) == (ANNA, ("bob@example.org",), "TLSv1.3")
    assert received.message["To"] == "Bob <bob@example.org>"
    assert client.door.service.saved == [received.id]


async def test_takes_mime_and_takes_bcc_off(client: Client) -> None:
    assert (await client.mime(b64encode(MIME))).status_code == 202
    (received,) = client.sandbox.inbox.messages
    assert received.recipients == ("bob@example.org", "c@example.org")
    assert received.raw == MIME.replace(b"Bcc: c@example.org\r\n", b"")


async def test_mime_that_is_too_large_is_answered_200_and_lost(client: Client) -> None:
    answer = await client.mime(b64encode(MIME + (b"x" * 70 + b"\r\n") * 32_000))
    assert answer.status_code == 200
    assert client.sandbox.inbox.messages == ()


async def test_does_not_save_what_shall_not_be_saved(client: Client) -> None:
    await client.post("/me/sendMail", {"message": MESSAGE, "saveToSentItems": False})
    assert len(client.sandbox.inbox) == 1
    assert client.door.service.saved == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"colour": "red"}, "RequestBodyRead"),
        ({"body": {"contentType": "rtf", "content": ""}}, "RequestBodyRead"),
        ({"body": "text"}, "RequestBodyRead"),
        ({"isReadReceiptRequested": "yes"}, "RequestBodyRead"),
        ({"toRecipients": {}}, "RequestBodyRead"),
        ({"toRecipients": []}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"emailAddress": {"address": "bob"}}]}, "ErrorInvalidRecipients"),
        ({"ccRecipients": [{"emailAddress": {"name": "Bob"}}]}, "ErrorInvalidRecipients"),
        ({"internetMessageHeaders": [{"name": "List-Id", "value": "x"}]}, "InvalidInternetMessageHeader"),
        ({"internetMessageHeaders": [{"name": "x-a", "value": "x\r\ny"}]}, "InvalidInternetMessageHeader"),
        (
            {"internetMessageHeaders": [{"name": f"x-{n}", "value": "x"} for n in range(6)]},
            "InvalidInternetMessageHeaderCollection",
        ),
        ({"attachments": [{"@odata.type": "#microsoft.graph.fileAttachment", "name": "a"}]}, "ErrorInvalidProperty"),
        (
            {
                "attachments": [
                    {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a", "contentBytes": "no base64!"}
                ]
            },
            "RequestBodyRead",
        ),
        ({"internetMessageId": "no id"}, "ErrorInvalidProperty"),
    ],
)
async def test_refuses_what_graph_refuses(client: Client, changes: dict[str, Any], expected: str) -> None:
    assert code(await client.send({**MESSAGE, **changes})) == (400, expected)
    assert client.sandbox.inbox.messages == ()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"no base64!", "ErrorMimeContentInvalidBase64String"),
        (b64encode(b"no header\r\n\r\n"), "ErrorMimeContentInvalid"),
        (b64encode(b"From: a@x.example\r\n\r\nx"), "ErrorInvalidRecipients"),
        (b64encode(b"To: nobody\r\n\r\nx"), "ErrorInvalidRecipients"),
    ],
)
async def test_refuses_mime_that_graph_refuses(client: Client, content: bytes, expected: str) -> None:
    assert code(await client.mime(content)) == (400, expected)


async def test_refuses_bodies_that_are_no_requests(client: Client) -> None:
    path = f"/users/{ANNA}/sendMail"
    assert code(await client.post(path, content=b"{", headers={"Content-Type": "application/json"})) == (
        400,
        "RequestBodyRead",
    )
    assert code(await client.post(path, content=b"{}", headers={"Content-Type": "text/html"})) == (
        400,
        "RequestBodyRead",
    )
    assert code(await client.post(path, {})) == (400, "ErrorInvalidParameter")
    assert code(await client.post(path, content=bytes(4 * 1024 * 1024 + 1))) == (413, "RequestEntityTooLarge")
    assert code(await client.ask("GET", "/me/calendar")) == (400, "BadRequest")


# --- access -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ({"lifetime": -10.0}, (401, "InvalidAuthenticationToken")),
        ({"audience": "https://outlook.office365.com"}, (401, "InvalidAuthenticationToken")),
        ({"user": "other@sandbox.example"}, (403, "ErrorAccessDenied")),
        ({"roles": ("Mail.ReadWrite",)}, (403, "ErrorAccessDenied")),
    ],
)
async def test_refuses_tokens_that_are_not_good_for_it(
    client: Client, token: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = await client.send(token=client.token(**token))
    assert code(answer) == expected
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


async def test_refuses_who_shows_no_token(client: Client) -> None:
    answer = await client.http.post(f"{client.door.base_url}/me/sendMail", json={"message": MESSAGE})
    assert code(answer) == (401, "InvalidAuthenticationToken")


async def test_a_revoked_token_is_answered_with_a_challenge(client: Client) -> None:
    token = client.token()
    client.sandbox.tokens.revoke(token)
    answer = await client.send(token=token)
    assert 'claims="eyJ' in answer.headers["www-authenticate"]


async def test_shared_mailboxes_need_the_shared_permission(client: Client) -> None:
    path = "/users/shared@sandbox.example/sendMail"
    assert code(await client.post(path, {"message": MESSAGE}))[0] == 403
    shared = client.token("Mail.Send.Shared")
    assert (await client.post(path, {"message": MESSAGE}, token=shared)).status_code == 202
    application = client.token(roles=("Mail.Send",))
    assert (await client.post(path, {"message": MESSAGE}, token=application)).status_code == 202
    assert code(await client.post("/me/sendMail", {"message": MESSAGE}, token=application)) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("mailbox", "expected"),
    [
        ("unknown@x.example", (404, "ErrorInvalidUser")),
        ("onpremises@x.example", (404, "MailboxNotEnabledForRESTAPI")),
    ],
)
async def test_mailboxes_that_are_not_there(client: Client, mailbox: str, expected: tuple[int, str]) -> None:
    token = client.token(roles=("Mail.Send",))
    assert code(await client.post(f"/users/{mailbox}/sendMail", {"message": MESSAGE}, token=token)) == expected


async def test_a_sender_that_the_mailbox_may_not_use(client: Client) -> None:
    message = {**MESSAGE, "from": {"emailAddress": {"address": "denied@sandbox.example"}}}
    assert code(await client.send(message)) == (403, "ErrorSendAsDenied")


async def test_a_fifth_request_at_a_time_is_too_many(client: Client) -> None:
    token = client.token()
    call = Call(method="GET", path="/me/messages/1", headers={"authorization": f"Bearer {token}"}, body=b"")
    go = asyncio.Event()

    async def work() -> Result:
        await go.wait()
        return Result(200)

    service = client.door.service
    visits = [asyncio.ensure_future(service.counted(call, work)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    answer = await client.ask("GET", "/me/messages/1", token=token)
    assert code(answer) == (429, "ApplicationThrottled")
    assert answer.headers["retry-after"] == "1"
    go.set()
    assert [result.status for result in await asyncio.gather(*visits)] == [200] * AT_ONCE
    assert code(await client.ask("GET", "/me/messages/1", token=token)) == (404, "ErrorItemNotFound")


# --- drafts and uploads -----------------------------------------------------------------------------------------------


async def test_a_draft_lives_until_it_is_deleted(client: Client) -> None:
    draft = await client.draft()
    shown = (await client.ask("GET", draft)).json()
    assert shown["isDraft"] is True
    assert code(await client.ask("DELETE", draft, headers={"If-Match": "other"})) == (412, "ErrorIrresolvableConflict")
    assert (await client.ask("DELETE", draft, headers={"If-Match": shown["@odata.etag"]})).status_code == 204
    assert code(await client.ask("GET", draft)) == (404, "ErrorItemNotFound")


async def test_a_draft_has_a_page_as_outlook_on_the_web_has(client: Client) -> None:
    mime = b"To: bob@example.org\r\nBcc: hidden@example.org\r\nSubject: Hi\r\n\r\n<b>text\r\n"
    answer = await client.mime(b64encode(mime), f"/users/{ANNA}/messages")
    shown = answer.json()
    assert shown["webLink"].startswith(f"{client.door.url}/owa/?ItemID={shown['id']}&")
    page = await client.http.get(shown["webLink"])
    assert page.headers["content-type"].startswith("text/plain")
    assert page.content == b"Bcc: hidden@example.org\r\nTo: bob@example.org\r\nSubject: Hi\r\n\r\n<b>text\r\n"
    (draft,) = client.door.drafts
    assert (draft.id, draft.mailbox, draft.link) == (shown["id"], ANNA, shown["webLink"])
    await client.post(f"/users/{ANNA}/messages/{draft.id}/send")
    assert client.door.drafts == ()
    assert (await client.http.get(shown["webLink"])).status_code == 404


async def test_a_draft_may_be_for_nobody_and_is_not_sent_then(client: Client) -> None:
    answer = await client.mime(b64encode(b"Subject: to whom?\r\n\r\nx"), f"/users/{ANNA}/messages")
    assert answer.status_code == 201
    draft = f"/users/{ANNA}/messages/{answer.json()['id']}"
    assert code(await client.post(f"{draft}/send")) == (400, "ErrorInvalidRecipients")
    assert (await client.post(f"/users/{ANNA}/messages", {"subject": "to whom?"})).status_code == 201


async def test_a_sent_draft_keeps_its_id_only_if_it_is_immutable(client: Client) -> None:
    for headers, status in (({"Prefer": 'IdType="ImmutableId"'}, 200), ({}, 404)):
        draft = await client.draft(**headers)
        assert (await client.post(f"{draft}/send")).status_code == 202
        answer = await client.ask("GET", draft)
        assert answer.status_code == status
        if status == 200:
            assert answer.json()["isDraft"] is False
            assert code(await client.post(f"{draft}/send")) == (400, "ErrorInvalidOperation")


async def test_a_file_is_uploaded_in_order_and_without_a_token(client: Client) -> None:
    draft, size = await client.draft(), 3 * 1024 * 1024 + 1
    item = {"attachmentType": "file", "name": "a.bin", "size": size}
    answer = await client.post(f"{draft}/attachments/createUploadSession", {"AttachmentItem": item})
    assert answer.json()["nextExpectedRanges"] == ["0-"]
    url = answer.json()["uploadUrl"]
    first = {"Content-Range": f"bytes 0-999/{size}"}
    assert (await client.http.put(url, content=bytes(1000), headers={**first, "Authorization": "x"})).status_code == 401
    assert (await client.http.put(url, content=bytes(999), headers=first)).status_code == 416
    assert (await client.http.put(url, content=bytes(1000), headers=first)).json()["nextExpectedRanges"] == ["1000"]
    assert (await client.http.put(url, content=bytes(1000), headers=first)).status_code == 416
    assert (await client.http.get(url)).json()["nextExpectedRanges"] == ["1000"]
    rest = {"Content-Range": f"bytes 1000-{size - 1}/{size}"}
    done = await client.http.put(url, content=bytes(size - 1000), headers=rest)
    assert (done.status_code, done.content) == (201, b"")
    assert done.headers["location"]
    assert (await client.http.get(url)).status_code == 404
    await client.post(f"{draft}/send")
    (file,) = client.sandbox.inbox.messages[0].message.iter_attachments()
    assert (file.get_filename(), len(file.get_content())) == ("a.bin", size)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"size": 1000}, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        ({"size": 151 * 1024 * 1024}, "ErrorAttachmentSizeLimitExceeded"),
        ({"size": "big"}, "RequestBodyRead"),
        ({"attachmentType": "item"}, "RequestBodyRead"),
    ],
)
async def test_a_file_that_no_upload_takes(client: Client, item: dict[str, Any], expected: str) -> None:
    draft = await client.draft()
    body = {"AttachmentItem": {"attachmentType": "file", "name": "a", "size": 4_000_000, **item}}
    assert code(await client.post(f"{draft}/attachments/createUploadSession", body)) == (400, expected)
    assert code(await client.post(f"{draft}/attachments/createUploadSession", {})) == (400, "ErrorInvalidParameter")


async def test_a_cancelled_upload_is_gone(client: Client) -> None:
    draft = await client.draft()
    body = {"AttachmentItem": {"attachmentType": "file", "name": "a", "size": 4_000_000}}
    url = (await client.post(f"{draft}/attachments/createUploadSession", body)).json()["uploadUrl"]
    assert (await client.http.delete(url)).status_code == 204
    assert (await client.http.delete(url)).status_code == 404


# --- batches ----------------------------------------------------------------------------------------------------------


def part(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "method": "POST",
        "url": f"/users/{ANNA}/sendMail",
        "headers": {"Content-Type": "application/json"},
        "body": {"message": MESSAGE},
        **changes,
    }


async def test_a_batch_is_answered_in_another_order(client: Client) -> None:
    client.sandbox.faults.script("graph", "pass, then 429 with Retry-After 7", "sendMail")
    requests = [part("a"), part("b"), part("c", body={"message": {}}), part("d", url="/me/calendar")]
    answer = await client.post("/$batch", {"requests": requests})
    assert answer.status_code == 200
    responses = answer.json()["responses"]
    assert [(one["id"], one["status"]) for one in responses] == [("d", 400), ("c", 400), ("b", 429), ("a", 202)]
    assert responses[2]["headers"] == {"Retry-After": "7"}
    assert len(client.sandbox.inbox) == 1


@pytest.mark.parametrize(
    "requests",
    [
        [],
        [part(str(n)) for n in range(21)],
        [part("a"), part("a")],
        [part("a", headers={})],
        [{"id": "a"}],
        "none",
    ],
)
async def test_what_is_no_batch(client: Client, requests: Any) -> None:
    assert code(await client.post("/$batch", {"requests": requests})) == (400, "BadRequest")


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_faults_are_worded_as_graph_words_them(client: Client) -> None:
    client.sandbox.faults.script("graph", "503 ServiceUnavailable with Retry-After 3: Busy, then only 200", "sendMail")
    answer = await client.send()
    assert code(answer) == (503, "ServiceUnavailable")
    assert answer.headers["retry-after"] == "3"
    assert answer.json()["error"]["message"] == "Busy"
    assert (await client.send()).status_code == 200
    assert (await client.send()).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/me/sendMail", "sendMail"),
        ("POST", "/users/a@x/sendMail", "sendMail"),
        ("POST", "/users/a@x/messages", "createDraft"),
        ("POST", "/me/messages/1/send", "send"),
        ("GET", "/me/messages/1", "getDraft"),
        ("DELETE", "/users/a@x/messages/1", "deleteDraft"),
        ("POST", "/me/messages/1/attachments", "addAttachment"),
        ("POST", "/me/messages/1/attachments/createUploadSession", "createUploadSession"),
        ("PUT", "/upload/1", "upload"),
        ("GET", "/upload/1", "uploadStatus"),
        ("DELETE", "/upload/1", "cancelUpload"),
        ("POST", "/$batch", "$batch"),
        ("PATCH", "/upload/1", "unknown"),
        ("GET", "/me/sendMail", "unknown"),
        ("GET", "/groups/1", "unknown"),
    ],
)
def test_requests_have_names(method: str, path: str, operation: str) -> None:
    assert operation_of(method, path) == operation


async def test_describes_its_accounts() -> None:
    async with Sandbox() as sandbox:
        accounts = {account.name: account for account in sandbox.accounts()}
        assert accounts["graph"].transport["base_url"] == sandbox.door("graph").base_url  # type: ignore[attr-defined]
        assert accounts["graph"].sign_in == "entra"
        assert accounts["graph-unsaved"].transport["save_sent"] is False
