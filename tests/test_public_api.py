"""The interface that programs and plugins rely on: as promised, documented, annotated; a change of it is seen.

The snapshot of all public names and signatures is docs/reference/api.md; `test_docs_reference` compares it.
"""

from __future__ import annotations

import enum
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

import attrs
import pytest

import posthouse
from posthouse import AsyncMailer, Mailer, Message, Receipt, send_email

# --- what was promised ------------------------------------------------------------------------------------------------


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Names and defaults, in order; the marker ``*`` where keyword-only ones begin."""
    found: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in found:
            found["*"] = None
        found[parameter.name] = parameter.default
    return found


NO = inspect.Parameter.empty
ROUTE = {"*": None, "account": None, "user": None, "purpose": None}
PROMISED: list[tuple[str, dict[str, Any]]] = [
    ("from_config", {"path": None}),
    ("from_url", {"url": NO}),
    ("send", {"self": NO, "message": NO, **ROUTE}),
    ("send_many", {"self": NO, "messages": NO, **ROUTE}),
    ("check", {"self": NO, "message": NO, **ROUTE}),
    ("resolve", {"self": NO, "message": None, **ROUTE}),
]


@pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
@pytest.mark.parametrize(("name", "expected"), PROMISED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_mailers_methods_take_what_was_promised(mailer: type, name: str, expected: dict[str, Any]) -> None:
    assert parameters(getattr(mailer, name)) == expected


@pytest.mark.parametrize("mailer", [Mailer, AsyncMailer])
def test_the_mailers_test_an_account_and_send_a_mail_if_asked(mailer: type[Mailer | AsyncMailer]) -> None:
    found = parameters(mailer.test)
    assert list(found)[:3] == ["self", "account", "to"]
    assert found["to"] is None


def test_both_mailers_are_context_managers() -> None:
    assert all(hasattr(Mailer, name) for name in ("__enter__", "__exit__", "close"))
    assert all(hasattr(AsyncMailer, name) for name in ("__aenter__", "__aexit__", "close"))


def test_the_async_mailer_awaits_what_goes_over_the_network() -> None:
    assert inspect.iscoroutinefunction(AsyncMailer.send)
    assert inspect.iscoroutinefunction(AsyncMailer.test)
    assert inspect.isasyncgenfunction(AsyncMailer.send_many)


def test_the_two_mailers_have_the_same_methods() -> None:
    """`stream` is what a synchronous program has no use for; whatever else differs must be decided."""
    sync, both = ({name for name in dir(cls) if not name.startswith("_")} for cls in (Mailer, AsyncMailer))
    assert both - sync == {"stream"}
    assert sync - both == {"registry"}  # an attribute of AsyncMailer's instances


def test_send_email_is_made_for_scripts() -> None:
    expected = {"to": NO, "subject": NO, "body": NO, "html": False, "attachments": (), "account": None}
    assert parameters(send_email) == expected


def test_a_message_has_the_fields_that_were_promised_in_their_order() -> None:
    promised = "sender to cc bcc reply_to subject text html attachments inline headers priority date message_id"
    names = list(inspect.signature(Message).parameters)
    assert names[:16] == [*promised.split(), "list_unsubscribe", "request_dsn"]
    assert parameters(Message.from_email) == {"message": NO}
    assert parameters(Message.from_bytes) == {"raw": NO}


def test_a_receipt_prints_what_was_promised() -> None:
    receipt = Receipt(account="a", transport="t", message_id="<1@example.org>", recipients=())
    promised = {"account", "transport", "message_id", "outcome", "recipients", "error", "timings"}
    assert promised <= receipt.as_dict().keys()
    assert {outcome.value for outcome in posthouse.Outcome} == {"sent", "partial", "deferred", "failed", "uncertain"}


# --- every public name ------------------------------------------------------------------------------------------------


@cache
def packages() -> list[str]:
    names = {distribution.metadata["Name"].replace("-", "_") for distribution in metadata.distributions()}
    return sorted(name for name in names if name == "posthouse" or name.startswith("posthouse_"))


def public_modules() -> Iterator[ModuleType]:
    for name in packages():
        package = import_module(name)
        yield package
        for info in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not any(part.startswith("_") for part in info.name.split(".")):
                yield import_module(info.name)


MODULES = list(public_modules())


def public_things(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield functions and classes of a module, and the methods and properties of its classes."""
    for name in getattr(module, "__all__", ()):
        thing = getattr(module, name)
        if inspect.isclass(thing) and thing.__module__.partition(".")[0] in packages():
            yield name, thing
            yield from ((f"{name}.{below}", member) for below, member in members(thing))
        elif inspect.isfunction(thing) and thing.__module__.partition(".")[0] in packages():
            yield name, thing


