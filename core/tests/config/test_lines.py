"""Each key's line, for every way that TOML has to write a key."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from posthouse._values import below_key
from posthouse.config.lines import key_lines

TRICKY = '''# comment = 1
a = 1 # b = 2
"quoted key" = "a = '[x]' # no comment"
text = """
not.a = 'key'
\\""" still"""""
literal = \'\'\'
[not.a.table]\'\'\'
path = 'C:\\'
floats = [1.5, 2e3,
  -inf, # more
  { in = { deep = 1 } },
]
date = 1979-05-27 07:32:00
dotted . "x.y" . 'z' = { p = 1, q.r = [] }

[table."sub.table"]
key = true
[[list]]
one = 1
[[list]]
two = 2
'''


def test_tricky_file() -> None:
    assert tomllib.loads(TRICKY)["path"] == "C:\\"
    expected = {
        "a": 2,
        '"quoted key"': 3,
        "text": 4,
        "literal": 7,
        "path": 9,
        "floats": 10,
        "floats.1": 10,
        "floats.2": 11,
        "floats.3.in.deep": 12,
        "date": 14,
        'dotted."x.y".z.p': 15,
        'dotted."x.y".z.q.r': 15,
        'table."sub.table"': 17,
        'table."sub.table".key': 18,
        "list": 19,
        "list.0": 19,
        "list.0.one": 20,
        "list.1": 21,
        "list.1.two": 22,
    }
    found = key_lines(TRICKY)
    assert {path: found.get(path) for path in expected} == expected
    assert not {"b", "not", "comment"} & set(found)


values = st.recursive(
    st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False) | st.text(max_size=9) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=5))
def test_every_key_of_any_file_has_a_line(data: dict[str, Any]) -> None:
    text = tomlkit.dumps(data)
    found = key_lines(text)
    count = text.count("\n") + 1
    for path in _paths(tomllib.loads(text), ""):
        assert 1 <= found[path] <= count


def _paths(table: dict[str, Any], prefix: str) -> list[str]:
    paths = []
    for key, value in table.items():
        path = f"{prefix}.{below_key(key)}" if prefix else below_key(key)
        paths += [path, *(_paths(value, path) if isinstance(value, dict) else [])]
    return paths
