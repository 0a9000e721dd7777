"""`posthouse plugins doctor`: every plugin that is ill is named with what it has, and the healthy ones go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from plugin_sites import EXTENSION, TRANSPORT, Site

Finding = dict[str, str]


def of_kind(kind: str, old: str = "", new: str = "") -> str:
    """A transport of a kind, with something else in a place."""
    assert old in TRANSPORT
    return TRANSPORT.replace(old, new, 1).replace('kind="acme"', f'kind="{kind}"')


ILL = {
    "acme-raises": (of_kind("raises") + "\nraise RuntimeError('no\\nluck')\n", "RuntimeError: no luck ("),
    "acme-hangs": (of_kind("hangs") + "\nimport time\ntime.sleep(600)\n", "importing it did not finish within 8 s"),
    "acme-exits": (of_kind("exits") + "\nimport os\nos._exit(7)\n", "importing it ended Python with exit code 7"),
    "acme-leaves": (of_kind("leaves") + "\nimport sys\nsys.exit()\n", "cannot be imported: SystemExit"),
    "acme-misspelt": (
        of_kind("misspelt", "async def send(", "async def sennd("),
        "there is no hook sennd, did it mean send?; it does not implement send",
    ),
    "acme-sync": (
        of_kind("sync", "async def send(", "def send(").replace("async def connect(", "def connect("),
        "connect must be an `async def`; wrap a blocking library in asyncio.to_thread; send must be an `async def`",
    ),
    "acme-unmarked": (
        of_kind("unmarked", "@hookimpl\nasync def test", "async def test"),
        "it does not implement test; it has a function of that name without @hookimpl",
    ),
    "acme-usurper": (of_kind("somebody-else"), "it describes itself as 'somebody-else', and its entry point is called"),
    "acme-authenticates": (
        of_kind("authenticates") + "\n@hookimpl\nasync def authenticate(settings):\n    return None\n",
        "authenticate is not for a plugin of this role",
    ),
}


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A host on which every plugin but two is ill, each with an illness of its own."""
    site = Site(tmp_path_factory.mktemp("ward"))
    site.add("acme-mail")
    site.add("acme-stamp", EXTENSION, kind="stamp", group="posthouse.extensions.v1")
    for name, (source, _) in ILL.items():
        site.add(name, source, kind=name.removeprefix("acme-"))
    site.add("acme-twin", of_kind("twin"), kind="twin")
    site.add("acme-other-twin", of_kind("twin"), kind="twin")
    site.add("acme-v2", "raise SystemExit('imported')", kind="v2", group="posthouse.transports.v2")
    site.add("acme-group", kind="group", group="posthouse.transport.v1")
    site.add("acme-gone", {}, kind="gone", module="acme_gone")
    site.add("acme-double", of_kind("double"), kind="double", version="1.0")
    site.add("acme-double", of_kind("double"), kind="double", version="2.0")
    site.add("acme-needs", of_kind("needs"), kind="needs", requires=["acme-mail>=5", "acme-nowhere"])
    site.add("posthouse-smpt", of_kind("smpt"), kind="smpt")
    site.add("acme-denied", "raise SystemExit('imported')", kind="denied")
    file = site.configure(kinds=("acme", "gone", "absent"))
    file.write_text(file.read_text().replace("deny = [", 'deny = ["acme-denied", '))
    return site


@pytest.fixture(scope="module")
def findings(ward: Site) -> list[Finding]:
    done = ward.run("plugins", "doctor", "--seconds", "8", "--json")
    assert done.returncode == 78
    assert done.stderr.endswith("findings.\n")
    said = json.loads(done.stdout)
    assert said["ok"] is False
    found: list[Finding] = said["findings"]
    return found


def about(findings: list[Finding], name: str) -> Iterator[Finding]:
    return (finding for finding in findings if name in finding["about"])


