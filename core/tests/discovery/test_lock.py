"""The lock: what was changed, added or swapped is refused before it is imported, and the file that differs is named."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from py_compile import compile as compile_file

import pytest
from plugin_sites import EXTENSION, TRANSPORT, Site

from posthouse._discovery import Registry, State
from posthouse._discovery.contents import hashes
from posthouse._discovery.installed import Installation
from posthouse._discovery.lock import lock_of
from posthouse._discovery.lockfile import read_lock, render
from posthouse.config import PluginPolicy

LOCKED = 'lock = "posthouse.lock"'


@pytest.fixture
def locked(site: Site) -> Site:
    """A site with a plugin in two modules, one of them imported late, and what it shares with others; all locked."""
    site.add("posthouse-acme-shared", {"posthouse_acme_shared/__init__.py": "NAME = 'shared'\n"}, kind="")
    files = {
        "acme_mail/__init__.py": TRANSPORT + "\nimport posthouse_acme_shared\n",
        "acme_mail/late.py": "",
        "acme_mail/data.toml": "x = 1\n",
    }
    site.add("acme-mail", files, requires=["posthouse>=1.0", "posthouse-acme-shared"])
    site.configure(plugins=LOCKED)
    done = site.here("plugins", "lock")
    assert done.exit_code == 0, done.stderr
    return site


def test_what_is_as_it_was_locked_runs(locked: Site) -> None:
    assert locked.send() == "sent by acme_mail"
    assert locked.run("plugins", "lock", "--check").returncode == 0


def added_package(site: Site) -> None:
    (site.path / "acme_mail" / "below").mkdir()
    (site.path / "acme_mail" / "below" / "extra.py").write_text("")


def added_compiled(site: Site) -> None:
    source = site.work / "hidden.py"
    source.write_text("")
    compile_file(str(source), cfile=str(site.path / "acme_mail" / "hidden.pyc"))


def linked_folder(site: Site) -> None:
    outside = site.work / "outside"
    outside.mkdir()
    (outside / "extra.py").write_text("")
    (site.path / "acme_mail" / "link").symlink_to(outside, target_is_directory=True)


def shadowed_by_the_path(site: Site) -> None:
    earlier = site.work.parent / "earlier"
    (earlier / "acme_mail").mkdir(parents=True)
    (earlier / "acme_mail" / "__init__.py").write_text(TRANSPORT)
    site.further_paths.append(earlier)


def edited(name: str) -> Callable[[Site], None]:
    def edit(site: Site) -> None:
        with (site.path / name).open("a") as file:
            file.write("\n# changed\n")

    return edit


TAMPERINGS = {
    "edited": (edited("acme_mail/__init__.py"), "acme_mail/__init__.py was changed"),
    "a module that is imported late": (edited("acme_mail/late.py"), "acme_mail/late.py was changed"),
    "data": (edited("acme_mail/data.toml"), "acme_mail/data.toml was changed"),
    "metadata": (edited("acme_mail-1.0.dist-info/METADATA"), "acme_mail-1.0.dist-info/METADATA was changed"),
    "what it requires": (
        edited("posthouse_acme_shared/__init__.py"),
        "posthouse-acme-shared: posthouse_acme_shared/__init__.py was changed",
    ),
    "removed": (lambda site: (site.path / "acme_mail/late.py").unlink(), "acme_mail/late.py is missing"),
    "added": (lambda site: (site.path / "acme_mail/new.py").write_text(""), "acme_mail/new.py was added"),
    "added extension module": (
        lambda site: (site.path / f"acme_mail/late{EXTENSION_SUFFIXES[0]}").write_bytes(b""),
        f"acme_mail/late{EXTENSION_SUFFIXES[0]} was added",
    ),
    "added package": (added_package, "acme_mail/below/extra.py was added"),
    "added compiled module": (added_compiled, "acme_mail/hidden.pyc was added"),
    "linked folder": (linked_folder, "acme_mail/link/extra.py was added"),
    "another folder comes first": (shadowed_by_the_path, "acme_mail would be imported from"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_difference_is_named(locked: Site, name: str) -> None:
    tamper, complaint = TAMPERINGS[name]
    tamper(locked)
    state, reason = locked.states()["acme-mail"]
    assert state == "changed"
    assert complaint in reason


def test_what_is_not_as_it_was_is_not_imported(locked: Site) -> None:
    edited("posthouse_acme_shared/__init__.py")(locked)
    said = locked.send()
    assert said.startswith("plugin.changed: ")
    assert "posthouse_acme_shared/__init__.py was changed" in said
    assert said.endswith("imported: []")
    assert not (locked.work / "sent").exists()


def test_a_namesake_in_front_of_the_path_is_not_imported(locked: Site) -> None:
    shadowed_by_the_path(locked)
    said = locked.send()
    assert "acme_mail would be imported from" in said
    assert said.endswith("imported: []")


def test_every_door_says_the_same(locked: Site) -> None:
    edited("acme_mail/__init__.py")(locked)
    complaint = "not as posthouse.lock has it: acme_mail/__init__.py was changed"
    assert locked.states()["acme-mail"] == ("changed", complaint)
    (plugin,) = json.loads(locked.here("plugins", "info", "acme", "--json").stdout)
    assert (plugin["state"], plugin["reason"]) == ("changed", complaint)
    done = locked.here("plugins", "lock", "--check", "--json")
    assert done.exit_code == 78
    changed = {d["name"]: d["differences"] for d in json.loads(done.stdout)["distributions"] if d["change"] != "same"}
    assert changed == {"acme-mail": ["acme_mail/__init__.py was changed"]}
    done = locked.here("send", "--account", "acme", "--to", "a@example.org", "--subject", "x", "--text", "x")
    assert done.exit_code == 78
    assert complaint in done.stderr
    assert locked.run("plugins", "lock").returncode == 0
    assert locked.send() == "sent by acme_mail"


POINT = '"posthouse.transports.v1: acme = acme_mail"'


@pytest.mark.parametrize(
    ("old", "new", "difference", "state"),
    [
        ('["posthouse-acme-shared"]', "[]", "what it requires, posthouse-acme-shared was added", "changed"),
        (
            '["posthouse-acme-shared"]',
            '["posthouse-acme-shared", "zzz"]',
            "what it requires, zzz is missing",
            "changed",
        ),
        (
            f"[{POINT}]",
            f'[{POINT}, "posthouse.transports.v1: b = acme_b"]',
            "the entry point posthouse.transports.v1: b = acme_b is missing",
            "changed",
        ),
        (f"[{POINT}]", "[]", "the entry point posthouse.transports.v1: acme = acme_mail was added", "not locked"),
        ('version = "1.0"', 'version = "0.9"', "version 1.0 is installed, 0.9 is locked", "not locked"),
        ("editable = false", "editable = true", "it is a package now, and was locked as a working copy", "changed"),
    ],
)
def test_what_differs_in_the_lock_is_named_by_every_door(
    locked: Site, old: str, new: str, difference: str, state: str
) -> None:
    file = locked.work / "posthouse.lock"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    found, reason = locked.states()["acme-mail"]
    assert found == state
    assert state == "not locked" or difference in reason
    done = locked.here("plugins", "lock", "--check", "--json")
    assert done.exit_code == 78
    changed = {d["name"]: d["differences"] for d in json.loads(done.stdout)["distributions"] if d["change"] != "same"}
    assert changed == {"acme-mail": [difference]}
    done = locked.here("plugins", "doctor", "--json")
    assert done.exit_code == 78
    assert [f["message"] for f in json.loads(done.stdout)["findings"] if "acme-mail" in f["about"]] == [reason]


def test_the_order_in_the_file_is_no_difference(locked: Site) -> None:
    file = locked.work / "posthouse.lock"
    text = file.read_text()
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if "acme_mail/__init__.py" in line)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    file.write_text("\n".join(lines) + "\n")
    assert file.read_text() != text
    assert locked.states()["acme-mail"][0] == "ready"
    assert locked.here("plugins", "lock", "--check").exit_code == 0


def test_compiled_files_that_python_writes_change_nothing(locked: Site) -> None:
    compile_file(str(locked.path / "acme_mail" / "__init__.py"))
    assert (locked.path / "acme_mail" / "__pycache__").is_dir()
    assert locked.states()["acme-mail"][0] == "ready"


def test_another_version_is_refused_by_its_metadata(locked: Site) -> None:
    for old in locked.path.glob("acme_mail-1.0.dist-info/*"):
        old.unlink()
    (locked.path / "acme_mail-1.0.dist-info").rmdir()
    locked.add("acme-mail", version="1.1")
    assert locked.states()["acme-mail"] == ("not locked", "posthouse.lock has version 1.0")


def test_another_entry_point_is_refused(locked: Site) -> None:
    (locked.path / "acme_mail-1.0.dist-info/entry_points.txt").write_text(
        "[posthouse.transports.v1]\nacme = acme_mail.late\n"
    )
    state, reason = locked.states()["acme-mail"]
    assert state == "not locked"
    assert "entry_points.txt was changed" in reason


def test_a_plugin_that_was_added_cannot_take_a_kind_over(locked: Site) -> None:
    """Not even by making a conflict."""
    locked.add("acme-rogue")
    assert locked.states()["acme-rogue"][0] == "not locked"
    assert locked.send() == "sent by acme_mail"
    done = locked.here("plugins", "lock", "--check")
    assert done.exit_code == 78
    assert "added:    acme-rogue 1.0" in done.stdout


def test_a_requirement_that_vanished_is_named(locked: Site) -> None:
    for path in locked.path.glob("posthouse_acme_shared*/*"):
        path.unlink()
    for path in locked.path.glob("posthouse_acme_shared*"):
        path.rmdir()
    assert "posthouse-acme-shared is not installed" in locked.states()["acme-mail"][1]


def test_a_requirement_that_came_later_is_not_trusted(site: Site) -> None:
    site.add("acme-mail", requires=["posthouse-acme-shared"])
    site.configure(plugins=LOCKED)
    assert site.here("plugins", "lock").exit_code == 0
    assert site.states()["acme-mail"][0] == "ready"
    site.add("posthouse-acme-shared", kind="")
    assert "posthouse-acme-shared was added" in site.states()["acme-mail"][1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "is missing; write it with: posthouse plugins lock"),
        ("", "has the format None, this Posthouse reads 1"),
        ("format = 2\n", "has the format 2"),
        ("format = 1\n", "is damaged"),
        ("format = 1\n[distributions.acme-mail]\nversion = 1\n", "is damaged"),
        ("<<<<<<< HEAD\n", "is damaged"),
    ],
)
def test_without_a_usable_lock_nothing_runs(locked: Site, text: str | None, complaint: str) -> None:
    file = locked.work / "posthouse.lock"
    file.unlink() if text is None else file.write_text(text)
    state, reason = locked.states()["acme-mail"]
    assert state == "not locked"
    assert complaint in reason
    done = locked.here("send", "--account", "acme", "--to", "a@example.org", "--subject", "x", "--text", "x", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "plugin.not-locked"
    assert locked.here("plugins", "lock", "--check").exit_code == 78


def test_what_core_brings_is_not_locked(locked: Site) -> None:
    (locked.work / "posthouse.lock").unlink()
    listed = json.loads(locked.here("plugins", "list", "--json").stdout)
    assert {c["state"] for c in listed if c["distribution"] == "posthouse"} == {"ready"}


def test_a_working_copy_is_held_to_its_package_folder(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "checkout" / "src"
    (source / "acme_mail").mkdir(parents=True)
    (source / "acme_mail" / "__init__.py").write_text(TRANSPORT)
    info = site.add("acme-mail", {"_editable.pth": str(source)})
    (info / "direct_url.json").write_text('{"url": "file:///checkout", "dir_info": {"editable": true}}')
    site.further_paths.append(source)  # what the .pth file does in a real site folder
    site.configure(plugins=LOCKED)
    assert site.here("plugins", "lock").exit_code == 0
    assert site.states()["acme-mail"][0] == "ready"
    (source / "acme_mail" / "new.py").write_text("")
    assert "acme_mail/new.py was added" in site.states()["acme-mail"][1]
    (source / "acme_mail" / "new.py").unlink()
    (info / "direct_url.json").unlink()
    assert "it is a package now, and was locked as a working copy" in site.states()["acme-mail"][1]


def test_a_module_in_a_shared_namespace_is_held_to_its_own_folder(site: Site) -> None:
    site.add("acme-mail", {"acme/mail/__init__.py": TRANSPORT}, module="acme.mail")
    site.add("acme-other", {"acme/other/__init__.py": ""}, kind="")
    site.configure(plugins=LOCKED)
    assert site.here("plugins", "lock").exit_code == 0
    (site.path / "acme/other/more.py").write_text("")
    assert site.states()["acme-mail"][0] == "ready"
    (site.path / "acme/mail/more.py").write_text("")
    assert "acme/mail/more.py was added" in site.states()["acme-mail"][1]


def test_a_package_that_hides_a_module_is_found(site: Site) -> None:
    site.add("acme-mail", {"acme_mail.py": TRANSPORT})
    site.configure(plugins=LOCKED)
    assert site.here("plugins", "lock").exit_code == 0
    assert site.states()["acme-mail"][0] == "ready"
    (site.path / "acme_mail").mkdir()
    (site.path / "acme_mail" / "__init__.py").write_text(TRANSPORT)
    assert "acme_mail would be imported from" in site.states()["acme-mail"][1]


def test_without_record_the_package_is_hashed_as_it_lies_there(site: Site) -> None:
    site.add("acme-mail", record=False)
    site.configure(plugins=LOCKED)
    assert site.here("plugins", "lock").exit_code == 0
    assert site.states()["acme-mail"][0] == "ready"
    (site.path / "acme_mail" / "new.py").write_text("")
    assert "acme_mail/new.py was added" in site.states()["acme-mail"][1]


def test_extensions_and_commands_are_locked_too(site: Site) -> None:
    site.add("acme-stamp", EXTENSION, kind="stamp", group="posthouse.extensions.v1")
    site.add("acme-tool", "raise SystemExit('imported')", kind="tool", group="posthouse.commands.v1")
    site.configure(plugins=f'{LOCKED}\nextensions = ["stamp"]')
    assert site.here("plugins", "lock").exit_code == 0
    edited("acme_tool/__init__.py")(site)
    done = site.here("tool")
    assert done.exit_code == 78
    assert "acme_tool/__init__.py was changed" in done.stderr
    assert "acme_tool" not in sys.modules


def test_the_key_is_never_added_without_being_asked_for(site: Site) -> None:
    site.add("acme-mail")
    file = site.configure()
    before = file.read_text()
    done = site.here("plugins", "lock")
    assert done.exit_code == 78
    assert 'lock = "posthouse.lock"' in done.stderr
    assert file.read_text() == before
    assert not (site.work / "posthouse.lock").exists()
    assert site.here("plugins", "lock", "--add-key").exit_code == 0
    assert 'lock = "posthouse.lock"' in file.read_text()
    assert site.here("plugins", "lock", "--check", "--add-key").exit_code == 64


def test_locking_says_what_is_new(locked: Site) -> None:
    locked.add("acme-other", kind="other")
    edited("acme_mail/late.py")(locked)
    done = locked.here("plugins", "lock")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["changed:  acme-mail 1.0", "          acme_mail/late.py was changed"]
    assert "added:    acme-other 1.0" in lines
    assert "same:     posthouse-acme-shared 1.0" in lines
    for path in locked.path.glob("acme_other*/*"):
        path.unlink()
    for path in locked.path.glob("acme_other*"):
        path.rmdir()
    assert "removed:  acme-other 1.0" in locked.here("plugins", "lock").stdout


def test_the_file_is_written_whole_stable_and_readable(locked: Site) -> None:
    file = locked.work / "posthouse.lock"
    before = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert locked.here("plugins", "lock").exit_code == 0
    assert file.read_text() == before
    assert [path.name for path in locked.work.iterdir() if path.name.startswith(".")] == []
    read = read_lock(file)
    assert render(read) == before
    assert list(read.distributions) == ["acme-mail", "posthouse-acme-shared"]


def test_a_file_that_cannot_be_written_is_an_error(site: Site) -> None:
    site.add("acme-mail")
    site.configure(plugins='lock = "posthouse.toml/posthouse.lock"')
    done = site.here("plugins", "lock")
    assert done.exit_code == 78
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize("through_link", [False, True])
def test_the_configuration_is_no_place_for_a_lock(site: Site, *, through_link: bool) -> None:
    site.add("acme-mail")
    name = "link.lock" if through_link else "posthouse.toml"
    file = site.configure(plugins=f'lock = "{name}"')
    if through_link:
        (site.work / name).symlink_to(file)
    before = file.read_bytes()
    done = site.here("plugins", "lock")
    assert done.exit_code == 78
    checked = site.here("config", "check")
    assert checked.exit_code == 78
    for said in (done.output, checked.output):
        assert f"plugins.lock: found '{name}', which is this file; name one of its own" in said.replace('"', "'")
    assert file.read_bytes() == before


def test_a_configuration_called_like_the_lock_is_not_written_over(site: Site) -> None:
    site.add("acme-mail")
    file = site.configure().rename(site.work / "posthouse.lock")
    before = file.read_bytes()
    done = site.here("--config", str(file), "plugins", "lock", "--add-key")
    assert done.exit_code == 78
    assert "nothing was written" in done.stderr
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"precious\n", b"\xff\x00", b"format = 1\n[mine]\nx = 1\n", b'format = "1"\n[distributions]\n', b"[a]\n"],
)
def test_no_other_file_is_written_over(site: Site, content: bytes) -> None:
    site.add("acme-mail")
    site.configure(plugins=LOCKED)
    file = site.work / "posthouse.lock"
    file.write_bytes(content)
    done = site.here("plugins", "lock", "--json")
    assert done.exit_code == 78
    error = json.loads(done.stdout)["error"]
    assert (error["code"], "nothing was written" in error["message"]) == ("configuration.no-lock", True)
    assert file.read_bytes() == content


@pytest.mark.parametrize("damage", ["", "cut", "conflict", "newer"])
def test_a_damaged_lock_is_written_anew_and_said_to_be(locked: Site, damage: str) -> None:
    file = locked.work / "posthouse.lock"
    text = file.read_text()
    file.write_text(
        {
            "": "",
            "cut": text[: len(text) // 2],
            "conflict": f"{text}<<<<<<< HEAD\n",
            "newer": "format = 2\n[distributions]\n",
        }[damage]
    )
    done = locked.here("plugins", "lock")
    assert done.exit_code == 0, done.stderr
    assert "Nothing can be compared with what was locked before" in done.stderr
    assert file.read_text() == text


def test_what_the_rules_refuse_is_not_locked(site: Site) -> None:
    site.add("acme-mail")
    site.add("acme-two", kind="two", group="posthouse.transports.v2")
    site.add("acme-denied", kind="denied")
    file = site.configure(plugins=LOCKED)
    file.write_text(file.read_text().replace("deny = [", 'deny = ["acme-denied", '))
    assert site.here("plugins", "lock").exit_code == 0
    assert list(read_lock(site.work / "posthouse.lock").distributions) == ["acme-mail"]


def test_an_archive_cannot_be_locked(site: Site) -> None:
    from zipfile import ZipFile

    inner = Site(site.work)
    inner.add("acme-mail")
    archive = site.work / "plugins.zip"
    with ZipFile(archive, "w") as file:
        for path in inner.path.rglob("*"):
            file.write(path, path.relative_to(inner.path))
    site.further_paths.append(archive)
    site.configure(plugins=LOCKED)
    done = site.here("plugins", "lock")
    assert done.exit_code == 78
    assert "acme-mail cannot be locked" in done.stderr


def test_a_process_hashes_each_distribution_once(locked: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    locked.enter(monkeypatch)
    hashed: list[str] = []

    def counting(installed):
        hashed.append(installed.name)
        return hashes(installed)

    monkeypatch.setattr("posthouse._discovery.contents.hashes", counting)
    policy = PluginPolicy(lock=locked.work / "posthouse.lock")
    for _ in range(3):
        candidate = Registry(policy).find("transport", "acme")
        candidate.load()
    assert sorted(hashed) == ["acme-mail", "posthouse-acme-shared"]
    assert candidate.examined(again=True).state is State.READY
    assert len(hashed) == 4


def test_any_file_name_survives_the_file(site: Site) -> None:
    odd = 'acme_mail/a "quoted" \\ \u00e4\U0001f600.py'
    site.add("acme-mail", {"acme_mail/__init__.py": "", odd: ""})
    lock = lock_of(site.work / "posthouse.lock", ["acme-mail"], Installation([str(site.path)]))
    lock.path.write_text(render(lock), "utf-8")
    assert read_lock(lock.path) == lock
    assert odd in dict(lock.distributions["acme-mail"].files)
