"""The HTTP session through which msal speaks to the sign-in service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from posthouse_azure_oauth2.settings import AzureOAuth2Settings, Flow

__all__ = ["Session"]

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
LOCAL_SECONDS = 3.0
"""For a managed identity's endpoint, which is on this machine or nowhere."""


class Session(requests.Session):
    """A requests session for one sign-in.

    Environment variables may name a proxy; they change nothing where ``ca_file`` is set, and no password of a
    ``.netrc`` goes anywhere.

    Attributes:
        retry_after: what the last answer's ``Retry-After`` said, in seconds; None if nothing.
        status: HTTP status of the last answer; 0 before any.
        refusal: what the last answer said, if it was an error in JSON.
    """

    def __init__(self, settings: AzureOAuth2Settings) -> None:
        super().__init__()
        self.verify = str(settings.ca_file) if settings.ca_file else True
        self.auth = _no_netrc
        self.retry_after: float | None = None
        self.status = 0
        self.refusal: dict[str, Any] = {}
        self._authority = urlsplit(settings.authority_url)
        local = settings.flow is Flow.MANAGED_IDENTITY
        self._timeout = (LOCAL_SECONDS if local else CONNECT_SECONDS, ANSWER_SECONDS)
        if local:
            self.trust_env = False  # a managed identity's endpoint is on this machine: no proxy leads there
        retry_unsent = HTTPAdapter(max_retries=Retry(connect=1, read=False, respect_retry_after_header=False))
        self.mount("https://", retry_unsent)
        self.mount("http://", retry_unsent)

    def request(self, method: str | bytes, url: str | bytes, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request; one with a body is never redirected, since it holds a secret."""
        options.setdefault("timeout", self._timeout)
        if str(method).upper() == "POST":
            options["allow_redirects"] = False
        response = super().request(method, self._with_port(str(url)), **options)
        self.status = response.status_code
        self.retry_after = _seconds(response.headers.get("Retry-After", ""))
        self.refusal = _refusal(response)
        return response

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Take proxies from the environment, but no authorities where ``ca_file`` is set."""
        # requests lets REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE win over the session's own `verify`, but not over this.
        return super().merge_environment_settings(
            url, proxies, stream, self.verify if isinstance(self.verify, str) else verify, cert
        )

    def _with_port(self, url: str) -> str:
        # msal builds one address (user realm discovery) from the authority's host name alone.
        parts = urlsplit(url)
        if self._authority.port and parts.port is None and parts.hostname == self._authority.hostname:
            return parts._replace(netloc=self._authority.netloc).geturl()
        return url


def _refusal(response: requests.Response) -> dict[str, Any]:
    if response.status_code < 400:
        return {}
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) and "error" in body else {}


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _seconds(header: str) -> float | None:
    return float(header) if header.strip().isdecimal() else None