@pytest.mark.parametrize("name", ILL)
def test_what_importing_shows_is_named(findings: list[Finding], name: str) -> None:
    (finding,) = about(findings, name)
    assert finding["severity"] == "error"
    assert ILL[name][1] in finding["message"]
    assert "\n" not in finding["message"]
    assert name in finding["hint"]


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("(acme-twin ", "plugin.conflict", "acme-other-twin and acme-twin both bring it"),
        ("acme-other-twin", "plugin.conflict", "acme-other-twin and acme-twin both bring it"),
        ("acme-v2", "plugin.incompatible", "it speaks version 2 of the plugin contract, this Posthouse 1"),
        ("acme-group", "plugin.group", "its entry points in 'posthouse.transport.v1' are not looked at"),
        ("acme-gone", "plugin.broken", "its metadata is stale: there is no module acme_gone"),
        ("acme-double 1.0", "plugin.stale", "acme_double-1.0.dist-info and acme_double-2.0.dist-info lie side by side"),
        ("accounts.absent", "plugin.missing", "No transport 'absent' is installed"),
    ],
)
def test_what_metadata_shows_is_named(findings: list[Finding], name: str, code: str, message: str) -> None:
    (finding,) = about(findings, name)
    assert finding["code"] == code
    assert message in finding["message"]


def test_unmet_requirements_are_named(findings: list[Finding]) -> None:
    messages = [finding["message"] for finding in about(findings, "acme-needs")]
    assert messages == ["acme-mail>=5 is required, 1.0 is installed", "acme-nowhere is not installed"]


def test_a_name_that_looks_like_another_is_doubted(findings: list[Finding]) -> None:
    found = {finding["message"]: finding["severity"] for finding in about(findings, "posthouse-smpt")}
    assert found == {
        "the package 'posthouse-smpt' can be taken for 'posthouse-smtp'": "warning",
        "the transport 'smpt' can be taken for 'smtp'": "warning",
    }


def test_a_package_without_a_plugin_is_doubted_too(site: Site) -> None:
    site.add("posthouse-esmpt", {}, kind="")
    site.configure(kinds=())
    (finding,) = json.loads(site.here("plugins", "doctor", "--json").stdout)["findings"]
    assert (finding["about"], finding["code"]) == ("posthouse-esmpt", "plugin.lookalike")


def test_nobody_else_is_accused(findings: list[Finding]) -> None:
    healthy = [f for f in findings if any(name in f["about"] for name in ("acme-stamp", "acme-mail", "acme-denied"))]
    assert healthy == []


MAILER = """
import json
from posthouse import Mailer, Message, PosthouseError
told = {}
with Mailer.from_config("all.toml") as mailer:
    for account in mailer.configuration.accounts:
        try:
            mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."), account=account)
            told[account] = ["sent", ""]
        except PosthouseError as error:
            told[account] = [error.code, error.message]
print(json.dumps(told))
"""


def test_one_program_with_an_account_for_each_is_told_by_each(ward: Site) -> None:
    """Whatever one plugin does, the others are not hurt; one that hangs or ends Python has no account here."""
    kinds = [name.removeprefix("acme-") for name in ILL if name not in ("acme-hangs", "acme-exits")]
    own = (ward.work / "posthouse.toml").read_text()
    every = ward.configure(kinds=[*kinds, "twin", "v2", "gone", "double", "denied", "acme"]).read_text()
    (ward.work / "all.toml").write_text(every.replace("deny = [", 'deny = ["acme-denied", '))
    (ward.work / "posthouse.toml").write_text(own)
    done = ward.python("-c", MAILER)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told.pop("acme") == ["sent", ""]
    for kind in kinds:
        code, message = told.pop(kind)
        assert code in ("plugin.contract", "plugin.broken")
        assert ILL[f"acme-{kind}"][1] in message
    assert {kind: code for kind, (code, _) in told.items()} == {
        "twin": "plugin.conflict",
        "v2": "plugin.incompatible",
        "gone": "plugin.broken",
        "double": "plugin.stale",
        "denied": "plugin.denied",
    }


def test_the_healthy_plugin_works_in_this_company(ward: Site) -> None:
    assert ward.send() == "sent by acme_mail"


def test_list_shows_all_of_them_and_imports_none(ward: Site) -> None:
    states = {name: state for name, (state, _) in ward.states().items()}
    assert states["acme-hangs"] == "ready"  # which only an import could tell
    assert states["acme-twin"] == "conflict"
    assert states["acme-v2"] == "incompatible"
    assert states["acme-gone"] == "broken"
    assert states["acme-double"] == "stale"
    assert states["acme-denied"] == "denied"


