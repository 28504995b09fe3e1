"""A changed pack without a kernel restart."""

from __future__ import annotations

from typing import Any

from comfy_notebook.packs.finding import source_of
from comfy_notebook.packs.loader import PackLoader
from comfy_notebook.protocol.registry import RegistryChange

from .conftest import WritePack, node_source

PROMPT = {
    "1": {"class_type": "Answer", "inputs": {}},
    "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
}


def answer(loader: PackLoader) -> Any:
    engine = loader.session.engine
    done = engine.submit(PROMPT)
    engine.wait(done.prompt_id, 30)
    values = engine.values(done.prompt_id, "1")
    assert values is not None
    return values[0][0]


def test_new_code_runs_and_old_results_are_stale(loader: PackLoader, write_pack: WritePack) -> None:
    folder = write_pack(
        "changing", "from .value import VALUE\n" + node_source().replace("42", "VALUE"), {"value.py": "VALUE = 1"}
    )
    source = source_of(folder)
    loader.load(source)
    assert answer(loader) == 1
    before = loader.session.engine.signatures(PROMPT)
    changes: list[RegistryChange] = []
    loader.session.registry.subscribe(changes.append)
    loader.load(source)  # nothing changed: nothing happens
    assert changes == []
    (folder / "value.py").write_text("VALUE = 2")
    report = loader.load(source)
    assert report.ok, report
    assert [change.name for change in changes] == ["Answer"]
    assert loader.session.engine.signatures(PROMPT)["1"] != before["1"]
    assert answer(loader) == 2


def test_nodes_that_are_gone_are_taken_away(loader: PackLoader, write_pack: WritePack) -> None:
    folder = write_pack("changing", node_source("Old"))
    loader.load(source_of(folder))
    (folder / "__init__.py").write_text(node_source("New"))
    loader.load(source_of(folder))
    assert "Old" not in loader.session.registry
    assert "New" in loader.session.registry


def test_code_that_fails_leaves_the_old_nodes(loader: PackLoader, write_pack: WritePack) -> None:
    folder = write_pack("changing", node_source(value=5))
    loader.load(source_of(folder))
    (folder / "__init__.py").write_text("import a_package_nobody_has")
    report = loader.load(source_of(folder))
    assert not report.ok
    assert "a_package_nobody_has" in str(report)
    assert answer(loader) == 5
    (folder / "__init__.py").write_text(node_source(value=6))
    assert loader.load(source_of(folder)).ok
    assert answer(loader) == 6


def test_reload_changed_finds_them_all(loader: PackLoader, write_pack: WritePack) -> None:
    one, two = write_pack("one", node_source("One")), write_pack("two", node_source("Two"))
    loader.load_all()
    (two / "__init__.py").write_text(node_source("Two", 3))
    assert [report.name for report in loader.reload_changed()] == ["two"]
    assert loader.reload_changed() == []
    assert one.is_dir()


ROUTES = """
from aiohttp import web
from server import PromptServer

@PromptServer.instance.routes.get("/changing/version")
async def version(request):
    return web.json_response(VERSION)

PromptServer.instance.add_on_prompt_handler(lambda json: (CALLS.append(VERSION), json)[1])
NODE_CLASS_MAPPINGS = {}
WEB_DIRECTORY = "."
"""


def test_routes_and_prompt_handlers_of_old_code_go(loader: PackLoader, write_pack: WritePack) -> None:
    import builtins

    calls: list[int] = []
    builtins.CALLS = calls  # type: ignore[attr-defined]
    try:
        folder = write_pack("changing", "VERSION = 1\n" + ROUTES)
        loader.load(source_of(folder))
        (folder / "__init__.py").write_text("VERSION = 2\n" + ROUTES)
        loader.load(source_of(folder))
        assert len(loader.session.packs.routes.table) == 1
        loader.session.engine.submit({"1": {"class_type": "PreviewAny", "inputs": {"source": "x"}}})
        assert calls == [2]
    finally:
        del builtins.CALLS  # type: ignore[attr-defined]
