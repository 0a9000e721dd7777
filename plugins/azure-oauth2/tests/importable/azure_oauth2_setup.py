"""What the tests share: a stand-in for Entra ID, and sign-ins that use it."""

from __future__ import annotations

import re
from typing import Any

import httpx
from attrs import frozen

import posthouse_azure_oauth2
from posthouse.accounts import Account, Selection
from posthouse.addresses import Address
from posthouse.providers import AuthenticationRequest, Credential
from posthouse.secrets import Secret
from posthouse_azure_oauth2 import AzureOAuth2Settings, Flow
from posthouse_azure_oauth2 import sign_in as sign_ins
from posthouse_sandbox import AccessToken, Sandbox
from posthouse_sandbox.entra import Application, EntraDoor

ANNA = "anna@sandbox.example"
JOERG = "joerg@sandbox.example"
OFFICE = "office@sandbox.example"
AUDIENCES = {
    "smtp": {"https://outlook.office365.com", "https://outlook.office.com"},
    "ews": {"https://outlook.office365.com"},
    "graph": {"https://graph.microsoft.com"},
}
ACCOUNT = Account(name="office", sender=Address.parse(OFFICE), transport=Selection(kind="starttls"))


def request(resource: str = "smtp", account: Account = ACCOUNT, **more: Any) -> AuthenticationRequest:
    return AuthenticationRequest(account=account, resource=resource, **more)


@frozen
class Entra:
    """The stand-in, and what a test does with it."""

    door: EntraDoor
    sandbox: Sandbox

    @property
    def app(self) -> Application:
        return self.door.directory.application

    @property
    def secret(self) -> str:
        return next(iter(self.app.secrets))

    @property
    def grants(self) -> list[str]:
        return [request.grant.rpartition(":")[2] for request in self.door.requests]

    def settings(self, flow: Flow = Flow.CLIENT_CREDENTIALS, **more: Any) -> AzureOAuth2Settings:
        if flow is Flow.CLIENT_CREDENTIALS and not more.keys() & {"certificate", "federated_token", "client_secret"}:
            more["client_secret"] = Secret.literal(self.secret)
        given: dict[str, Any] = {
            "authority": self.door.authority,
            "client_id": self.app.client_id,
            "ca_file": self.sandbox.ca_file,
        }
        return AzureOAuth2Settings(flow=flow, **(given | more))

    def token_of(self, credential: Credential, resource: str = "smtp") -> AccessToken:
        assert credential.secret is not None
        return self.sandbox.tokens.verify(credential.secret.reveal(), AUDIENCES[resource])

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self.sandbox.authority.client_context(), trust_env=False)

    async def visit(self, url: str) -> tuple[str, dict[str, str]]:
        """Do what a browser does at a sign-in page that lets everybody in; return where it leads, and with what."""
        async with self.client() as client:
            answer = await client.get(url)
        if answer.status_code == 302:
            address = httpx.URL(answer.headers["location"])
            return str(address.copy_with(query=None)), dict(address.params)
        action = re.search(r'action="([^"]*)"', answer.text)
        assert action is not None, answer.text
        return action[1], dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))

    async def sign_in(self, settings: AzureOAuth2Settings, resource: str = "smtp", account: Account = ACCOUNT) -> str:
        """Let a person sign in behind a button, and return who it was."""
        prompt = await posthouse_azure_oauth2.start_login(settings, request(resource, account), "")
        _, parameters = await self.visit(prompt.url)
        return await posthouse_azure_oauth2.finish_login(settings, request(resource, account), parameters)


def new_process() -> None:
    """Forget what this process remembers, as a new one does."""
    sign_ins._made.cache_clear()
