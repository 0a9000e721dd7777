"""Metadata folders: found quickly, and whatever is wrong with one hurts nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugin_sites import Site

from posthouse._discovery import Registry, State
from posthouse._discovery.installed import Installation
from posthouse.config import PluginPolicy

WATCHED = """
import json, sys
opened, listed = [], []
def watch(event, arguments):
    if event == "open":
        opened.append(str(arguments[0]))
    elif event == "os.scandir":
        listed.append(str(arguments[0]))
from posthouse._discovery import Registry
from posthouse.config import PluginPolicy
before = set(sys.modules)
sys.addaudithook(watch)
candidates = Registry(PluginPolicy()).candidates()
json.dump({"opened": opened, "listed": listed, "loaded": sorted(set(sys.modules) - before),
           "all": sorted(sys.modules), "found": [c.distribution for c in candidates]}, sys.stdout)
"""


def test_of_three_hundred_distributions_only_the_plugins_metadata_is_read(site: Site) -> None:
    """Structure instead of time, which the benchmark measures: what is opened, and what is imported."""
    for number in range(299):
        site.add(f"other-{number}", {}, kind=f"tool{number}" if number % 2 else "", group="console_scripts")
    plugin = site.add("acme-mail")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site.path)!r})\n{WATCHED}"],
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert "acme-mail" in seen["found"]
    here = [Path(name) for name in seen["opened"] if str(site.path) in name]
    assert sorted(here) == sorted(
        [info / "entry_points.txt" for info in site.path.glob("*.dist-info")] + [plugin / "METADATA"]
    )
    assert seen["listed"].count(str(site.path)) == 1
    assert [name for name in seen["all"] if name.startswith(("acme", "other"))] == []
    assert {"importlib.metadata", "email", "zipfile", "csv"}.isdisjoint(seen["loaded"])


SENDING = """
import sys
from posthouse import Mailer, Message
with Mailer.from_config() as mailer:
    mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."), account="acme")
