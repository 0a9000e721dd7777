"""`[plugins]`: deny, allow, version, API, conflict; what cannot be decided does not run."""

from __future__ import annotations

from typing import Any

import pytest
from plugin_sites import Site

from posthouse._discovery import Registry, State
from posthouse.config import PluginPolicy, parse
from posthouse.errors import ConfigurationError, PluginError


def state(site: Site, policy: PluginPolicy, distribution: str = "acme-mail") -> State:
    found = Registry(policy, search_path=[str(site.path)]).candidates()
    return next(c.state for c in found if c.distribution == distribution)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (PluginPolicy(mode="listed"), State.NOT_ALLOWED),
        (PluginPolicy(mode="listed", allow=("acme-mail",)), State.READY),
        (PluginPolicy(mode="listed", allow=("acme-mail>=2",)), State.NOT_ALLOWED),
        (PluginPolicy(mode="listed", require=("acme-mail",)), State.READY),
        (PluginPolicy(mode="listed", require=("acme-mail>=2",)), State.WRONG_VERSION),
        (PluginPolicy(mode="listed", prefer=("acme-mail",)), State.READY),
        (PluginPolicy(mode="listed", prefer=("acme-mail>=2",)), State.NOT_ALLOWED),
        (PluginPolicy(mode="listed", allow=("other",), require=("acme-mail",)), State.READY),
        (PluginPolicy(mode="listed", extensions=("acme",)), State.NOT_ALLOWED),
        (PluginPolicy(mode="listed", allow=("acme-mail",), deny=("acme-mail",)), State.DENIED),
        (PluginPolicy(mode="all", allow=("other",), require=("acme-mail",)), State.NOT_ALLOWED),
    ],
)
def test_what_is_listed(site: Site, policy: PluginPolicy, expected: State) -> None:
    site.add("acme-mail")
    assert state(site, policy) is expected


def test_a_kind_in_an_account_lists_nothing(site: Site) -> None:
    site.add("acme-mail")
    site.configure(plugins='mode = "listed"')
    said = site.send()
    assert said.startswith("plugin.not-allowed: ")
    assert 'mode is "listed"' in said
    assert said.endswith("imported: []")


def test_a_package_that_calls_itself_core_needs_permission(site: Site) -> None:
    site.add("posthouse", {"acme_mail/__init__.py": ""}, module="acme_mail", version="1.0")
    assert state(site, PluginPolicy(mode="listed"), "posthouse") is State.NOT_ALLOWED


def test_the_order_is_deny_allow_version_api_conflict(site: Site) -> None:
    """A plugin against which everything speaks loses one objection after the other."""
    site.add("acme-mail", group="posthouse.transports.v2")
    site.add("acme-rival")
    everything: dict[str, Any] = {"deny": ("acme-mail",), "allow": ("acme-rival",), "require": ("acme-mail>=2",)}
    seen = [state(site, PluginPolicy(**everything))]
    for key in tuple(everything):
        del everything[key]
        seen.append(state(site, PluginPolicy(**everything)))
    assert seen == [State.DENIED, State.NOT_ALLOWED, State.WRONG_VERSION, State.INCOMPATIBLE]
    (site.path / "acme_mail-1.0.dist-info/entry_points.txt").write_text("[posthouse.transports.v1]\nacme = acme_mail\n")
    assert state(site, PluginPolicy()) is State.CONFLICT


def test_a_version_that_cannot_be_compared_is_denied_and_not_allowed(site: Site) -> None:
    site.add("acme-mail", version="one")
    assert state(site, PluginPolicy(deny=("acme-mail<1",))) is State.DENIED
    assert state(site, PluginPolicy(allow=("acme-mail>=0",))) is State.NOT_ALLOWED
    assert state(site, PluginPolicy()) is State.STALE


def test_a_preference_for_another_version_settles_nothing(site: Site) -> None:
    site.add("acme-mail")
    site.add("acme-rival")
    assert state(site, PluginPolicy(prefer=("acme-mail>=2",))) is State.CONFLICT
    assert state(site, PluginPolicy(prefer=("acme-mail>=2", "acme-rival"))) is State.SHADOWED


def test_a_requirement_of_core_that_does_not_apply_here_is_none(site: Site) -> None:
    site.add("acme-mail", requires=['posthouse>=99; python_version < "3"'])
    assert state(site, PluginPolicy()) is State.READY


def test_mode_is_one_of_two_words() -> None:
    with pytest.raises(ConfigurationError, match='expected "all" or "listed"'):
        parse('[plugins]\nmode = "some"\n', "posthouse.toml")


def test_the_lock_file_is_next_to_the_configuration() -> None:
    lock = parse('[plugins]\nlock = "posthouse.lock"\n', "/etc/posthouse/posthouse.toml").plugins.lock
    assert str(lock).replace("\\", "/").endswith("/etc/posthouse/posthouse.lock")


def test_what_is_required_is_there_when_the_program_starts(site: Site) -> None:
    site.add("acme-mail")
    site.add("acme-stale", kind="stale", module="acme_gone")
    policy = PluginPolicy(require=("acme-mail>=2", "acme-absent", "acme-stale", "acme-refused"), deny=("acme-refused",))
    site.add("acme-refused", kind="refused")
    with pytest.raises(PluginError) as caught:
        Registry(policy, search_path=[str(site.path)]).check_requirements()
    assert caught.value.code == "plugin.required"
    for name in ("acme-mail 1.0", "acme-absent", "acme-stale 1.0", "acme-refused 1.0"):
        assert name in caught.value.message
    assert caught.value.hint == 'Install them: pip install "acme-mail>=2" "acme-absent" "acme-stale"'


def test_the_requirement_holds_for_accounts_that_do_not_use_it(site: Site) -> None:
    site.add("acme-mail")
    site.configure(plugins='require = ["acme-absent>=2"]')
    done = site.here("send", "--account", "acme", "--to", "a@example.org", "--subject", "x", "--text", "x")
    assert done.exit_code == 78
    assert 'pip install "acme-absent>=2"' in done.stderr
