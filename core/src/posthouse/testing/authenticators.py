"""The contract of an authenticator, to subclass."""

from __future__ import annotations

from posthouse.testing.cases.description import DescriptionCases
from posthouse.testing.cases.imports import ImportCases
from posthouse.testing.cases.secrets import SecretSettingsCases
from posthouse.testing.cases.settings import SettingsCases
from posthouse.testing.cases.sign_in import SignInCases

__all__ = ["AuthenticatorContract"]


class AuthenticatorContract(DescriptionCases, ImportCases, SignInCases, SettingsCases, SecretSettingsCases):
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
