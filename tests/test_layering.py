"""Who may import whom, and that `import posthouse` stays light; every rule is shown to be able to fail."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SMTP_TRANSPORTS = {"posthouse_smtp", "posthouse_smtps", "posthouse_starttls"}
HEAVY = {"aiosmtplib", "cattrs", "click", "cryptography", "keyring", "rich", "tomlkit"}


@dataclass(frozen=True)
class Import:
    """One name taken from a module; an empty name means the module itself."""

    module: str
    name: str
    line: int

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Module:
    path: Path
    name: str
    layer: str  # "core", "plugins" or "contrib"


def find_modules() -> list[Module]:
    members = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["workspace"]["members"]
    return [
        Module(path, ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__"), layer)
        for member in members
        for layer in [member.partition("/")[0]]
        for source in sorted(ROOT.glob(f"{member}/src"))
        for path in sorted(source.rglob("*.py"))
    ]


def imports(source: str) -> Iterator[Import]:
    """Every absolute import in the source, wherever it stands; a literal `import_module("x")` counts."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, "", node.lineno) for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield from (Import(module, alias.name, node.lineno) for alias in names)
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), args=[ast.Constant(str(module)), *_]):
                if called in {"import_module", "__import__"}:
                    yield Import(module, "", node.lineno)


def exported(source: str) -> set[str]:
    """The public names of a module: its `__all__`, else what it defines itself without a leading underscore."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name("__all__")], value=ast.expr() as value):
                return set(ast.literal_eval(value))
            case ast.AnnAssign(target=ast.Name("__all__"), value=ast.expr() as value):
                return set(ast.literal_eval(value))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def may_import(importer: str, layer: str, imported: str, layers: dict[str, str]) -> bool:
    """Tell whether a package of a layer may import another package of the workspace at all."""
    if layer == "core":
        return False
    if imported == "posthouse_esmtp":
        return layer == "contrib" or importer in SMTP_TRANSPORTS
    return layers[imported] == "core" or layer == "contrib"


def is_public(found: Import, exports: dict[str, set[str]]) -> bool:
    """Tell whether what is imported is a public module, or a name that a public module exports."""
    if any(part.startswith("_") for part in found.module.split(".")) or found.module not in exports:
        return False
    return (
        not found.name
        or found.name in exports[found.module]
        or is_public(Import(f"{found.module}.{found.name}", "", found.line), exports)
    )


def violations(source: str, importer: str, layers: dict[str, str], exports: dict[str, set[str]]) -> list[str]:
    """Return what is wrong with a source file of the package `importer`, one sentence each."""
    problems = []
    for found in imports(source):
        if found.package == importer or found.package not in layers:
            continue
        what = f"line {found.line}: {importer} imports {found.module} {found.name}".rstrip()
        if not may_import(importer, layers[importer], found.package, layers):
            problems.append(f"{what}, which its layer must not know")
        elif not is_public(found, exports):
            problems.append(f"{what}, which is not public")
    return problems


MODULES = find_modules()
LAYERS = {module.name: module.layer for module in MODULES if "." not in module.name}
EXPORTS = {module.name: exported(module.path.read_text("utf-8")) for module in MODULES}


def test_the_workspace_is_found() -> None:
    assert LAYERS["posthouse"] == "core"
    assert LAYERS["posthouse_esmtp"] == "plugins"
    assert LAYERS["posthouse_sandbox"] == "contrib"
    assert "Message" in EXPORTS["posthouse"]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_imports_respect_the_layers(module: Module) -> None:
    importer = module.name.partition(".")[0]
    assert violations(module.path.read_text("utf-8"), importer, LAYERS, EXPORTS) == []


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("posthouse", "import posthouse_smtp"),
        ("posthouse", "def f():\n    from posthouse_esmtp import anything"),
        ("posthouse", "import importlib\nimportlib.import_module('posthouse_smtp')"),
        ("posthouse", "import posthouse_sandbox"),
        ("posthouse_smtp", "import posthouse_starttls"),
        ("posthouse_smtp", "from posthouse_sandbox import anything"),
        ("posthouse_smtp", "from posthouse import _engine"),
        ("posthouse_smtp", "from posthouse._engine import Engine"),
        ("posthouse_smtp", "from posthouse.errors import _private"),
        ("posthouse_smtp", "from posthouse.errors import frozen"),
        ("posthouse_smtp", "from posthouse.errors import *"),
        ("posthouse_smtp", "from posthouse.nowhere import Name"),
        ("posthouse_smtp", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import posthouse._engine"),
        ("posthouse_sandbox", "from posthouse._engine import Engine"),
        ("posthouse_graph", "from posthouse_esmtp import anything"),
        ("posthouse_esmtp", "import posthouse_smtp"),
    ],
)
def test_a_forbidden_import_is_found(importer: str, source: str) -> None:
    layers = {**LAYERS, "posthouse_graph": "plugins"}
    exports = {**EXPORTS, "posthouse_esmtp": {"anything"}, "posthouse_sandbox": {"anything"}}
    assert len(violations(source, importer, layers, exports)) == 1


@pytest.mark.parametrize(
    ("importer", "source"),
    [
        ("posthouse", "from posthouse._engine import Engine\nfrom . import _scope\nimport attrs"),
        ("posthouse_smtp", "from posthouse import errors\nfrom posthouse import Message\nimport posthouse.errors"),
        ("posthouse_smtp", "from posthouse.errors import PosthouseError"),
        ("posthouse_starttls", "from posthouse_esmtp import anything"),
        ("posthouse_sandbox", "from posthouse_esmtp import anything"),
    ],
)
def test_an_allowed_import_is_allowed(importer: str, source: str) -> None:
    assert violations(source, importer, LAYERS, {**EXPORTS, "posthouse_esmtp": {"anything"}}) == []


def test_names_without_all_are_public_unless_they_are_private_or_imported() -> None:
    source = "import os\nfrom x import y\nA = 1\nB: int = 2\n_c = 3\nclass D: ...\nasync def e(): ...\ndef _f(): ..."
    assert exported(source) == {"A", "B", "D", "e"}
    assert exported(source + "\n__all__ = ['A']") == exported(source + "\n__all__: list[str] = ['A']") == {"A"}


def imported_modules(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_posthouse_loads_no_heavy_library() -> None:
    assert imported_modules("import posthouse") & HEAVY == set()


def test_a_heavy_import_would_be_noticed() -> None:
    assert imported_modules("import posthouse, click") & HEAVY == {"click"}
