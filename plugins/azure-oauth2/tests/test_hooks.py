"""What the authenticator offers: its hooks and its settings."""

from __future__ import annotations

import attrs
import pluggy

import posthouse_azure_oauth2
from posthouse import hookspecs
from posthouse.schema import setting_info, settings_of
from posthouse_azure_oauth2 import AzureOAuth2Settings


def test_every_hook_is_one_that_the_engine_calls() -> None:
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    manager.register(posthouse_azure_oauth2)
    manager.check_pending()
    callers = manager.get_hookcallers(posthouse_azure_oauth2) or []
    assert {caller.name for caller in callers} == {
        "describe",
        "authenticate",
        "login",
        "start_login",
        "finish_login",
        "expiries",
    }


def test_every_setting_has_a_label_and_a_help() -> None:
    names = {field.name for field in settings_of(AzureOAuth2Settings)}
    assert names >= {
        "tenant_id",
        "client_id",
        "client_secret",
        "certificate",
        "flow",
        "username",
        "password",
        "redirect_uri",
        "cloud",
        "authority",
        "ca_file",
    }
    assert all(setting_info(field).label and setting_info(field).help for field in attrs.fields(AzureOAuth2Settings))
