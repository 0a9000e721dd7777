"""An open EWS door, and exchangelib as a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from attrs import frozen
from exchangelib import Account, Configuration, FailFast
from exchangelib import Credentials as Login
from exchangelib.ewsdatetime import EWSTimeZone
from exchangelib.protocol import BaseProtocol, close_connections
from exchangelib.version import EXCHANGE_2016, Version

from posthouse_sandbox import Credentials, EwsDoor, Sandbox

ANNA = "anna@sandbox.example"
PASSWORD = "geheim-grün-1"
OUTLOOK = "https://outlook.office365.com"

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
    ' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
    "<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)


@frozen
class Client:
    """Sends what a test writes."""

    sandbox: Sandbox
    door: EwsDoor

    def post(self, body: str | bytes, header: str = "", url: str = "", **options: Any) -> requests.Response:
        """Post the content of a SOAP body, or any bytes, as Anna unless told otherwise."""
        data = ENVELOPE.format(header=header, body=body).encode() if isinstance(body, str) else body
        with requests.Session() as session:
            session.trust_env = False
            return session.post(
                url or self.door.ews_url,
                data=data,
                verify=str(self.sandbox.ca_file),
                timeout=10,
                **{
                    "auth": (ANNA.encode(), PASSWORD.encode()),
                    "headers": {"Content-Type": "text/xml; charset=utf-8"},
                }
                | options,
            )


@pytest.fixture
def door_options() -> dict[str, Any]:
    """What the door is made with; a test overrides it by parametrizing."""
    return {}


@pytest.fixture
def client(door_options: dict[str, Any]) -> Iterator[Client]:
    door = EwsDoor(**door_options)
    with Sandbox(
        doors=[door], credentials=Credentials({ANNA: PASSWORD, "joerg@sandbox.example": "anderes"})
    ) as sandbox:
        yield Client(sandbox, door)


@pytest.fixture
def account(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Anna's account, as exchangelib has it."""

    class Adapter(requests.adapters.HTTPAdapter):
        def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
            super().cert_verify(conn, url, str(client.sandbox.ca_file), cert)

        def get_connection_with_tls_context(
            self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            ca_file = str(client.sandbox.ca_file)
            return super().get_connection_with_tls_context(request, ca_file, proxies=proxies, cert=cert)

    monkeypatch.setattr(BaseProtocol, "HTTP_ADAPTER_CLS", Adapter)
    configuration = Configuration(
        service_endpoint=client.door.ews_url,
        auth_type="NTLM",
        credentials=Login("SANDBOX\\anna", PASSWORD),
        version=Version(EXCHANGE_2016),
        retry_policy=FailFast(),
    )
    yield Account(ANNA, config=configuration, access_type="delegate", default_timezone=EWSTimeZone("UTC"))
    close_connections()
