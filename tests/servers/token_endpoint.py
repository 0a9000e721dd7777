"""The token endpoint that Dovecot asks whether a token is good, and whose it is (RFC 7662)."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from posthouse_sandbox.tokens import AUDIENCES, TokenError, Tokens

__all__ = ["TokenEndpoint"]


class TokenEndpoint:
    """Answers for tokens of a sandbox, on loopback.

    Attributes:
        tokens: checks them; set before the first question.
        user: whose mailbox every good token opens.
        refuse: how many of the next tokens count as bad.
        asked: how often somebody asked.
    """

    def __init__(self, user: str) -> None:
        self.tokens = Tokens()
        self.user = user
        self.refuse = 0
        self.asked = 0
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                body = json.dumps(endpoint.answer(token)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep tokens out of the test's output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/introspect"

    def answer(self, token: str) -> dict[str, object]:
        """Say what Dovecot wants to know."""
        with self._lock:
            self.asked += 1
            self.refuse, refused = max(self.refuse - 1, 0), self.refuse > 0
        try:
            self.tokens.verify(token, AUDIENCES["smtp"])
        except TokenError:
            refused = True
        return {"active": not refused, "user": self.user, "scope": "smtp"}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
