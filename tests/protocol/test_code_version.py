"""Fingerprints of code written in a notebook: what the code reaches in ``__main__`` counts as it is now."""

from __future__ import annotations

import types
from typing import Any

import pytest

from comfy_notebook.protocol.code_version import class_version, function_version
from comfy_notebook.protocol.function import definition_from_function

HELPER = "def scale(x): return x * {0}\n"
DEEP = "def inner(x): return x * {0}\ndef scale(x): return inner(x)\n"
NODE = "def f(a): return scale(a)\n"
REACHED = [
    ("a helper", HELPER, NODE),
    ("a helper of a helper", DEEP, NODE),
    ("a number", "K = {0}\n", "def f(a): return a * K\n"),
    ("a list", "K = [1, [{0}]]\n", "def f(a): return K[0]\n"),
    ("a dict", "K = {{'x': {0}}}\n", "def f(a): return K['x']\n"),
    ("a set", "K = {{'a', 'b', {0}}}\n", "def f(a): return a in K\n"),
    ("an object's attributes", "import types\nK = types.SimpleNamespace(x={0})\n", "def f(a): return K.x\n"),
    ("a class", "class K:\n x = {0}\n def m(self): return self.x\n", "def f(a): return K().m()\n"),
    ("a method", "class K:\n def m(self): return {0}\n", "def f(a): return K().m()\n"),
    ("a base class", "class B:\n def m(self): return {0}\nclass K(B): pass\n", "def f(a): return K().m()\n"),
    ("an instance", "class C:\n def __init__(self, x): self.x = x\nK = C({0})\n", "def f(a): return K.x\n"),
    ("a helper used inside a lambda", HELPER, "def f(a): return list(map(lambda x: scale(x), [a]))\n"),
    ("a helper used in a comprehension", HELPER, "def f(a): return [scale(x) for x in [a]]\n"),
    ("a decorated helper", f"import functools\n@functools.lru_cache\n{HELPER}", NODE),
    ("a partial", "import functools\ndef g(k, x): return x\nscale = functools.partial(g, {0})\n", NODE),
    ("a default of a helper", "def scale(x, by={0}): return x\n", NODE),
    ("an enum member", "import enum\nclass E(enum.Enum):\n A = {0}\nK = E.A\n", "def f(a): return K\n"),
]  # fmt: skip


class Notebook:
    """Cells run one after the other in one ``__main__``."""

    def __init__(self, *cells: str) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        for cell in cells:
            self.run(cell)

    def run(self, cell: str) -> None:
        exec(cell, self.names)


@pytest.mark.parametrize(("helper", "node"), [row[1:] for row in REACHED], ids=[row[0] for row in REACHED])
def test_what_a_node_reaches_by_global_name_counts(helper: str, node: str) -> None:
    notebook = Notebook(helper.format(1), node)
    definition = definition_from_function(notebook.names["f"])
    first = definition.code_version
    notebook.run(helper.format(1))
    assert definition.code_version == first, "the same cell run again changes nothing"
    notebook.run(helper.format(2))
    assert definition.code_version != first
    notebook.run(helper.format(1))
    assert definition.code_version == first


@pytest.mark.parametrize(
    "node",
    [
        "def f(a):\n global n\n n += 1\n return n\n",
        "def f(a):\n seen.append(a)\n return a\n",
        "def f(a):\n cache[a] = a\n return cache[a]\n",
        "def f(a):\n cache.setdefault(a, 1)\n return a\n",
        "def f(a):\n cache[1] += 1\n return a\n",
        "def f(a):\n state.count = a\n return a\n",
        "def f(a):\n state.count += 1\n return a\n",
    ],
)
def test_what_a_node_changes_itself_does_not_count(node: str) -> None:
    notebook = Notebook("import types\nn, seen, cache, state = 0, [], {1: 1}, types.SimpleNamespace(count=0)", node)
    before = function_version(notebook.names["f"])
    notebook.names["f"](7)
    assert function_version(notebook.names["f"]) == before


@pytest.mark.parametrize(
    "node",
    [
        "def f(a): return K < a < 9",
        "def f(a): return K or a",
        "def f(a): return a if K and a else 0",
        "def f(a): return a[K]",
        "def f(a):\n a[K] = 1",
        "def f(a):\n a[K] += 1",
        "def f(a):\n a.x = K",
    ],
)
def test_what_is_only_read_counts(node: str) -> None:
    notebook = Notebook("K = 1", node)
    before = function_version(notebook.names["f"])
    notebook.run("K = 2")
    assert function_version(notebook.names["f"]) != before


def test_circles_and_long_chains_end() -> None:
    notebook = Notebook("def f(a): return g(a)\ndef g(a): return f(a)\n")
    assert function_version(notebook.names["f"]) == function_version(notebook.names["f"])
    notebook.run("K = []\nK.append(K)\ndef f(a): return K\n")
    assert function_version(notebook.names["f"])
    notebook.run("".join(f"def h{i}(): return h{i + 1}()\n" for i in range(3000)) + "def f(a): return h0()\n")
    assert function_version(notebook.names["f"])
    notebook.run("K = [[[0] * 1000] * 1000] * 1000\ndef f(a): return K\n")
    assert function_version(notebook.names["f"])


def test_modules_and_missing_names_are_left_alone() -> None:
    notebook = Notebook("import math\ndef f(a): return math.sin(a) + nowhere + len('x')\n")
    before = function_version(notebook.names["f"])
    notebook.names["other"] = 1
    assert function_version(notebook.names["f"]) == before
    notebook.names["nowhere"] = 1
    assert function_version(notebook.names["f"]) != before


def test_classes_of_the_notebook_follow_their_helpers_too() -> None:
    notebook = Notebook("def h(): return 1\nclass Node:\n def go(self): return h()\n")
    before = class_version(notebook.names["Node"])
    notebook.run("def h(): return 2\n")
    assert class_version(notebook.names["Node"]) != before
    assert class_version(types.SimpleNamespace) == ""