print(*sorted(name for name in sys.modules if name.startswith("acme")))
"""


def test_only_what_the_account_uses_is_imported(site: Site) -> None:
    site.add("acme-mail")
    for number in range(5):
        site.add(f"acme-other-{number}", "raise SystemExit('imported')", kind=f"other-{number}")
    site.configure(kinds=("acme", "other-1"))
    done = site.python("-c", SENDING)
    assert (done.returncode, done.stdout) == (0, "acme_mail\n"), done.stderr


def states(folder: Path) -> dict[str, tuple[State, str]]:
    found = Registry(PluginPolicy(), search_path=[str(folder)]).candidates()
    return {f"{c.distribution} {c.version}": (c.state, c.reason) for c in found}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("METADATA", None, "lacks its METADATA"),
        ("METADATA", "", "lacks its METADATA"),
        ("METADATA", "Name: acme-broken\n\n", "names no name or version"),
        ("METADATA", "Name: acme-broken\nVersion: 2.0\n", "acme_broken-1.0.dist-info says that it is acme-broken 2.0"),
        ("METADATA", "Name: other-name\nVersion: 1.0\n", "acme_broken-1.0.dist-info says that it is other-name 1.0"),
        ("METADATA", "Name: acme-broken\nVersion: one\n", "acme_broken-1.0.dist-info says that it is acme-broken one"),
        ("METADATA", "Name: acme-broken\nVersion: 1.0\nRequires-Dist: ???\n", "requires '???', which nobody can read"),
        (
            "entry_points.txt",
            "[posthouse.transports.v1]\nbroken = acme_broken\nnonsense\n",
            "cannot be read: 'nonsense'",
        ),
    ],
)
def test_bad_metadata_hurts_nobody_else(site: Site, name: str, text: str | None, complaint: str) -> None:
    site.add("acme-mail")
    file = site.add("acme-broken", kind="broken") / name
    file.unlink() if text is None else file.write_text(text)
    found = states(site.path)
    assert found.pop("acme-mail 1.0") == (State.READY, "")
    ((state, reason),) = found.values()
    assert state in (State.STALE, State.INCOMPATIBLE)
    assert complaint in reason


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80), st.binary(max_size=80))
def test_no_bytes_in_metadata_are_raised_at_others(site: Site, points: bytes, metadata: bytes) -> None:
    if not list(site.path.iterdir()):
        site.add("acme-mail")
        site.add("acme-odd", kind="odd")
    info = site.path / "acme_odd-1.0.dist-info"
    (info / "entry_points.txt").write_bytes(b"[posthouse.transports.v1]\nodd = acme_odd\n" + points)
    (info / "METADATA").write_bytes(metadata)
    assert states(site.path)["acme-mail 1.0"] == (State.READY, "")


def test_two_versions_in_one_folder_are_both_refused(site: Site) -> None:
    """What an installer leaves that was interrupted: nobody can tell which version the code is."""
    site.add("acme-mail", version="1.0")
    site.add("acme-mail", version="2.0")
    found = states(site.path)
    assert {state for state, _ in found.values()} == {State.STALE}
    assert "acme_mail-1.0.dist-info and acme_mail-2.0.dist-info lie side by side" in found["acme-mail 1.0"][1]


def test_what_pip_was_about_to_remove_is_passed_over(site: Site) -> None:
    site.add("acme-mail").rename(site.path / "~cme_mail-1.0.dist-info")
    assert states(site.path) == {}


def test_versions_are_compared_as_versions(site: Site) -> None:
    site.add("acme-mail", version="1.0").rename(site.path / "Acme_Mail-1.dist-info")
    assert states(site.path) == {"acme-mail 1.0": (State.READY, "")}


def test_plugins_in_an_archive_are_found(site: Site) -> None:
    site.add("acme-mail", version="1.5")
    archive = site.work / "plugins.zip"
    with ZipFile(archive, "w") as file:
        for path in site.path.rglob("*"):
            file.write(path, path.relative_to(site.path))
    assert states(archive) == {"acme-mail 1.5": (State.READY, "")}


def test_an_older_metadata_format_is_read(site: Site) -> None:
    folder = site.path / "acme_mail.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: acme-mail\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[posthouse.transports.v1]\nacme = acme_mail\n")
    assert states(site.path) == {"acme-mail 1.0": (State.READY, "")}


def test_headers_may_go_on_over_lines(site: Site) -> None:
    info = site.add("acme-mail")
    (info / "METADATA").write_text(
        "Name: acme-mail\nVersion: 1.0\nRequires-Dist: posthouse\n  >=1\nSummary: x\n\nName: other\n"
    )
    installed = Installation([str(site.path)]).find("acme-mail")
    assert installed is not None
    assert (installed.name, installed.requires) == ("acme-mail", ("posthouse >=1",))


def test_folders_that_are_not_there_are_no_trouble(tmp_path: Path) -> None:
    assert list(Installation([str(tmp_path / "nowhere"), ""]).with_plugins()) == []
    assert Installation([str(tmp_path)]).find("acme-mail") is None


@pytest.mark.parametrize(
    ("systems", "system", "told"),
    [
        (["Microsoft :: Windows"], "linux", True),
        (["Microsoft :: Windows", "Microsoft :: Windows :: Windows 11"], "darwin", True),
        (["Microsoft :: Windows"], "win32", False),
        (["Microsoft :: Windows", "POSIX :: Linux"], "linux", False),
        (["OS Independent"], "linux", False),
        ([], "linux", False),
    ],
)
def test_what_is_for_windows_only_is_ready_and_says_so_elsewhere(
    site: Site, monkeypatch: pytest.MonkeyPatch, systems: list[str], system: str, told: bool
) -> None:
    metadata = site.add("acme-mail") / "METADATA"
    lines = [f"Classifier: Operating System :: {name}\n" for name in systems]
    metadata.write_text("".join([metadata.read_text().rstrip(), "\n", *lines, "\n"]))
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.syspath_prepend(str(site.path))
    (candidate,) = Registry(PluginPolicy(), search_path=[str(site.path)]).candidates()
    found = candidate.located()
    assert found.state is State.READY
    assert ("Windows only" in found.reason) is told
