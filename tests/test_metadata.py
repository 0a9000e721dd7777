"""What every distribution must have; every rule is shown to be able to fail."""

import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROLES = {f"posthouse.{role}.v1" for role in ("transports", "authenticators", "extensions")}
PYTHONS = ["3.11", "3.12", "3.13"]


def read_project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))


def find_distributions() -> list[Path]:
    members = read_project(ROOT)["tool"]["uv"]["workspace"]["members"]
    return [path.parent for member in members for path in sorted(ROOT.glob(f"{member}/pyproject.toml"))]


DISTRIBUTIONS = find_distributions()
each_distribution = pytest.mark.parametrize("folder", DISTRIBUTIONS, ids=lambda folder: folder.name)


# --- rules for one distribution: what is wrong with the folder, one sentence each -------------------------------------


def wrong_names(folder: Path) -> Iterator[str]:
    project = read_project(folder)["project"]
    suffix = "" if folder.name == "core" else f"-{folder.name}"
    if project["name"] != f"posthouse{suffix}":
        yield f"the distribution is called {project['name']}, not posthouse{suffix}"
    package = f"posthouse{suffix}".replace("-", "_")
    if [path.name for path in (folder / "src").iterdir() if path.is_dir()] != [package]:
        yield f"src holds something else than the package {package}"
    for group in ROLES & set(project.get("entry-points", {})):
        names = list(project["entry-points"][group])
        if folder.name != "core" and names != [folder.name]:
            yield f"{group} lists {names}, not [{folder.name!r}]"


def missing_files(folder: Path) -> Iterator[str]:
    project = read_project(folder)["project"]
    wanted = ["README.md", "CHANGELOG.md", "src/*/py.typed", "tests/**/test_*.py"]
    if ROLES & set(project.get("entry-points", {})):
        wanted.append("tests/test_contract.py")
    yield from (f"{pattern} is missing" for pattern in wanted if not any(folder.glob(pattern)))
    licence = folder / "LICENSE"  # a copy, since a wheel can only take in what is in its own folder
    if not licence.is_file() or licence.read_bytes() != (ROOT / "LICENSE").read_bytes():
        yield "LICENSE is missing or not the workspace's"


def wrong_metadata(folder: Path) -> Iterator[str]:
    project = read_project(folder)["project"]
    expected = {"license": "MIT", "requires-python": ">=3.11", "readme": "README.md"}
    yield from (f"{key} is not {value}" for key, value in expected.items() if project.get(key) != value)
    yield from (f"{key} is missing" for key in ("description", "authors", "keywords") if not project.get(key))
    prefix = "Programming Language :: Python :: "
    classifiers = project.get("classifiers", [])
    if [line.removeprefix(prefix) for line in classifiers if line.startswith(prefix)] != PYTHONS:
        yield f"the classifiers do not name Python {', '.join(PYTHONS)}"
    if "Typing :: Typed" not in classifiers:
        yield "the classifier Typing :: Typed is missing"


def unrecorded_version(folder: Path) -> Iterator[str]:
    version = read_project(folder)["project"]["version"]
    if f"\n## [{version}]" not in (folder / "CHANGELOG.md").read_text("utf-8"):
        yield f"CHANGELOG.md has no entry for {version}"


def wrong_wheel(wheel: Path, package: str) -> Iterator[str]:
    names = ZipFile(wheel).namelist()
    if f"{package}/py.typed" not in names:
        yield f"{package}/py.typed is not in the wheel"
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        yield "LICENSE is not in the wheel"
    for name in names:
        top, *rest = name.split("/")
        tests = "tests" in rest and "templates" not in rest  # a template brings tests for whoever fills it in
        if (top != package and not top.endswith(".dist-info")) or tests:
            yield f"{name} does not belong in the wheel"


FOLDER_RULES = [wrong_names, missing_files, wrong_metadata, unrecorded_version]


@each_distribution
@pytest.mark.parametrize("rule", FOLDER_RULES, ids=lambda rule: rule.__name__)
def test_distribution_keeps_the_rule(folder: Path, rule: Callable[[Path], Iterator[str]]) -> None:
    assert list(rule(folder)) == []


