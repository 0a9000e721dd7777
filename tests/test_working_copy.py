"""What holds for the working copy as a whole: the README's commands, the lock, and what no file may say."""

import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "dev.txt"
HOSTS = [f"{name}.{top}" for name, top in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
HOMES = r"/(?:root|home/\w+|Users/\w+)|[A-Z]:\\Users\\\w+"


# --- the README's commands --------------------------------------------------------------------------------------------


def shell_blocks(markdown: str) -> list[str]:
    """The contents of the fenced blocks that are marked `sh`, in order."""
    blocks: list[str] = []
    language = None
    for line in markdown.splitlines():
        if line.startswith("```"):
            language = line[3:] if language is None else None
            if language == "sh":
                blocks.append("")
        elif language == "sh":
            blocks[-1] += line + "\n"
    return blocks


def test_readme_begins_with_the_two_commands_that_bootstrap_offers() -> None:
    blocks = shell_blocks((ROOT / "README.md").read_text("utf-8"))
    assert blocks[:2] == ["python3 bootstrap.py demo\n", "python3 bootstrap.py test\n"]
    offered = subprocess.run(
        [sys.executable, ROOT / "bootstrap.py", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"    {block.strip()} " in offered for block in blocks[:2])


def test_bootstrap_refuses_an_unknown_command() -> None:
    done = subprocess.run([sys.executable, ROOT / "bootstrap.py", "dmeo"], capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "bootstrap.py demo" in done.stdout


def test_ci_runs_the_command_of_the_second_block() -> None:
    awk = re.search(r"awk '(.+)' README.md", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert awk
    found = subprocess.run(["awk", awk[1], ROOT / "README.md"], capture_output=True, text=True, check=True).stdout
    assert found == shell_blocks((ROOT / "README.md").read_text("utf-8"))[1]


def test_shell_blocks_are_told_from_others() -> None:
    assert shell_blocks("```toml\na\n```\n```sh\nb\nc\n```\nsh\n```\n```\n```sh\nd\n```") == ["b\nc\n", "d\n"]


# --- the lock ---------------------------------------------------------------------------------------------------------


def wrong_lock(text: str) -> Iterator[str]:
    """What is wrong with a lock file: entries without version or hash, options, and places where packages come from."""
    for entry in re.sub(r" \\\n\s+", " ", text).splitlines():
        if not entry.strip() or entry.lstrip().startswith("#"):
            continue
        if not re.match(r"[a-z0-9-]+==\S+ (; .+ )?--hash=sha256:[0-9a-f]{64}", entry):
            yield f"{entry.split()[0]} is not pinned with a hash"
    if "://" in text or "--index" in text or "--find-links" in text:
        yield "it names where packages come from"


def test_lock_pins_everything_with_hashes_and_names_no_source() -> None:
    assert list(wrong_lock(LOCK.read_text("utf-8"))) == []


def test_lock_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "requirements" / "lock.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "requirements/dev.txt is up to date\n")


@pytest.mark.parametrize(
    "text",
    [
        "acme\n",
        "acme==1.0\n",
        "acme>=1.0 \\\n    --hash=sha256:" + "0" * 64,
        "acme @ file:///elsewhere/acme.whl\n",
        "--index-url https://example.org/simple\n",
    ],
)
def test_a_wrong_lock_is_found(text: str) -> None:
    assert list(wrong_lock(text))


def test_lock_covers_what_a_new_plugin_declares(tmp_path: Path) -> None:
    files = {
        "pyproject.toml": '[tool.uv.workspace]\nmembers = ["core", "plugins/*"]\n',
        "requirements/test.in": "# tools\npytest>=8\n",
        "core/pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "posthouse"\n'
        'dependencies = ["attrs>=24"]\n',
        "plugins/acme/pyproject.toml": '[build-system]\nrequires = ["hatchling"]\n[project]\nname = "posthouse-acme"\n'
        'dependencies = ["posthouse>=1", "acme-api>=2"]\noptional-dependencies = { kerberos = ["gssapi"] }\n'
        '[dependency-groups]\ntest = ["trustme", "Posthouse"]\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    inputs = runpy.run_path(str(ROOT / "requirements" / "lock.py"))["inputs"](tmp_path)
    assert inputs == ["acme-api>=2", "attrs>=24", "hatchling", "pytest>=8", "trustme"]  # no extra: some need a compiler


# --- what no file may say ---------------------------------------------------------------------------------------------


def unwanted(text: str) -> Iterator[str]:
    """Package registries' hosts, and paths that exist on one machine only."""
    yield from (host for host in HOSTS if host in text)
    here = "|".join(re.escape(str(place)) for place in (ROOT, Path.home()) if len(place.parts) > 2)
    yield from re.findall(rf"(?<![\w./-])(?:{HOMES}{'|' if here else ''}{here})[/\\]", text)


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    files = [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    found = {path: list(unwanted(path.read_text("utf-8", errors="ignore"))) for path in files}
    assert len(found) > 20
    assert {str(path.relative_to(ROOT)): places for path, places in found.items() if places} == {}


@pytest.mark.parametrize("text", [f"see {HOSTS[0]}", f"{ROOT}/core", "in /home" + "/ada/x", r"C:\Users" + r"\ada\x"])
def test_what_no_file_may_say_is_found(text: str) -> None:
    assert list(unwanted(text))


def test_what_every_machine_has_may_be_said() -> None:
    assert list(unwanted("/etc/ssl/certs, ~/.cache, /run/secrets/x and https://example.org/home/page/")) == []
