"""The one table that turns foreign exceptions (sockets, TLS, aiosmtplib, proxies) into Posthouse's own.

::

    with translated(Stage.CONNECT, host="mail.example.org", port=587):
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from posthouse.errors import DeliveryError, PosthouseError, Stage

__all__ = ["translate", "translated"]


@contextmanager
def translated(stage: Stage, *, host: str, port: int) -> Iterator[None]:
    """Raise what the block raises as a `DeliveryError`, chained with ``from``.

    Posthouse's own errors, cancellation, and what is no trouble of a connection (a programming error) pass unchanged.

    Args:
        stage: what the block does.
        host: the server.
        port: its port.
    """
    try:
        yield
    except PosthouseError:
        raise
    except Exception as error:
        problem = translate(error, stage, host=host, port=port)
        if problem is None:
            raise
        raise problem from error


def translate(error: BaseException, stage: Stage, *, host: str, port: int) -> DeliveryError | None:
    """Return the error that a foreign exception amounts to, None if it is no trouble of a connection."""
    raise NotImplementedError
