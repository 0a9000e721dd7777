"""The page about the conformance kit: its grades, and each of its cases."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from docs.reference.markdown import code, doc, inline, summary, table

from posthouse.testing import (
    AuthenticatorContract,
    ExtensionContract,
    Grade,
    HttpServer,
    Peer,
    SignIn,
    TcpServer,
    TransportContract,
)
from posthouse.testing.contract import Contract
from posthouse.testing.grades import case_of
from posthouse.testing.http import Trouble
from posthouse.testing.papers import in_order

__all__ = ["conformance"]

_CONTRACTS: dict[str, type[Contract]] = {
    "Transports": TransportContract,
    "Authenticators": AuthenticatorContract,
    "Extensions": ExtensionContract,
}
_INTRODUCTION = """# The conformance kit

`posthouse.testing`, installed with `posthouse[testing]`, shows that a provider keeps what
Posthouse promises to programs. [Check a provider with the conformance
kit](../how-to/conformance-kit.md) has the steps; here is what it asks for.

## Grades
"""
_WHAT_COUNTS = """A case *does not apply* where the plugin does not claim what it is about: it has no such hook,
its description does not declare the capability, or the peer's `impossible` says why the
protocol cannot do it. That does not count against a grade, and the report names it. A case is
*not shown* where the author's peer cannot do what the case needs; that does count.

What is measured and not judged: the time that loading the plugin takes, as a multiple of what
Posthouse's own contract takes in the same process.
"""
_GRADES = (Grade.BRONZE, Grade.SILVER, Grade.GOLD)


def conformance() -> str:
    """Return the page."""
    return "\n".join(
        [
            _INTRODUCTION,
            inline(doc(Grade).partition("\n\n")[2]) + "\n",
            table(("Grade", "Meaning"), [(code(grade.value), text) for grade, text in _grades()]),
            _WHAT_COUNTS,
            *(_contract(title, contract) for title, contract in _CONTRACTS.items()),
            "## Peers\n",
            _methods("Peer", Peer),
            _methods("SignIn", SignIn),
            "## Servers\n",
            _fixture("http_server", HttpServer),
            table(("Trouble", "What happens to a request"), [(code(one.name), one.value) for one in Trouble]),
            _fixture("tcp_server", TcpServer),
        ]
    )


def _grades() -> Iterator[tuple[Grade, str]]:
    lines = inspect.getsource(Grade).split('"""')
    texts = dict(zip((line.split("=")[0].strip() for line in lines[2::2]), lines[3::2], strict=False))
    return ((grade, inline(texts[grade.name])) for grade in _GRADES)


def _contract(title: str, contract: type[Contract]) -> str:
    parts = [f"## {title}\n", f"`{contract.__name__}`: {summary(contract)}\n"]
    for grade in _GRADES:
        rows = [row for name, row in _cases(contract) if row[0] is grade]
        parts.append(f"### {title}: {grade.value}\n")
        parts.append(
            table(("Case", "What it shows", "For"), [(code(name), text, what) for _, name, text, what in rows])
        )
    return "\n".join(parts)


def _cases(contract: type[Contract]) -> Iterator[tuple[str, tuple[Grade, str, str, str]]]:
    for name in in_order(contract):
        function = getattr(contract, name)
        case = case_of(function)
        if case is not None:
            needs = [f"hook `{case.hook}`"] if case.hook else []
            needs += [f"capability `{case.capability}`"] if case.capability else []
            yield name, (case.grade, name, inline(inspect.getdoc(function) or ""), " and ".join(needs) or "all")


def _methods(name: str, cls: type) -> str:
    members = ((key, value) for key, value in vars(cls).items() if not key.startswith("_") and inspect.getdoc(value))
    functions = [(key, value) for key, value in members if callable(value) or isinstance(value, property)]
    return f"### {name}\n\n{doc(cls)}\n\n" + table(
        ("To override", "What it does"), [(code(key), summary(value)) for key, value in functions]
    )


def _fixture(name: str, cls: type) -> str:
    return f"### The fixture {code(name)}\n\n{doc(cls)}\n"