@pytest.mark.parametrize("kind", ["exits", "raises"])
def test_info_survives_what_it_imports(ward: Site, kind: str) -> None:
    (plugin,) = json.loads(ward.here("plugins", "info", kind, "--json").stdout)
    assert plugin["state"] == "broken"
    assert ILL[f"acme-{kind}"][1] in plugin["reason"]


def test_the_account_that_needs_it_gets_the_cause_in_one_line(ward: Site, tmp_path: Path) -> None:
    config = tmp_path / "posthouse.toml"
    config.write_text('[accounts.x]\nsender = "me@example.org"\ntransport = { kind = "raises" }\n')
    arguments = ("--config", str(config), "send", "--account", "x", "--to", "a@example.org", "--text", "x")
    done = ward.here(*arguments)
    assert done.exit_code == 78
    (line,) = (line for line in done.stderr.splitlines() if "RuntimeError" in line)
    assert line.startswith("Error: transport raises (acme-raises 1.0) cannot be imported: RuntimeError: no luck (")
    assert str(ward.path / "acme_raises" / "__init__.py") in line
    assert "Traceback" not in done.stderr
    verbose = ward.run("--verbose", *arguments)
    assert f'File "{ward.path / "acme_raises" / "__init__.py"}", line ' in verbose.stderr


def test_nothing_wrong_is_exit_code_0(site: Site) -> None:
    site.add("acme-mail")
    site.configure(plugins='lock = "posthouse.lock"')
    assert site.here("plugins", "lock").exit_code == 0
    done = site.here("plugins", "doctor", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"ok": True, "findings": []})


def test_a_lock_that_is_not_kept_is_found(site: Site) -> None:
    site.add("acme-mail")
    site.add("acme-other", of_kind("other"), kind="other")
    site.configure(plugins='lock = "posthouse.lock"')
    assert site.here("plugins", "lock").exit_code == 0
    (site.path / "acme_mail/__init__.py").write_text("raise SystemExit('imported')")
    for path in site.path.glob("acme_other-1.0.dist-info/*"):
        path.unlink()
    (site.path / "acme_other-1.0.dist-info").rmdir()
    site.add("acme-new", of_kind("new"), kind="new")
    done = site.here("plugins", "doctor", "--json")
    found = {f["about"]: (f["code"], f["message"]) for f in json.loads(done.stdout)["findings"]}
    assert found["transport acme (acme-mail 1.0)"][0] == "plugin.changed"
    assert found["transport new (acme-new 1.0)"][0] == "plugin.not-locked"
    assert found["posthouse.lock"] == ("plugin.lock", "acme-other is locked, and not installed")


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_a_lock_that_everybody_can_change_is_doubted(site: Site) -> None:
    site.add("acme-mail")
    site.configure(plugins='lock = "posthouse.lock"')
    assert site.here("plugins", "lock").exit_code == 0
    (site.work / "posthouse.lock").chmod(0o666)
    (finding,) = json.loads(site.here("plugins", "doctor", "--json").stdout)["findings"]
    assert (finding["severity"], finding["code"]) == ("warning", "plugin.lock")
    assert "chmod o-w" in finding["message"]