@each_distribution
def test_wheel_holds_the_package_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    wheel = build_wheel(folder, tmp_path)
    assert list(wrong_wheel(wheel, next(path.name for path in (folder / "src").iterdir()))) == []


def build_wheel(folder: Path, target: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (wheel,) = target.glob("*.whl")
    return wheel


def test_all_distributions_have_one_version() -> None:
    assert len({read_project(folder)["project"]["version"] for folder in DISTRIBUTIONS}) == 1


@pytest.mark.parametrize(
    ("name", "value", "group"),
    [
        pytest.param(name, value, group, id=name)
        for folder in DISTRIBUTIONS
        for group, entries in read_project(folder)["project"].get("entry-points", {}).items()
        if group in ROLES
        for name, value in entries.items()
    ],
)
def test_kind_equals_entry_point_name(name: str, value: str, group: str) -> None:
    description = EntryPoint(name, value, group).load().describe()
    assert (description.name if "extensions" in group else description.kind) == name


# --- the rules can fail -----------------------------------------------------------------------------------------------


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """A distribution that keeps every rule, for a test to spoil."""
    folder = tmp_path / "acme"
    files = {
        "pyproject.toml": (ROOT / "plugins/smtp/pyproject.toml").read_text("utf-8").replace("smtp", "acme"),
        "LICENSE": (ROOT / "LICENSE").read_text("utf-8"),
        "README.md": "# posthouse-acme\n",
        "CHANGELOG.md": "# Changelog\n\n## [1.0.0] - unreleased\n",
        "src/posthouse_acme/__init__.py": "",
        "src/posthouse_acme/py.typed": "",
        "tests/test_contract.py": "",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def test_a_good_distribution_keeps_every_rule(distribution: Path) -> None:
    assert [problem for rule in FOLDER_RULES for problem in rule(distribution)] == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('name = "posthouse-acme"', 'name = "acme"', "called acme"),
        ('acme = "posthouse_acme"', 'other = "posthouse_acme"', "lists ['other']"),
        ('license = "MIT"', 'license = "BSD-3-Clause"', "license is not MIT"),
        (">=3.11", ">=3.12", "requires-python is not"),
        ('"Programming Language :: Python :: 3.12",', "", "do not name Python"),
        ('"Typing :: Typed",', "", "Typed is missing"),
        ("keywords", "other-words", "keywords is missing"),
        ('version = "1.0.0"', 'version = "1.0.1"', "no entry for 1.0.1"),
    ],
)
def test_wrong_metadata_is_found(distribution: Path, old: str, new: str, problem: str) -> None:
    path = distribution / "pyproject.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert problem in "; ".join(found for rule in FOLDER_RULES for found in rule(distribution))


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "LICENSE", "src/posthouse_acme/py.typed", "tests/test_contract.py"]
)
def test_a_missing_file_is_found(distribution: Path, name: str) -> None:
    (distribution / name).unlink()
    pattern = name.replace("posthouse_acme", "*")
    assert any(problem.startswith(f"{pattern} is missing") for problem in missing_files(distribution))


def test_what_does_not_belong_in_a_wheel_is_found(distribution: Path, tmp_path: Path) -> None:
    wheel = build_wheel(distribution, tmp_path / "good")
    assert list(wrong_wheel(wheel, "posthouse_acme")) == []
    (distribution / "LICENSE").unlink()
    (distribution / "src/posthouse_acme/py.typed").unlink()
    (distribution / "src/posthouse_acme/tests").mkdir()
    (distribution / "src/posthouse_acme/tests/test_x.py").write_text("")
    (distribution / "src/stray").mkdir()
    (distribution / "src/stray/__init__.py").write_text("")
    project = distribution / "pyproject.toml"
    project.write_text(
        project.read_text("utf-8").replace('["src/posthouse_acme"]', '["src/posthouse_acme", "src/stray"]'), "utf-8"
    )
    problems = "; ".join(wrong_wheel(build_wheel(distribution, tmp_path / "bad"), "posthouse_acme"))
    assert all(
        name in problems
        for name in ("LICENSE is not", "py.typed is not", "tests/test_x.py does not", "stray/__init__.py does not")
    )
    assert "src holds something else" in "; ".join(wrong_names(distribution))
