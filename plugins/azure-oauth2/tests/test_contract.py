"""The authenticator ``azure-oauth2`` passes the conformance kit."""

from __future__ import annotations

import pytest
from azure_oauth2_peer import EntraPeer
from azure_oauth2_setup import Entra

from posthouse.testing import AuthenticatorContract


class TestAzureOAuth2(AuthenticatorContract):
    kind = "azure-oauth2"

    @pytest.fixture
    def peer(self, entra: Entra) -> EntraPeer:
        return EntraPeer(entra)
