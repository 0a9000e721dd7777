"""Loaded by every Python that a page of the documentation starts: the page's servers are in the sandbox.

`DOCS_SERVERS` maps ``host:port`` to the port on this machine that answers for it. No other name leads anywhere, so no
example can reach a real server.
"""

import json
import os
import socket
from typing import Any

_SERVERS: dict[str, int] = json.loads(os.environ.get("DOCS_SERVERS", "{}"))
_LOCAL = {None, "", "localhost", "127.0.0.1", b"localhost", b"127.0.0.1", socket.gethostname()}
_look_up = socket.getaddrinfo


def _look_up_in_sandbox(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if f"{name}:{port}" in _SERVERS:
        return _look_up("127.0.0.1", _SERVERS[f"{name}:{port}"], *arguments, **options)
    if host not in _LOCAL:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return _look_up(host, port, *arguments, **options)


socket.getaddrinfo = _look_up_in_sandbox