def test_a_copy_further_down_the_path_is_doubted(site: Site, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = Site(tmp_path / "second")
    second.add("acme-mail", version="0.9")
    site.add("acme-mail")
    site.further_paths.append(second.path)
    site.configure()
    done = site.here("plugins", "doctor", "--json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["severity"], finding["code"]) == ("warning", "plugin.shadowed")


COMMAND = """
from posthouse import hookimpl

@hookimpl
def register_commands(group):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("1 / 0", "failed in register_commands with ZeroDivisionError: division by zero ("),
        ("pass", "does not register a command 'tool'"),
    ],
)
def test_a_command_that_cannot_be_registered_is_found(site: Site, body: str, complaint: str) -> None:
    site.add("acme-tool", COMMAND.format(body=body), kind="tool", group="posthouse.commands.v1")
    site.configure(kinds=())
    (finding,) = json.loads(site.here("plugins", "doctor", "--json").stdout)["findings"]
    assert finding["code"] == "plugin.contract"
    assert complaint in finding["message"]


def test_what_is_preferred_to_another_is_in_order(site: Site) -> None:
    site.add("acme-mail")
    site.add("other-mail")
    site.configure(plugins='prefer = ["acme-mail"]')
    assert site.here("plugins", "doctor").exit_code == 0


def test_who_names_a_package_knows_it(site: Site) -> None:
    site.add("posthouse-smpt")
    site.configure(plugins='prefer = ["posthouse-smpt"]')
    assert site.here("plugins", "doctor").exit_code == 0


def test_it_works_without_a_configuration(site: Site) -> None:
    site.add("acme-hangs", ILL["acme-hangs"][0], kind="hangs", group="posthouse.transports.v2")
    file = site.configure()
    file.write_text(file.read_text().partition("[plugins]")[2].join(["[plugins]", ""]))
    done = site.here("plugins", "doctor")
    assert done.exit_code == 78
    assert "it speaks version 2" in done.stdout


WRONG_ELSEWHERE = """
[accounts.wrong]
transport = { kind = "absent" }
auth = { method = "password" }
"""


def test_what_is_wrong_elsewhere_keeps_nobody_from_looking_at_plugins(site: Site) -> None:
    site.add("acme-mail")
    site.add("acme-old", kind="old")
    file = site.configure(WRONG_ELSEWHERE, plugins='lock = "posthouse.lock"')
    file.write_text(file.read_text().replace("deny = [", 'deny = ["acme-old", '))
    note = "posthouse.toml has problems outside [plugins]; `posthouse config check` lists them.\n"
    for command in (("lock",), ("lock", "--check"), ("list",), ("info", "acme")):
        done = site.here("plugins", *command)
        assert done.exit_code == 0, done.output
        assert done.stderr.count("`posthouse config check` lists them") == 1
        assert done.stderr.endswith(note)
    assert {name: state for name, (state, _) in site.states().items()} == {"acme-mail": "ready", "acme-old": "denied"}
    done = site.here("plugins", "doctor", "--json")
    assert note in done.stderr
    assert [f["about"] for f in json.loads(done.stdout)["findings"]] == ["accounts.wrong"]


@pytest.mark.parametrize(
    "plugins", ["deny = 3", 'dney = ["acme-mail"]', "allow = []", '[plugin]\ndeny = ["acme-mail"]']
)
def test_where_nobody_can_tell_what_may_run_nothing_is_looked_at(site: Site, plugins: str) -> None:
    site.add("acme-mail", "raise SystemExit('imported')")
    (site.work / "posthouse.toml").write_text(plugins if plugins.startswith("[") else f"[plugins]\n{plugins}\n")
    for command in (("list",), ("doctor",), ("lock", "--add-key"), ("info", "acme")):
        done = site.here("plugins", *command)
        assert done.exit_code == 78
        assert "plugin" in done.stderr
        assert done.stdout == ""


def test_settings_of_a_newer_version_are_found(site: Site) -> None:
    site.add("acme-mail")
    site.add(
        "acme-two",
        of_kind("two", "settings=Settings,", "settings=Settings, settings_version='2.1', migrations={1: dict},"),
        kind="two",
    )
    file = site.configure(kinds=("acme", "two"))
    text = file.read_text()
    for version in ("2", "2.7"):
        file.write_text(text.replace('kind = "two"', f'kind = "two", settings_version = "{version}"'))
        assert site.here("plugins", "doctor").exit_code == 0
    file.write_text(file.read_text().replace('"2.7"', '"3.1"'))
    done = site.here("plugins", "doctor", "--json")
    assert done.exit_code == 78
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["code"], finding["about"]) == ("configuration.settings-version", "accounts.two")
    said = "its settings are of version 3.1, and transport two (acme-two 1.0) reads them up to 2.x"
    assert finding["message"] == said


def test_info_gives_a_plugin_that_hangs_five_seconds(site: Site) -> None:
    site.add("acme-hangs", of_kind("hangs") + "\nimport time\ntime.sleep(600)\n", kind="hangs")
    site.configure(kinds=("hangs",))
    (plugin,) = json.loads(site.here("plugins", "info", "hangs", "--json").stdout)
    assert (plugin["state"], plugin["reason"]) == ("broken", "importing it did not finish within 5 s")
