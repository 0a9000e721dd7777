"""The conformance kit: show that a provider keeps what Posthouse promises to programs.

Install ``posthouse[testing]``, write a stand-in for your server, and one class::

    import pytest
    from posthouse.testing import Arrived, HttpPeer, HttpServer, TransportContract


    class AcmePeer(HttpPeer):                       # a Peer: a server that accepts, and can be made to misbehave
        @property
        def options(self):                          # the settings, as they stand in posthouse.toml
            return {"url": self.server.url, "timeout": 5}

        hasty = {"timeout": 0.3}                    # settings with which the transport gives up soon

        async def arrived(self):                    # what the server would deliver, and to whom
            return [Arrived.from_mime(r.body, recipients=...) for r in self.server.requests if r.path == "/send"]


    class TestAcme(TransportContract):              # all cases are inherited
        kind = "acme"                               # the entry point's name; the plugin must be installed

        @pytest.fixture
        async def peer(self, http_server: HttpServer) -> AcmePeer:
            http_server.answer = acme_api           # what your stand-in answers when all is well
            return AcmePeer(http_server)

An authenticator's class is an `AuthenticatorContract` whose ``peer`` is a `SignIn`; an extension's is an
`ExtensionContract`, which needs no peer. The cases are asynchronous (pytest-asyncio): set ``asyncio_mode = "auto"`` in
pytest's configuration, or make the fixture with ``pytest_asyncio.fixture``.

Which cases run follows from what the plugin's description declares: a transport without ``send_batch`` is not asked to
keep its order. What does not run is listed at the end, each with the capability that is missing. A peer's method that
is not overridden is *not shown*: the cases that need it are skipped, and the grade suffers. What the protocol cannot do
at all is declared in `Peer.impossible` with the reason, which the report prints.

At the end of the run stands a grade for each class, and what is missing for the next one::

    acme (transport, posthouse-acme 1.0.0): silver
      26 passed, 3 do not apply, 1 not shown
      for gold: test_lost_answer_is_uncertain was not shown: override AcmePeer.break_after_content

``--posthouse-grade=gold`` makes the run fail below that grade, ``--posthouse-report=FILE`` writes the same as JSON.
`Grade` says what each grade means.

The servers of ``posthouse-sandbox`` (SMTP, Graph, Exchange, Entra ID, each with faults to script) make good peers too;
its pytest plugin brings them as the fixture ``sandbox``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posthouse.testing.authenticators import AuthenticatorContract
    from posthouse.testing.extensions import ExtensionContract
    from posthouse.testing.grades import Grade
    from posthouse.testing.http import HttpAnswer, HttpPeer, HttpRequest, HttpServer, Trouble
    from posthouse.testing.peers import Arrived, Peer, SignIn
    from posthouse.testing.tcp import TcpServer
    from posthouse.testing.transports import TransportContract

_HOME = {
    "Arrived": "peers",
    "AuthenticatorContract": "authenticators",
    "ExtensionContract": "extensions",
    "Grade": "grades",
    "HttpAnswer": "http",
    "HttpPeer": "http",
    "HttpRequest": "http",
    "HttpServer": "http",
    "Peer": "peers",
    "SignIn": "peers",
    "TcpServer": "tcp",
    "TransportContract": "transports",
    "Trouble": "http",
}

__all__ = [
    "Arrived",
    "AuthenticatorContract",
    "ExtensionContract",
    "Grade",
    "HttpAnswer",
    "HttpPeer",
    "HttpRequest",
    "HttpServer",
    "Peer",
    "SignIn",
    "TcpServer",
    "TransportContract",
    "Trouble",
]


def __getattr__(name: str) -> Any:
    # pytest loads the kit's plugin in every run where Posthouse is installed; only those that use the kit pay for it.
    if name not in _HOME:
        raise AttributeError(f"module 'posthouse.testing' has no attribute {name!r}")
    try:
        return getattr(import_module(f"posthouse.testing.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name in ("pytest", "pytest_asyncio"):
            text = f"The conformance kit needs {error.name}: pip install 'posthouse[testing]'"
            raise ModuleNotFoundError(text, name=error.name) from error
        raise
