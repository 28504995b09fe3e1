"""The arrows between the packages: who may import whom, and what stays unloaded until somebody needs it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "comfy_notebook"
EVERYTHING_BELOW_WIDGET = {
    "protocol", "workflow", "engine", "server", "nodes", "diffusion", "folders", "packs", "compat", "session",
}  # fmt: skip
ALLOWED = {
    "protocol": set(),
    "folders": set(),
    "workflow": {"protocol", "folders"},
    "engine": {"protocol", "workflow", "folders"},
    "nodes": {"protocol", "folders", "diffusion"},
    "diffusion": {"protocol", "folders"},
    "packs": EVERYTHING_BELOW_WIDGET,
    "compat": EVERYTHING_BELOW_WIDGET,
    "server": {"protocol", "workflow", "engine", "folders", "packs"},
    "session": EVERYTHING_BELOW_WIDGET,
    "api": EVERYTHING_BELOW_WIDGET,
    "widget": EVERYTHING_BELOW_WIDGET | {"api"},
}
# ``nodes`` writes workflow metadata into the files it saves; reading and writing it is the workflow package's.
EXCEPTIONS = {("nodes", "workflow.metadata")}
FORBIDDEN = {
    part: {"torch", "ipywidgets", "anywidget", "aiohttp", "diffusers"} for part in ("protocol", "workflow", "engine")
} | {
    "server": {"ipywidgets", "anywidget"},
    "compat": {"ipywidgets", "anywidget"},
    "nodes": {"ipywidgets", "anywidget", "aiohttp"},
}


def modules(part: str) -> Iterator[Path]:
    single = PACKAGE / f"{part}.py"
    if single.exists():
        yield single
    yield from sorted((PACKAGE / part).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """``(line, absolute dotted name)`` of every import, also inside functions, but not under ``TYPE_CHECKING``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["comfy_notebook", *path.relative_to(PACKAGE).with_suffix("").parts[:-1]]
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_packages_import_only_what_lies_below_them(part: str) -> None:
    wrong = []
    for path in modules(part):
        for line, name in imports(path):
            first, *rest = name.split(".")
            if first != "comfy_notebook" or not rest or not (PACKAGE / rest[0]).exists():
                continue
            target = rest[0]
            excepted = any(target_name == ".".join(rest[: target_name.count(".") + 1]) and who == part
                           for who, target_name in EXCEPTIONS)  # fmt: skip
            if target != part and target not in ALLOWED[part] and not excepted:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", sorted(FORBIDDEN))
def test_the_lower_packages_do_without_heavy_libraries(part: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in modules(part)
        for line, name in imports(path)
        if name.split(".")[0] in FORBIDDEN[part]
    ]
    assert not wrong, "\n".join(wrong)


def test_declaring_nodes_imports_no_torch_at_module_level() -> None:
    wrong = []
    for path in sorted((PACKAGE / "nodes").glob("*.py")):
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
            if isinstance(statement, ast.ImportFrom):
                names = [statement.module or ""]
            wrong += [f"{path.name}:{statement.lineno}" for name in names if name.split(".")[0] == "torch"]
    assert not wrong, "\n".join(wrong)


def test_the_import_stays_light() -> None:
    heavy = ["torch", "ipywidgets", "aiohttp", "diffusers", "numpy", "PIL"]
    heavy += ["comfy_api", "comfy_execution", "comfy", "folder_paths", "server"]
    code = f"import sys, comfy_notebook; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
