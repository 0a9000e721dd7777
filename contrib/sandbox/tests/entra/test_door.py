"""The stand-in for Entra ID, asked as any OAuth 2.0 client would: what it hands out, and what it refuses, by code."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from attrs import frozen

from posthouse_sandbox import Authority, Sandbox
from posthouse_sandbox.entra import Application, EntraDoor, EntraError, Platform

ANNA = "anna@sandbox.example"
SMTP = "https://outlook.office.com/SMTP.Send"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "http://localhost:5000/"


@frozen
class Client:
    """An application that speaks plain HTTP to the stand-in."""

    door: EntraDoor
    sandbox: Sandbox
    http: httpx.AsyncClient

    @property
    def app(self) -> Application:
        return self.door.directory.application

    @property
    def password(self) -> str:
        return self.sandbox.credentials.passwords[ANNA]

    async def post(self, path: str, tenant: str = "sandbox.example", **form: str) -> dict[str, Any]:
        answer = await self.http.post(f"{self.door.url}/{tenant}/oauth2/v2.0/{path}", data=form)
        body: dict[str, Any] = answer.json()
        if "error" in body:
            assert answer.status_code in (400, 401)
            assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
        return body

    async def token(self, grant: str, tenant: str = "sandbox.example", **form: str) -> dict[str, Any]:
        return await self.post("token", tenant, **{"grant_type": grant, "client_id": self.app.client_id, **form})

    async def authorize(self, **parameters: str) -> httpx.Response:
        given = {
            "client_id": self.app.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": f"{SMTP} openid offline_access",
            "state": "s",
            "nonce": "n",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return await self.http.get(f"{self.door.authority}/oauth2/v2.0/authorize", params=given | parameters)

    async def code(self, **parameters: str) -> str:
        page = await self.authorize(**parameters)
        return (await self.submit(page, username=ANNA, password=self.password))["code"]

    async def submit(self, page: httpx.Response, **fields: str) -> Mapping[str, str]:
        visit = re.search(r'name="visit" value="([^"]*)"', page.text)
        assert visit is not None
        answer = await self.http.post(f"{self.door.url}/login", data={"visit": visit[1], **fields})
        return dict(httpx.URL(answer.headers["location"]).params)


@pytest.fixture
async def client(tmp_path: Path, sandbox_ca: Authority) -> AsyncIterator[Client]:
    door = EntraDoor()
    async with (
        Sandbox(tmp_path, doors=[door], authority=sandbox_ca) as sandbox,
        httpx.AsyncClient(verify=sandbox_ca.client_context(), trust_env=False) as http,
    ):
        yield Client(door, sandbox, http)


async def test_discovery_leads_to_every_endpoint(client: Client) -> None:
    found = (await client.http.get(f"{client.door.authority}/v2.0/.well-known/openid-configuration")).json()
    assert found["issuer"] == f"{client.door.authority}/v2.0"
    keys = (await client.http.get(found["jwks_uri"])).json()["keys"]
    assert [key["use"] for key in keys] == ["sig"]
    unknown = await client.http.get(f"{client.door.url}/nowhere.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status_code, unknown.json()["error_codes"]) == (400, [90002])


async def test_a_person_signs_in_on_the_page(client: Client) -> None:
    page = await client.authorize(login_hint=ANNA)
    assert client.app.name in page.text
    assert "SMTP.Send" in page.text
    assert page.headers["x-frame-options"] == "DENY"
    back = await client.submit(page, username=ANNA, password=client.password, action="accept")
    assert back["state"] == "s"
    answer = await client.token(
        "authorization_code", code=back["code"], redirect_uri=REDIRECT, code_verifier=VERIFIER, client_info="1"
    )
    checked = client.sandbox.tokens.verify(answer["access_token"], {"https://outlook.office.com"})
    assert (checked.user, "SMTP.Send" in checked.scopes) == (ANNA, True)
    key = client.sandbox.tokens.key.public_key()
    identity = jwt.decode(answer["id_token"], key, algorithms=["RS256"], audience=client.app.client_id)
    assert (identity["preferred_username"], identity["nonce"]) == (ANNA, "n")
    again = await client.token("refresh_token", refresh_token=answer["refresh_token"], scope=SMTP)
    assert again["token_type"] == "Bearer"


async def test_a_wrong_password_stays_on_the_page_and_cancelling_leads_back(client: Client) -> None:
    page = await client.authorize()
    visit = re.search(r'name="visit" value="([^"]*)"', page.text)
    assert visit is not None
    form = {"visit": visit[1], "username": ANNA, "password": "wrong"}
    again = await client.http.post(f"{client.door.url}/login", data=form)
    assert "AADSTS50126" in again.text
    back = await client.submit(again, action="decline")
    assert back["error"] == "access_denied"
    assert back["error_description"].startswith("AADSTS65004")
    gone = await client.http.post(f"{client.door.url}/login", data=form)
    assert gone.status_code == 400


async def test_what_a_page_shows_is_escaped(client: Client) -> None:
    client.app.name = "<script>alert(1)</script>"
    page = await client.authorize(login_hint='"><script>')
    assert "<script>" not in page.text


async def test_the_answer_can_come_as_a_form(client: Client) -> None:
    client.door.auto_approve = ANNA
    page = await client.authorize(response_mode="form_post", state='"quoted"')
    assert page.status_code == 200
    assert f'action="{REDIRECT}"' in page.text
    assert "&quot;quoted&quot;" in page.text


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"redirect_uri": "http://localhost:5000"}, 50011),
        ({"redirect_uri": "https://evil.example/"}, 50011),
        ({"client_id": "11111111-1111-1111-1111-111111111111"}, 700016),
        ({"scope": ""}, 70011),
        ({"scope": f"{SMTP} https://graph.microsoft.com/Mail.Send"}, 28000),
        ({"scope": "https://other.example/Mail.Send"}, 500011),
        ({"scope": "https://outlook.office.com/Mail.Fly"}, 650053),
        ({"response_mode": "fragment"}, 9002313),
    ],
)
async def test_what_is_wrong_shows_a_page_and_leads_nowhere(
    client: Client, parameters: dict[str, str], code: int
) -> None:
    page = await client.authorize(**parameters)
    assert page.status_code == 400
    assert f"AADSTS{code}:" in page.text
    assert "location" not in page.headers


@pytest.mark.parametrize("uri", ["http://localhost:49152/", "http://localhost/"])
async def test_the_port_of_localhost_does_not_matter(client: Client, uri: str) -> None:
    assert (await client.authorize(redirect_uri=uri)).status_code == 200


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_other_errors_go_back_to_the_application(client: Client, parameters: dict[str, str], error: str) -> None:
    answer = await client.authorize(**parameters)
    assert answer.status_code == 302
    assert httpx.URL(answer.headers["location"]).params["error"] == error


async def test_a_code_is_good_once_for_its_own_application_and_verifier(client: Client) -> None:
    code = await client.code()
    wrong = await client.token("authorization_code", code=code, redirect_uri=REDIRECT, code_verifier="x" * 43)
    assert wrong["error_codes"] == [50148]
    other = await client.token(
        "authorization_code", code=code, redirect_uri="http://localhost/", code_verifier=VERIFIER
    )
    assert other["error_codes"] == [70000]
    first = await client.token("authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    assert "access_token" in first
    second = await client.token("authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=VERIFIER)
    assert second["error_codes"] == [54005]


async def test_a_desktop_application_shows_no_secret_and_a_web_application_must(client: Client) -> None:
    secret = next(iter(client.app.secrets))
    form = {"redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    shown = await client.token("authorization_code", code=await client.code(), client_secret=secret, **form)
    assert shown["error_codes"] == [700025]
    client.app.redirect_uris[REDIRECT] = Platform.WEB
    hidden = await client.token("authorization_code", code=await client.code(), **form)
    assert hidden["error_codes"] == [7000218]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, 7000218),
        ({"client_secret": "wrong"}, 7000215),
        ({"client_assertion": "x"}, 9002313),
        ({"client_assertion": "x.y.z", "client_assertion_type": "other"}, 9002313),
    ],
)
async def test_an_application_must_prove_itself(client: Client, form: dict[str, str], code: int) -> None:
    answer = await client.token("client_credentials", scope="https://graph.microsoft.com/.default", **form)
    assert answer["error_codes"] == [code]


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("https://graph.microsoft.com/Mail.Send", 1002012),
        ("https://other.example/.default", 500011),
        ("", 900144),
    ],
)
async def test_an_application_asks_for_default_scopes_only(client: Client, scope: str, code: int) -> None:
    secret = next(iter(client.app.secrets))
    answer = await client.token("client_credentials", scope=scope, client_secret=secret)
    assert answer["error_codes"] == [code]


async def test_secrets_expire_and_tenants_matter(client: Client) -> None:
    secret = next(iter(client.app.secrets))
    form = {"scope": "https://graph.microsoft.com/.default", "client_secret": secret}
    assert "access_token" in await client.token("client_credentials", **form)
    assert (await client.token("client_credentials", "common", **form))["error_codes"] == [50059]
    assert (await client.token("client_credentials", "nowhere.example", **form))["error_codes"] == [90002]
    assert (await client.token("client_credentials", "nowhere", **form))["error_codes"] == [900023]
    client.app.secrets[secret] = time.time() - 1
    assert (await client.token("client_credentials", **form))["error_codes"] == [7000222]
    assert [request.error for request in client.door.requests] == [None, 50059, 90002, 900023, 7000222]
    assert secret not in repr(client.door.requests)


async def test_consent_is_needed_and_given_on_the_page(client: Client) -> None:
    client.app.consented.clear()
    form = {"username": ANNA, "password": client.password, "scope": SMTP}
    assert (await client.token("password", **form))["error_codes"] == [65001]
    client.app.user_consent = False
    back = await client.submit(await client.authorize(), username=ANNA, password=client.password)
    assert back["error_description"].startswith("AADSTS90094")
    client.app.user_consent = True
    await client.code()
    assert "access_token" in await client.token("password", **form)


@pytest.mark.parametrize(
    ("state", "code"), [("mfa", 50076), ("disabled", 50057), ("blocked", 53003), ("", 50126), ("unknown", 50034)]
)
async def test_a_password_alone_may_not_do(client: Client, state: str, code: int) -> None:
    user = ANNA if state != "unknown" else "nobody@sandbox.example"
    if state in ("mfa", "disabled", "blocked"):
        getattr(client.door.directory, state).add(ANNA)
    password = client.password if state else "wrong"
    answer = await client.token("password", username=user, password=password, scope=SMTP)
    assert answer["error_codes"] == [code]


async def test_refresh_tokens_end(client: Client) -> None:
    form = {"username": ANNA, "password": client.password, "scope": f"{SMTP} offline_access"}
    old = (await client.token("password", **form))["refresh_token"]
    client.door.sessions.age()
    assert (await client.token("refresh_token", refresh_token=old, scope=SMTP))["error_codes"] == [700082]
    new = (await client.token("password", **form))["refresh_token"]
    client.door.sessions.revoke()
    assert (await client.token("refresh_token", refresh_token=new, scope=SMTP))["error_codes"] == [50173]
    assert (await client.token("refresh_token", refresh_token="made up", scope=SMTP))["error_codes"] == [70000]


async def test_a_device_waits_for_a_person(client: Client) -> None:
    offered = await client.post("devicecode", client_id=client.app.client_id, scope=SMTP)
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    pending = await client.token(grant, device_code=offered["device_code"])
    assert pending["error"] == "authorization_pending"
    page = await client.http.get(offered["verification_uri"])
    assert "Enter code" in page.text
    form = {"user_code": "WRONG", "username": ANNA, "password": client.password, "action": "accept"}
    assert "didn&#x27;t work" in (await client.http.post(offered["verification_uri"], data=form)).text
    form["user_code"] = offered["user_code"]
    assert (await client.http.post(offered["verification_uri"], data=form)).status_code == 200
    assert "access_token" in await client.token(grant, device_code=offered["device_code"])
    assert (await client.token(grant, device_code="made up"))["error"] == "expired_token"


async def test_odd_requests_are_refused(client: Client) -> None:
    assert (await client.post("token"))["error_codes"] == [900144]
    assert (await client.post("token", grant_type="implicit"))["error_codes"] == [70003]
    assert (await client.post("token", grant_type="password"))["error_codes"] == [900144]


async def test_a_managed_identity_is_asked_as_on_app_service(client: Client) -> None:
    ask = {"resource": "https://graph.microsoft.com/", "api-version": "2019-08-01"}
    headers = {"X-IDENTITY-HEADER": client.door.identity_header}
    answer = (await client.http.get(client.door.identity_endpoint, params=ask, headers=headers)).json()
    assert int(answer["expires_on"]) > time.time()
    assert client.sandbox.tokens.verify(answer["access_token"], {"https://graph.microsoft.com"}).app_only
    for change, status in (({"client_id": "other"}, 400), ({"resource": "https://x.example"}, 500)):
        refused = await client.http.get(client.door.identity_endpoint, params=ask | change, headers=headers)
        assert refused.status_code == status
    assert (await client.http.get(client.door.identity_endpoint, params=ask)).status_code == 401


def test_a_refusal_is_worded_as_entra_id_words_it() -> None:
    body = EntraError(7000215, app="x").as_dict()
    assert re.fullmatch(
        r"AADSTS7000215: .* Trace ID: \S+ Correlation ID: \S+ Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ",
        body["error_description"],
    )
    assert body["error_uri"].endswith("code=7000215")


async def test_faults_are_scripted(client: Client) -> None:
    form = {"username": ANNA, "password": client.password, "scope": SMTP}
    script = "429 AADSTS50196 with Retry-After 2: Slow down, then 503, then drop, then pass"
    client.sandbox.faults.script("entra", script, "token")
    url = f"{client.door.authority}/oauth2/v2.0/token"
    throttled = await client.http.post(url, data=form)
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "2")
    assert throttled.json()["error_description"] == "AADSTS50196: Slow down"
    assert (await client.http.post(url, data=form)).json()["error"] == "temporarily_unavailable"
    with pytest.raises(httpx.TransportError):
        await client.http.post(url, data=form)
    assert "access_token" in await client.token("password", **form)
