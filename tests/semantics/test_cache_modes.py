"""The table again, with every way of keeping results: what is shown never depends on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from comfy_notebook.compat.extensions import read_extension, read_mappings
from comfy_notebook.engine import Engine, EventBus, ResultCache
from comfy_notebook.protocol.registry import Registry

from . import pack
from .cases import CASES, Case

RUNS = [case for case in CASES if case.outputs and not case.refused]


@pytest.fixture(scope="module", params=[("ram",), ("ram", 1), ("classic",), ("lru", 2), ("none",)], ids=str)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    registry = Registry()
    for found in (read_mappings(pack.NODE_CLASS_MAPPINGS, None, "x"), read_extension(pack.comfy_entrypoint, "x")):
        for definition in found.definitions:
            registry.register(definition)
    made = Engine(registry, EventBus(), cache=ResultCache(*request.param))
    yield made
    made.shutdown()


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case.name)
def test_results_do_not_depend_on_what_is_kept(engine: Engine, case: Case) -> None:
    for _ in range(2):
        submission = engine.submit(case.prompt, targets=case.targets)
        entry = engine.wait(submission.prompt_id, 30)
        assert entry["status"]["completed"], entry["status"]["messages"]
        assert entry["outputs"] == case.outputs
