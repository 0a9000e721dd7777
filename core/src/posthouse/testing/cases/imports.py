"""Loading a plugin: quick, light, and without contacting anybody."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from posthouse.testing.child import Loading, loading
from posthouse.testing.contract import Contract
from posthouse.testing.grades import Grade, case
from posthouse.testing.plugins import PluginUnderTest

__all__ = ["BUDGET", "ImportCases"]

BUDGET = 2.0
"""Loading a plugin should take at most so many times what the contract itself takes; told, not judged."""

_LIGHT = {"attr", "attrs", "pluggy", "typing_extensions"}
_NETWORK = {
    "asyncio",
    "ftplib",
    "http.client",
    "http.server",
    "imaplib",
    "multiprocessing",
    "smtplib",
    "sqlite3",
    "ssl",
    "unittest",
    "urllib.request",
}


class ImportCases(Contract):
    """Loading and describing a plugin, in a process of its own."""

    @pytest.fixture
    def loaded(self, plugin: PluginUnderTest) -> Loading:
        """What loading the plugin in a fresh process did."""
        result = loading(plugin.module)
        assert not result.failure, f"it cannot be loaded in a fresh process: {result.failure}"
        return result

    @case(Grade.BRONZE)
    def test_import_loads_no_foreign_library(
        self, plugin: PluginUnderTest, loaded: Loading, record_property: Callable[[str, object], None]
    ) -> None:
        """Importing and describing it loads no other distribution: what is needed to send is imported to send."""
        record_property("posthouse_import", {"plugin": loaded.own, "core": loaded.core, "budget": BUDGET})
        own = plugin.module.partition(":")[0].partition(".")[0]
        allowed = _LIGHT | self.light_imports | sys.stdlib_module_names | {own}
        tops = {name.partition(".")[0] for name in loaded.names}
        foreign = {top for top in tops - allowed if not top.startswith(("posthouse", "_"))}
        assert not foreign, f"importing the plugin also imports {', '.join(sorted(foreign))}"

    @case(Grade.BRONZE)
    def test_import_contacts_nobody(self, loaded: Loading) -> None:
        """Importing and describing it opens no socket, starts no process and no thread, and writes no file."""
        assert not loaded.events, f"importing the plugin did {', '.join(loaded.events)}"
        assert not loaded.threads, f"importing the plugin started threads: {', '.join(loaded.threads)}"

    @case(Grade.GOLD)
    def test_import_loads_no_network_stack(self, loaded: Loading) -> None:
        """Importing and describing it loads no heavy module of the standard library: ``asyncio``, ``ssl``, … ."""
        heavy = _NETWORK & set(loaded.names)
        assert not heavy, f"importing the plugin also imports {', '.join(sorted(heavy))}"
