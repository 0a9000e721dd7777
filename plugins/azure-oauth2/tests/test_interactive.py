"""A person signs in: browser, device code, a host application's button; and everything that comes in between."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from azure_oauth2_setup import ANNA, JOERG, Entra, new_process, request

from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse.providers import AuthenticationRequest, LoginPrompt
from posthouse_azure_oauth2 import (
    AzureOAuth2Settings,
    Flow,
    authenticate,
    expiries,
    finish_login,
    interactive,
    login,
    start_login,
)
from posthouse_azure_oauth2.redirect import RedirectReceiver
from posthouse_sandbox.entra import Platform


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def desktop(entra: Entra) -> AzureOAuth2Settings:
    """A sign-in with a browser on this machine."""
    uri = f"http://localhost:{free_port()}/back"
    entra.app.redirect_uris[uri] = Platform.PUBLIC
    settings: AzureOAuth2Settings = entra.settings(Flow.AUTHORIZATION_CODE, redirect_uri=uri)
    return settings


def prompts_of(settings: AzureOAuth2Settings, asked: AuthenticationRequest) -> AsyncGenerator[LoginPrompt]:
    prompts = login(settings, asked)
    assert isinstance(prompts, AsyncGenerator)
    return prompts


async def first_prompt(prompts: Any) -> LoginPrompt:
    prompt = await anext(prompts)
    assert isinstance(prompt, LoginPrompt)
    return prompt


async def test_a_browser_comes_back_to_this_machine(entra: Entra, desktop: AzureOAuth2Settings) -> None:
    said = []
    async for prompt in login(desktop, request()):
        said.append(prompt)
        if prompt.url:
            address, fields = await entra.visit(prompt.url)
            assert address == desktop.redirect_uri
            async with httpx.AsyncClient(trust_env=False) as browser:
                answer = await browser.post(address, data=fields)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert said[-1].message == f"Signed in as {ANNA}."
    assert (await authenticate(desktop, request())).user == ANNA


async def test_what_does_not_belong_to_the_sign_in_is_turned_away(entra: Entra, desktop: AzureOAuth2Settings) -> None:
    async with aclosing(prompts_of(desktop, request())) as prompts:
        prompt = await first_prompt(prompts)
        address, fields = await entra.visit(prompt.url)
        base = httpx.URL(address)
        async with httpx.AsyncClient(trust_env=False) as browser:
            stranger = await browser.post(address, data={**fields, "state": "another"})
            nothing = await browser.get(address)
            elsewhere = await browser.get(base.copy_with(path="/favicon.ico"))
            flood = await browser.post(address, content=b"x" * 70_000)
            assert [answer.status_code for answer in (stranger, nothing, elsewhere, flood)] == [400, 400, 404, 413]
            assert (await browser.get(base.copy_merge_params(fields))).status_code == 200
        assert (await anext(prompts)).message == f"Signed in as {ANNA}."


async def test_who_declines_is_told(entra: Entra, desktop: AzureOAuth2Settings) -> None:
    async with aclosing(prompts_of(desktop, request())) as prompts:
        prompt = await first_prompt(prompts)
        state = httpx.URL(prompt.url).params["state"]
        answer = {"error": "access_denied", "error_description": "AADSTS65004: User declined.", "state": state}
        async with httpx.AsyncClient(trust_env=False) as browser:
            await browser.post(desktop.redirect_uri, data=answer)
        with pytest.raises(AuthenticationError) as refused:
            await anext(prompts)
    assert refused.value.code == "authentication.declined"


async def test_nobody_comes(desktop: AzureOAuth2Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interactive, "PATIENCE_SECONDS", 0.05)
    async with aclosing(prompts_of(desktop, request())) as prompts:
        await first_prompt(prompts)
        with pytest.raises(AuthenticationError) as refused:
            await anext(prompts)
    assert refused.value.code == "authentication.login-expired"


async def test_the_port_is_taken(desktop: AzureOAuth2Settings) -> None:
    async with RedirectReceiver(desktop.redirect_uri), aclosing(prompts_of(desktop, request())) as prompts:
        with pytest.raises(AuthenticationError) as refused:
            await anext(prompts)
    assert refused.value.code == "authentication.redirect-port"
    async with RedirectReceiver(desktop.redirect_uri):
        pass  # and it is free again


async def test_a_browser_that_says_nothing_keeps_nobody_out(entra: Entra, desktop: AzureOAuth2Settings) -> None:
    async with aclosing(prompts_of(desktop, request())) as prompts:
        prompt = await first_prompt(prompts)
        port = httpx.URL(desktop.redirect_uri).port
        silent = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port))
        with contextlib.closing(silent):
            address, fields = await entra.visit(prompt.url)
            async with httpx.AsyncClient(trust_env=False) as browser:
                assert (await browser.post(address, data=fields)).status_code == 200
            assert (await anext(prompts)).message == f"Signed in as {ANNA}."


async def test_a_redirect_uri_elsewhere_needs_a_host_application(entra: Entra) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE, redirect_uri="https://host.example/callback")
    async with aclosing(prompts_of(settings, request())) as prompts:
        with pytest.raises(ConfigurationError) as refused:
            await anext(prompts)
    assert refused.value.code == "login.redirect-uri"


@pytest.mark.parametrize("flow", [Flow.DEVICE_CODE, Flow.AUTHORIZATION_CODE])
async def test_a_code_is_typed_elsewhere(entra: Entra, flow: Flow) -> None:
    settings = entra.settings(flow)
    async with aclosing(prompts_of(settings, request(device=True))) as prompts:
        prompt = await first_prompt(prompts)
        assert prompt.user_code in prompt.message
        await type_code(entra, prompt, "accept")
        assert (await anext(prompts)).message == f"Signed in as {JOERG}."
    assert (await authenticate(settings, request("graph"))).user == JOERG


async def test_a_code_is_declined(entra: Entra) -> None:
    async with aclosing(prompts_of(entra.settings(Flow.DEVICE_CODE), request())) as prompts:
        await type_code(entra, await first_prompt(prompts), "decline")
        with pytest.raises(AuthenticationError) as refused:
            await anext(prompts)
    assert refused.value.code == "authentication.declined"


async def test_a_code_without_permission_for_public_clients(entra: Entra) -> None:
    entra.app.public_client = False
    async with aclosing(prompts_of(entra.settings(Flow.DEVICE_CODE), request())) as prompts:
        await first_prompt(prompts)
        with pytest.raises(AuthenticationError) as refused:
            await anext(prompts)
    assert refused.value.code == "authentication.public-client"


async def type_code(entra: Entra, prompt: LoginPrompt, action: str) -> None:
    form = {
        "user_code": prompt.user_code.lower(),
        "username": JOERG,
        "password": entra.sandbox.credentials.passwords[JOERG],
        "action": action,
    }
    async with entra.client() as browser:
        assert (await browser.post(prompt.url, data=form)).status_code == 200


# --- behind a button --------------------------------------------------------------------------------------------------


@pytest.fixture
def web(entra: Entra) -> AzureOAuth2Settings:
    settings: AzureOAuth2Settings = entra.settings(Flow.AUTHORIZATION_CODE)
    return settings


async def test_a_button_begins_and_the_callback_ends_it_in_any_process(entra: Entra, web: AzureOAuth2Settings) -> None:
    prompt = await start_login(web, request(), "https://host.example/callback")
    address, parameters = await entra.visit(prompt.url)
    assert address == "https://host.example/callback"
    assert "code_verifier" not in prompt.url
    new_process()
    assert await finish_login(web, request(), parameters) == ANNA
    assert (await authenticate(web, request())).user == ANNA


async def test_a_callback_counts_once(entra: Entra, web: AzureOAuth2Settings) -> None:
    prompt = await start_login(web, request(), "")
    _, parameters = await entra.visit(prompt.url)
    outcomes = await asyncio.gather(
        *(finish_login(web, request(), parameters) for _ in range(3)), return_exceptions=True
    )
    assert outcomes.count(ANNA) == 1
    assert {error.code for error in outcomes if isinstance(error, AuthenticationError)} == {
        "authentication.login-expired"
    }
    assert entra.grants == ["authorization_code"]


@pytest.mark.parametrize("spoil", [{"state": "another"}, {"state": ""}])
async def test_a_callback_with_another_state_is_refused(
    entra: Entra, web: AzureOAuth2Settings, spoil: dict[str, str]
) -> None:
    _, parameters = await entra.visit((await start_login(web, request(), "")).url)
    with pytest.raises(AuthenticationError, match="Nobody began this sign-in"):
        await finish_login(web, request(), {**parameters, **spoil})
    assert entra.grants == []


async def test_a_code_of_another_attempt_is_refused(entra: Entra, web: AzureOAuth2Settings) -> None:
    _, first = await entra.visit((await start_login(web, request(), "")).url)
    _, second = await entra.visit((await start_login(web, request(), "")).url)
    with pytest.raises(AuthenticationError) as refused:
        await finish_login(web, request(), {**second, "code": first["code"]})
    assert refused.value.code == "authentication.code-used"


async def test_a_callback_that_comes_late_is_refused(
    entra: Entra, web: AzureOAuth2Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interactive, "PATIENCE_SECONDS", -1.0)
    _, parameters = await entra.visit((await start_login(web, request(), "")).url)
    with pytest.raises(AuthenticationError) as refused:
        await finish_login(web, request(), parameters)
    assert refused.value.code == "authentication.login-expired"


async def test_many_buttons_are_pressed_and_old_ones_are_forgotten(entra: Entra, web: AzureOAuth2Settings) -> None:
    first = await start_login(web, request(), "")
    _, parameters = await entra.visit(first.url)
    for _ in range(100):
        last = await start_login(web, request(), "")
    with pytest.raises(AuthenticationError):
        await finish_login(web, request(), parameters)
    assert await finish_login(web, request(), (await entra.visit(last.url))[1]) == ANNA


async def test_a_redirect_uri_that_is_not_registered_is_refused_before_the_code(
    entra: Entra, web: AzureOAuth2Settings
) -> None:
    prompt = await start_login(web, request(), "http://localhost:5000")
    async with entra.client() as browser:
        assert "AADSTS50011" in (await browser.get(prompt.url)).text


@pytest.mark.parametrize("flow", [Flow.CLIENT_CREDENTIALS])
async def test_where_nobody_signs_in_that_is_said(entra: Entra, flow: Flow) -> None:
    settings = entra.settings(flow)
    async with aclosing(prompts_of(settings, request())) as prompts:
        with pytest.raises(ConfigurationError) as refused:
            await anext(prompts)
    assert refused.value.code == "login.unsupported"
    with pytest.raises(ConfigurationError):
        await start_login(settings, request(), "")
    with pytest.raises(ConfigurationError):
        await finish_login(settings, request(), {})


async def test_when_a_person_must_sign_in_again_is_known(entra: Entra, web: AzureOAuth2Settings) -> None:
    assert await expiries(web, request()) == []
    await entra.sign_in(web)
    (found,) = await expiries(web, request())
    assert found.what == "stored sign-in"
    assert found.distance in ("in 89 days", "in 90 days")
    assert "posthouse login office" in found.hint
