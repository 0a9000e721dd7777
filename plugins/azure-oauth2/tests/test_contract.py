"""The contract of the authenticator, kept through the hooks that the engine calls."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import attrs
import pluggy

import posthouse_azure_oauth2
from posthouse import hookspecs
from posthouse.providers import CredentialKind
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


def test_the_entry_point_leads_here() -> None:
    (entry,) = [e for e in entry_points(group="posthouse.authenticators.v1") if e.name == "azure-oauth2"]
    description = entry.load().describe()
    assert description.kind == "azure-oauth2"
    assert description.provides == {CredentialKind.BEARER}
    assert description.settings is AzureOAuth2Settings


def test_describing_loads_no_heavy_library() -> None:
    code = (
        "import posthouse_azure_oauth2, sys\n"
        "from posthouse.schema import settings_of\n"
        "settings_of(posthouse_azure_oauth2.describe().settings)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    heavy = {"msal", "requests", "cryptography", "filelock", "jwt", "http"}
    assert heavy & set(done.stdout.split()) == set()


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
