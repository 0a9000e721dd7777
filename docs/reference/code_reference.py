"""The pages for people who program: errors, hooks, and every public name."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pluggy
from docs.reference.markdown import code, doc, inline, packages, signature, summary, table

import posthouse
import posthouse.errors
from posthouse import hookspecs, providers
from posthouse._scope import _HOOKS
from posthouse.cli.exit_codes import ExitCode, for_error
from posthouse.hints import ERRORS, HintTable

__all__ = ["api", "errors", "hooks"]

CLI_MODULES = ("posthouse.cli.invocation", "posthouse.cli.output")
PLUGIN_MODULES = (
    *(f"posthouse_esmtp.{name}" for name in ("capabilities", "connection", "opening", "probe", "settings", "testing")),
    "posthouse_sandbox",
)
_CODE = re.compile(r"[a-z-]+(\.[a-z0-9*-]+)*")


# --- errors -----------------------------------------------------------------------------------------------------------


def errors() -> str:
    """Return the page about errors, their codes and exit codes."""
    tree = re.search(r"::\n\n(.*?)\n\n(?=\S)", inspect.getdoc(posthouse.errors) or "", re.DOTALL)
    assert tree is not None
    classes = [
        cls
        for cls in _members(posthouse.errors)
        if inspect.isclass(cls) and issubclass(cls, posthouse.errors.PosthouseError)
    ]
    rows = [
        (code(cls.__name__), code(cls.default_code), cls.default_stage.value, *_exits(cls), summary(cls))
        for cls in classes
    ]
    codes: dict[tuple[str, str], dict[str, None]] = {}
    for name, cls, meaning in sorted(set(_codes())):
        codes.setdefault((name, cls), {})[meaning] = None
    return "\n".join(
        [
            "# Errors\n\nEverything that Posthouse raises is a `PosthouseError`:\n",
            f"```text\n{textwrap.dedent(tree[1])}\n```\n",
            "Each carries:\n",
            _arguments(posthouse.errors.PosthouseError),
            "\n## Classes\n\nThe exit codes are those of `posthouse`, for a lasting and a temporary error.\n",
            table(("Class", "Code", "Stage", "Exit", "if temporary", "Meaning"), rows),
            "## Stages\n\n"
            + ", ".join(code(stage.value) for stage in posthouse.errors.Stage)
            + ", in the order of the road.\n",
            "## Exit codes\n",
            table(("Code", "Name", "Meaning"), [(str(int(e)), e.name, text) for e, text in _enum_docs(ExitCode)]),
            (
                "## Codes\n\n`error.code` is stable. `*` stands for a word that is known only when it happens, `…` "
                "in a meaning for a name or number. A code is more special than the class's own.\n"
            ),
            table(
                ("Code", "Class", "Meaning"),
                [(code(c), cls and code(cls), " · ".join(filter(None, m))) for (c, cls), m in codes.items()],
            ),
        ]
    )


def _exits(cls: type[posthouse.errors.PosthouseError]) -> tuple[str, str]:
    lasting = cls("")
    passing = cls("")
    passing.temporary = True
    return str(int(for_error(lasting))), str(int(for_error(passing)))


def _arguments(cls: type[Any]) -> str:
    return "\n".join(line for line in doc(cls).splitlines() if line.startswith("- "))


def _codes() -> Iterator[tuple[str, str, str]]:
    """Find every code in the sources: ``code=`` of a call, or a text beside an error class in a table."""
    for package in packages():
        folder = Path(import_module(package).__path__[0])
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _codes_of_call(node)
    for hint in HintTable.load("posthouse_esmtp").hints:
        if hint.error_code:
            cls = ERRORS[hint.error_code.partition(".")[0]]
            yield hint.error_code, cls.__name__, "Known from an answer, see [hints](hints.md)."


def _codes_of_call(call: ast.Call) -> Iterator[tuple[str, str, str]]:
    names = [node.id for node in (call.func, *call.args) if isinstance(node, ast.Name)]
    cls = next(
        (name for name in names if isinstance(getattr(posthouse.errors, name, None), type) and name.endswith("Error")),
        "",
    )
    given = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    beside = [node for node in call.args[1:2] if cls and isinstance(call.args[0], ast.Name) and call.args[0].id == cls]
    for value in [*given, *beside]:
        for node in ast.walk(value) if not isinstance(value, ast.JoinedStr) else [value]:
            text = _template(node, "*")
            if text and _CODE.fullmatch(text) and (cls or "." in text):
                message = call.args[2] if beside and len(call.args) > 2 else call.args[0] if call.args else None
                yield text, cls, inline(_template(message, "…")) if message is not None else ""


def _template(node: ast.AST | None, blank: str) -> str:
    """Return a text, or an f-string with its gaps marked; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            blank if isinstance(part, ast.FormattedValue) else _template(part, blank) for part in node.values
        )
    if isinstance(node, ast.BinOp):
        return _template(node.left, blank) + _template(node.right, blank)
    return ""


# --- hooks ------------------------------------------------------------------------------------------------------------


