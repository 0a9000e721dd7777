"""The contract of an authenticator, to subclass."""

from __future__ import annotations

from typing import ClassVar

import pytest

from posthouse.testing.contract import Contract
from posthouse.testing.grades import NotShown
from posthouse.testing.peers import SignIn

__all__ = ["AuthenticatorContract"]


class AuthenticatorContract(Contract):
    """Every case for an authenticator. Subclass it with ``kind`` and the fixture ``peer``.

    ::

    class ApiKey(SignIn):
        offline = True                      # it only hands out what the settings say
        options = {"key": "k-1234567890"}
        secrets = ("k-1234567890",)

    class TestApiKey(AuthenticatorContract):
        kind = "api-key"

        @pytest.fixture
        def peer(self) -> ApiKey:
            return ApiKey()
    """

    role: ClassVar[str] = "authenticator"

    @pytest.fixture
    def peer(self) -> SignIn:
        """The sign-in service's stand-in, fresh for each case. To be overridden."""
        raise NotShown(f"override the fixture {type(self).__name__}.peer")