def members(cls: type) -> Iterator[tuple[str, Any]]:
    fields = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    for name, member in vars(cls).items():
        if name.startswith("_") or name in fields:
            continue
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        if isinstance(plain, property):
            yield name, plain.fget
        elif isinstance(plain, cached_property):
            yield name, plain.func
        elif inspect.isfunction(plain) and plain.__module__.partition(".")[0] in packages():
            yield name, plain


def overrides(cls: type | None, name: str) -> bool:
    """Tell whether a method replaces one of a base class, which documents it."""
    bases: Iterable[type] = cls.__mro__[1:] if cls else ()
    return any(name in vars(base) and getattr(vars(base)[name], "__doc__", None) for base in bases)


def undocumented(module: Any) -> list[str]:
    missing = []
    for path, thing in public_things(module):
        owner, _, name = path.rpartition(".")
        cls = getattr(module, owner) if owner else None
        if not (thing.__doc__ or "").strip() and not overrides(cls, name):
            missing.append(path)
    return missing


def unannotated(module: Any) -> list[str]:
    missing = []
    for path, thing in public_things(module):
        if inspect.isclass(thing):
            continue
        signature = inspect.signature(thing)
        wanted = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
        if signature.return_annotation is NO or any(p.annotation is NO for p in wanted):
            missing.append(path)
    return missing


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_names_exist_sorted_and_documented(module: ModuleType) -> None:
    assert (module.__doc__ or "").strip()
    names = list(getattr(module, "__all__", ()))
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(module, name)] == []
    assert undocumented(module) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_public_functions_are_annotated(module: ModuleType) -> None:
    assert unannotated(module) == []


def test_modules_that_others_import_say_what_is_public() -> None:
    """What has no list is a built-in plugin, a command, or a folder of modules."""
    without = {module.__name__ for module in MODULES if not hasattr(module, "__all__")}
    plugins = {name for name in without if name.startswith("posthouse.authenticators")}
    assert without - plugins <= {
        "posthouse.cli.__main__",
        "posthouse.cli.commands",
        *packages(),
        *(module.__name__ for module in MODULES if hasattr(module, "__path__") and not dict(public_functions(module))),
    }


def public_functions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, thing in vars(module).items():
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__:
            yield name, thing


def test_enumerations_are_texts_so_that_they_can_be_written_down() -> None:
    public = [getattr(posthouse, name) for name in posthouse.__all__]
    enumerations = [thing for thing in public if inspect.isclass(thing) and issubclass(thing, enum.Enum)]
    assert len(enumerations) > 3
    assert all(issubclass(thing, str) for thing in enumerations)


def test_what_is_missing_is_found() -> None:
    module = ModuleType("posthouse.example")
    source = """
class Thing:
    def bare(self, x): pass
    def good(self, x: int) -> None:
        '''Do it.'''
def free(): pass
__all__ = ["Thing", "free"]
"""
    exec(source, vars(module) | {"__name__": "posthouse.example"}, vars(module))
    vars(module)["Thing"].__module__ = "posthouse.example"
    for function in (*vars(vars(module)["Thing"]).values(), vars(module)["free"]):
        if inspect.isfunction(function):
            function.__module__ = "posthouse.example"
    assert undocumented(module) == ["Thing", "Thing.bare", "free"]
    assert unannotated(module) == ["Thing.bare", "free"]
