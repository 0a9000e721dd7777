"""Which plugins are found, and which may be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse._discovery import Candidate, Registry, State
from posthouse.config import PluginPolicy
from posthouse.errors import PluginError

from ..conftest import Install  # noqa: TID252 - the fixtures of the folder above


def candidate(registry: Registry, distribution: str) -> Candidate:
    return next(c for c in registry.candidates() if c.distribution == distribution)


def test_a_plugin_is_found_with_its_distribution_and_version(install: Install) -> None:
    install("acme-mail", version="2.5")
    found = candidate(Registry(PluginPolicy()), "acme-mail")
    assert (found.role, found.kind, found.version, found.state) == ("transport", "acme", "2.5", State.READY)


def test_nothing_is_imported_by_looking(install: Install) -> None:
    install("acme-mail", source="raise SystemExit('imported')")
    Registry(PluginPolicy()).candidates()
    assert "acme_mail" not in sys.modules


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (PluginPolicy(deny=("acme-mail",)), State.DENIED),
        (PluginPolicy(deny=("Acme_Mail>=2",)), State.DENIED),
        (PluginPolicy(deny=("acme-mail<2",)), State.READY),
        (PluginPolicy(allow=("other",)), State.NOT_ALLOWED),
        (PluginPolicy(allow=("acme-mail<2",)), State.NOT_ALLOWED),
        (PluginPolicy(allow=("acme.mail>=2,<3",)), State.READY),
        (PluginPolicy(allow=("acme-mail",), deny=("acme-mail",)), State.DENIED),
        (PluginPolicy(require=("acme-mail>=3",)), State.WRONG_VERSION),
        (PluginPolicy(require=("acme-mail~=2.0",)), State.READY),
    ],
)
def test_policy_is_evaluated_before_import(install: Install, policy: PluginPolicy, state: State) -> None:
    install("acme-mail", version="2.5", source="raise SystemExit('imported')")
    registry = Registry(policy)
    assert candidate(registry, "acme-mail").state is state
    if state is not State.READY:
        with pytest.raises(PluginError, match="may not be used"):
            registry.find("transport", "acme")
    assert "acme_mail" not in sys.modules


def test_what_core_brings_needs_no_permission() -> None:
    registry = Registry(PluginPolicy(allow=("other",)))
    assert registry.find("authenticator", "password").state is State.READY


def test_another_major_of_the_contract_is_reported_and_never_imported(install: Install) -> None:
    install("acme-mail", api=2, source="raise SystemExit('imported')")
    found = candidate(Registry(PluginPolicy()), "acme-mail")
    assert found.state is State.INCOMPATIBLE
    assert "version 2" in found.reason
    with pytest.raises(PluginError) as caught:
        found.load()
    assert caught.value.code == "plugin.incompatible"


def test_a_plugin_that_needs_a_newer_core_says_so(install: Install) -> None:
    install("acme-mail", requires="posthouse>=99")
    found = candidate(Registry(PluginPolicy()), "acme-mail")
    assert found.state is State.INCOMPATIBLE
    assert "posthouse>=99" in found.reason


def test_two_plugins_of_one_kind_are_both_unusable_and_both_named(install: Install) -> None:
    install("acme-one")
    install("acme-two")
    with pytest.raises(PluginError) as caught:
        Registry(PluginPolicy()).find("transport", "acme")
    assert caught.value.code == "plugin.conflict"
    assert "acme-one" in str(caught.value)
    assert "acme-two" in str(caught.value)


def test_prefer_settles_a_conflict(install: Install) -> None:
    install("acme-one")
    install("acme-two")
    registry = Registry(PluginPolicy(prefer=("acme-two",)))
    assert registry.find("transport", "acme").distribution == "acme-two"
    assert candidate(registry, "acme-one").state is State.SHADOWED


def test_a_denied_rival_is_no_rival(install: Install) -> None:
    install("acme-one")
    install("acme-two")
    assert Registry(PluginPolicy(deny=("acme-one",))).find("transport", "acme").distribution == "acme-two"


@pytest.mark.parametrize("source", ["1/0", "import no_such_module", "raise SystemExit(3)", "def broken(:"])
def test_a_broken_plugin_hurts_only_who_uses_it(install: Install, source: str) -> None:
    install("acme-broken", kind="broken", source=source)
    install("acme-mail", source="")
    registry = Registry(PluginPolicy())
    assert registry.find("transport", "acme").state is State.READY
    with pytest.raises(PluginError, match="acme-broken") as caught:
        registry.find("transport", "broken").load()
    assert caught.value.code == "plugin.broken"
    assert "\n" not in caught.value.message


def hint_for(role: str, kind: str) -> str:
    registry = Registry(PluginPolicy(), [path for path in sys.path if (Path(path) / "acme-here").exists()])
    with pytest.raises(PluginError) as caught:
        registry.find(role, kind)
    assert caught.value.code == "plugin.missing"
    return caught.value.hint


@pytest.mark.parametrize(
    ("role", "kind", "hint"),
    [
        ("transport", "graph", "Install the package that brings it: pip install posthouse-graph"),
        ("extension", "dkim", "Install the package that brings it: pip install posthouse-dkim"),
        ("transport", "grahp", "Did you mean 'graph'? That comes with: pip install posthouse-graph"),
        ("transport", "acem", "Did you mean 'acme'?"),
        ("authenticator", "acme", "'acme' is of another role: transport acme (acme-mail 1.0)."),
        *(
            (role, kind, "No installed package brings it: check how it is written, or install the package that does.")
            for role, kind in (
                ("transport", "carrier-pigeon"),
                ("transport", "acme-api"),
                ("transport", "dkim"),
                ("transport", "--index-url=x"),
                ("authenticator", "kerberos"),
            )
        ),
    ],
)
def test_no_package_is_named_but_this_projects_own(install: Install, role: str, kind: str, hint: str) -> None:
    (install("acme-mail") / "acme-here").touch()
    assert hint_for(role, kind) == hint


def test_a_misspelt_requirement_is_not_to_be_installed() -> None:
    with pytest.raises(PluginError) as caught:
        Registry(PluginPolicy(require=("posthouse-smpt>=1", "acme-absent"))).check_requirements()
    assert "posthouse-smpt>=1 is not installed" in caught.value.message
    assert "did you mean 'posthouse-smtp'?" in caught.value.message
    assert caught.value.hint == 'Install them: pip install "acme-absent"'


def test_a_misspelt_kind_is_guessed(install: Install) -> None:
    install("acme-mail", kind="courier")
    with pytest.raises(PluginError, match="'courier'"):
        Registry(PluginPolicy()).find("transport", "courrier")


def test_require_names_everything_that_is_wrong_and_how_to_install_it(install: Install) -> None:
    install("acme-mail", version="1.0")
    registry = Registry(PluginPolicy(require=("acme-mail>=2", "acme-absent")))
    with pytest.raises(PluginError) as caught:
        registry.check_requirements()
    assert "acme-absent" in caught.value.message
    assert "acme-mail" in caught.value.message
    assert caught.value.hint == 'Install them: pip install "acme-mail>=2" "acme-absent"'


def test_require_is_content_with_what_fits(install: Install) -> None:
    install("acme-mail", version="2.1", source="# nothing")
    registry = Registry(PluginPolicy(require=("acme-mail>=2,<3",)))
    registry.check_requirements()
    assert registry.find("transport", "acme").state is State.READY


def test_the_first_of_two_copies_on_the_path_counts(install: Install, tmp_path_factory: pytest.TempPathFactory) -> None:
    site = install("acme-mail", version="1.0")
    older = tmp_path_factory.mktemp("older")
    info = older / "acme_mail-0.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mail\nVersion: 0.9\n")
    (info / "entry_points.txt").write_text("[posthouse.transports.v1]\nacme = acme_mail\n")
    registry = Registry(PluginPolicy(), search_path=[str(site), str(older)])
    assert {c.version: c.state for c in registry.candidates()} == {"1.0": State.READY, "0.9": State.SHADOWED}


@given(st.text(max_size=40))
def test_any_kind_that_is_not_there_is_missing(kind: str) -> None:
    with pytest.raises(PluginError) as caught:
        Registry(PluginPolicy(), search_path=[]).find("transport", kind)
    assert caught.value.code == "plugin.missing"