def hooks() -> str:
    """Return the page about the contract with plugins."""
    groups = [
        (code(hookspecs.GROUPS[role]), _listed(rules["required"]), _listed(rules["optional"]))
        for role, rules in _HOOKS.items()
    ]
    parts = [
        (
            "# Hooks\n\nThe contract between Posthouse and its plugins. How to write one: "
            "[a provider of your own](../how-to/write-a-provider.md).\n"
        ),
        table(("Entry point group", "Must have", "May have"), groups),
        (inspect.getdoc(hookspecs) or "").rpartition("=\n")[2].replace("``", "`").strip() + "\n",
        "## The hooks\n",
    ]
    manager = pluggy.PluginManager("posthouse")
    for name, function in vars(hookspecs).items():
        if inspect.isfunction(function) and manager.parse_hookspec_opts(hookspecs, name):
            word = (
                "async def" if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) else "def"
            )
            parts.append(f"### {name}\n\n```python\n{word} {name}{signature(function)}\n```\n\n{doc(function)}\n")
    parts.append("## What hooks are handed and return\n")
    parts += [f"### {cls.__name__}\n\n{doc(cls)}\n{_enum_list(cls)}" for cls in _members(providers)]
    return "\n".join(parts)


def _listed(names: set[str]) -> str:
    order = list(vars(hookspecs))
    return ", ".join(code(name) for name in sorted(names, key=order.index))


# --- every public name ------------------------------------------------------------------------------------------------


def api() -> str:
    """Return the page that names everything public, with its signature. A change of it is a decision."""
    parts = [
        (
            "# Public names\n\nEverything that a program or a plugin may use, with its signature; what is not here may "
            "change without notice. A difference in this file is a change of the interface.\n"
        )
    ]
    parts += ["## posthouse\n", *(_entry(getattr(posthouse, name), name) for name in posthouse.__all__)]
    for module in public_modules():
        parts += [f"## {module.__name__}\n\n{summary(module)}\n", *(_reference(module, n) for n in module.__all__)]
    return "\n".join(parts)


def public_modules() -> list[ModuleType]:
    """Return the modules that others may import, below `posthouse` itself.

    The command line is a program; of its modules a plugin may use those that its own commands need.
    """
    modules = [module for module in _sources(posthouse) if _is_public(module)]
    return modules + [import_module(name) for name in PLUGIN_MODULES]


def _is_public(module: ModuleType) -> bool:
    name = module.__name__
    inside = name.startswith(("posthouse.cli", "posthouse.authenticators", "posthouse.config.", "posthouse.mime."))
    return (
        hasattr(module, "__all__") and "._" not in name and name != "posthouse" and not inside
    ) or name in CLI_MODULES


def _reference(module: ModuleType, name: str) -> str:
    thing = getattr(module, name)
    if module.__name__ != "posthouse" and getattr(posthouse, name, None) is thing and name in posthouse.__all__:
        return f"- {code(name)}: see [posthouse](#posthouse)\n"
    home = getattr(thing, "__module__", module.__name__)
    if home != module.__name__ and home in {other.__name__ for other in public_modules()}:
        return f"- {code(name)}: from {code(home)}\n"
    return _entry(thing, name)


def _entry(thing: Any, name: str) -> str:
    if inspect.isclass(thing):
        if issubclass(thing, enum.Enum):
            members = ", ".join(f"{member.name} = {member.value!r}" for member in thing)
            return f"- {code(f'class {name}: {members}')}\n"
        is_protocol = getattr(thing, "_is_protocol", False)
        head = f"class {name}" + ("" if is_protocol or _without_signature(thing) else signature(thing))
        return f"- {code(head)}\n" + "".join(f"    - {line}\n" for line in _class_members(thing))
    if inspect.isroutine(thing):
        word = "async def" if inspect.iscoroutinefunction(thing) or inspect.isasyncgenfunction(thing) else "def"
        return f"- {code(f'{word} {name}{signature(thing)}')}\n"
    return f"- {code(name)}\n"


def _without_signature(cls: type[Any]) -> bool:
    return issubclass(cls, Exception) and "__init__" not in vars(cls)


def _class_members(cls: type[Any]) -> Iterator[str]:
    fields = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    for name, member in vars(cls).items():
        if name.startswith("_") or name in fields:
            continue
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if isinstance(plain, property | functools.cached_property):
            getter: Any = plain.fget if isinstance(plain, property) else plain.func
            yield code(f"{name}: {inspect.signature(getter).return_annotation!s}")
        elif inspect.isfunction(plain):
            word = "async def" if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain) else "def"
            kind = "@classmethod " if isinstance(member, classmethod) else ""
            yield code(f"{kind}{word} {name}{signature(plain)}")


# --- helpers ----------------------------------------------------------------------------------------------------------


def _sources(package: ModuleType) -> Iterator[ModuleType]:
    """Yield a package and everything in it, in a stable order."""
    yield package
    if hasattr(package, "__path__"):
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for name in sorted(info.name for info in found if not info.name.endswith("__main__")):
            yield import_module(name)


def _members(module: ModuleType) -> list[Any]:
    order = inspect.getsource(module)
    found = [getattr(module, name) for name in module.__all__]
    classes = [thing for thing in found if inspect.isclass(thing)]
    return sorted(classes, key=lambda cls: order.index(f"class {cls.__name__}"))


def _enum_docs(cls: type[enum.Enum]) -> Iterator[tuple[Any, str]]:
    """Yield each member with the text that stands below it."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    texts: dict[str, str] = {}
    for statement, following in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            text = following.value if isinstance(following, ast.Expr) else None
            texts[statement.targets[0].id] = inline(_template(text, ""))
    yield from ((member, texts[member.name]) for member in cls)


def _enum_list(cls: type[Any]) -> str:
    if not issubclass(cls, enum.Enum):
        return ""
    lines = [f"- {code(str(member.value))}{': ' + text if text else ''}" for member, text in _enum_docs(cls)]
    return "\n" + "\n".join(lines) + "\n"
