"""The notebook about large models, where there are none: cells run, graphs are shown, and runs say what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient


@pytest.fixture(scope="module")
def executed(folder: Path) -> dict[str, Any]:
    (folder / "extra_model_paths.yaml").write_text("shared:\n  base_path: elsewhere\n  vae: more\n")
    book = nbformat.read(folder / "real_checkpoints.ipynb", as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(book, timeout=120, kernel_name="this-python", resources=resources).execute()
    return {cell["id"]: cell for cell in book.cells}


def printed(cell: dict[str, Any]) -> str:
    return "".join(o["text"] for o in cell["outputs"] if o["output_type"] == "stream")


def test_folders_are_listed_with_what_is_in_them(executed: dict[str, Any], folder: Path) -> None:
    lines = printed(executed["found"]).splitlines()
    assert "upscale_models: realesr-animevideov3-x4.safetensors" in lines
    assert f"    {folder / 'models' / 'checkpoints'}" in lines
    assert f"    {folder / 'elsewhere' / 'more'}" in lines, "extra_model_paths.yaml"


@pytest.mark.parametrize(
    ("cell", "nodes"),
    [("sdxl", ["Negative prompt", "KSampler"]), ("flux", ["DualCLIPLoader", "BasicGuider", "SamplerCustomAdvanced"])],
)
def test_graphs_are_shown(executed: dict[str, Any], cell: str, nodes: list[str]) -> None:
    (output,) = executed[cell]["outputs"]
    assert all(f">{title}</text>" in output["data"]["image/svg+xml"] for title in nodes)


@pytest.mark.parametrize(
    ("cell", "missing"),
    [
        ("sdxl-run", {"sd_xl_base_1.0.safetensors": "checkpoints"}),
        (
            "flux-run",
            {
                "flux1-schnell.safetensors": "diffusion_models",
                "clip_l.safetensors": "text_encoders",
                "t5xxl_fp16.safetensors": "text_encoders",
                "ae.safetensors": "vae",
            },
        ),
    ],
)
def test_a_run_says_what_is_missing_and_where_it_belongs(
    executed: dict[str, Any], folder: Path, cell: str, missing: dict[str, str]
) -> None:
    said = printed(executed[cell])
    for name, kind in missing.items():
        assert f"there is no file {name!r}" in said
        assert str(folder / "models" / kind) in said


def test_nothing_is_fetched_unasked(executed: dict[str, Any], folder: Path) -> None:
    assert printed(executed["fetch"]) == ""
    assert not (folder / "models").exists()
