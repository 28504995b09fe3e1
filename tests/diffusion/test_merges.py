"""Models mixed block by block and written to files: each weight is the sum it should be, in every family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders
from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import read_weights
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint, load_diffusion_model
from comfy_notebook.nodes import model_merge, model_merge_families, model_save

from . import tiny
from .test_families_flux import loaded

FAMILIES: dict[str, Callable[[], dict[str, Tensor]]] = {
    "ModelMergeSD3_2B": tiny.sd3,
    "ModelMergeSD35_Large": tiny.sd3,
    "ModelMergeFlux1": tiny.flux,
    "ModelMergeAuraflow": tiny.auraflow,
    "ModelMergeQwenImage": tiny.qwen_image,
}


def other(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Another model of the same family."""
    generator = torch.Generator().manual_seed(7)
    return {name: value + torch.randn(value.shape, generator=generator) * 0.1 for name, value in weights.items()}


def ratios(node: Any) -> dict[str, float]:
    """A different ratio for each of a node's parts."""
    parts = list(node.INPUT_TYPES()["required"])[2:]
    return {part: (index % 7) / 7 for index, part in enumerate(parts)}


def ratio_of(name: str, given: dict[str, float]) -> float:
    """The one that stands for a weight: the longest beginning of its name, else the first."""
    fitting = [part for part in given if name.startswith(part)]
    return given[max(fitting, key=len)] if fitting else next(iter(given.values()))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_ratio_for_each_block(name: str, tmp_path: Path) -> None:
    first = FAMILIES[name]()
    second = other(first)
    one, two = loaded(first, tmp_path, "one"), loaded(second, tmp_path, "two")
    node = model_merge_families.NODES[name][0]
    given = ratios(node)
    (merged,) = node().merge(one, two, **given)
    memory.load_models_gpu([merged])
    for weight, value in first.items():
        share = ratio_of(weight, given)
        expected = share * value + (1 - share) * second[weight]
        found = merged.weights.get(f"diffusion_model.{weight}")
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    memory.load_models_gpu([one])
    assert all(torch.equal(one.weights.get(f"diffusion_model.{weight}"), value) for weight, value in first.items())


@pytest.mark.parametrize("name", ["ModelMergeSD1", "ModelMergeSD2"])
def test_a_ratio_for_each_block_of_a_unet(name: str, tmp_path: Path) -> None:
    make = tiny.sd1 if name.endswith("1") else tiny.sd2
    first = make()
    paths = [tiny.write(first, tmp_path / "one.safetensors"), tiny.write(other(first), tmp_path / "two.safetensors")]
    one, two = (load_checkpoint(path, False, False).model for path in paths)
    node = model_merge_families.NODES[name][0]
    given = ratios(node)
    (merged,) = node().merge(one, two, **given)
    assert one is not None
    assert two is not None
    mine, theirs = one.patched_state_dict(), two.patched_state_dict()
    for weight, found in merged.patched_state_dict().items():
        share = ratio_of(weight.removeprefix("diffusion_model."), given)
        torch.testing.assert_close(found, share * mine[weight] + (1 - share) * theirs[weight], rtol=1e-3, atol=1e-3)


def test_models_added_and_taken_away(tmp_path: Path) -> None:
    first = tiny.flux()
    second = other(first)
    one, two = loaded(first, tmp_path, "one"), loaded(second, tmp_path, "two")
    (difference,) = model_merge.ModelMergeSubtract().merge(two, one, 1.0)
    (back,) = model_merge.ModelMergeAdd().merge(one, difference)
    found = back.patched_state_dict()
    for weight, value in second.items():
        torch.testing.assert_close(found[f"diffusion_model.{weight}"], value, rtol=1e-4, atol=1e-5)


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = folders.Folders(tmp_path)
    monkeypatch.setattr(folders, "current", lambda: made)
    return Path(made.output)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_mixture_written_and_read_again(name: str, tmp_path: Path, output: Path) -> None:
    first = FAMILIES[name]()
    one, two = loaded(first, tmp_path, "one"), loaded(other(first), tmp_path, "two")
    (merged,) = model_merge.ModelMergeSimple().merge(one, two, 0.25)
    model_save.ModelSave().save(merged, "mixed/model", prompt={"1": {}}, extra_pnginfo={"workflow": {"a": 1}})
    (file,) = (output / "mixed").glob("*.safetensors")
    weights, metadata = read_weights(file)
    assert metadata["prompt"] == '{"1": {}}'
    assert metadata["workflow"] == '{"a": 1}'
    again = load_diffusion_model(file)
    assert again.model.family.title == one.model.family.title
    expected = merged.patched_state_dict()
    for weight, value in expected.items():
        torch.testing.assert_close(again.weights.get(weight), value, rtol=1e-5, atol=1e-6)
    assert len(weights) == len(expected)


def test_text_encoders_mixed_and_written(tmp_path: Path, output: Path) -> None:
    """Encoders keep 16-bit weights, so sums are exact to that."""
    first = tiny.sdxl()
    paths = [tiny.write(first, tmp_path / "one.safetensors"), tiny.write(other(first), tmp_path / "two.safetensors")]
    one, two = (load_checkpoint(path, want_vae=False).clip for path in paths)
    assert one is not None
    assert two is not None
    mine, theirs = one.get_sd(), two.get_sd()
    (mixed,) = model_merge.CLIPMergeSimple().merge(one, two, 0.25)
    (difference,) = model_merge.CLIPMergeSubtract().merge(two, one, 1.0)
    (back,) = model_merge.CLIPMergeAdd().merge(one, difference)
    returned, weights = back.get_sd(), mixed.get_sd()
    for name, found in weights.items():
        kept = name.endswith((".position_ids", ".logit_scale"))
        expected = mine[name] if kept else 0.25 * mine[name].float() + 0.75 * theirs[name].float()
        torch.testing.assert_close(found.float(), expected.float(), rtol=1e-3, atol=1e-3)
        if not kept:
            torch.testing.assert_close(returned[name].float(), theirs[name].float(), rtol=3e-3, atol=3e-3)
    model_save.CLIPSave().save(mixed, "mixed/clip")
    files = sorted((output / "mixed").glob("*.safetensors"))
    assert [file.name.startswith(("clip_clip_g", "clip_clip_l")) for file in files] == [True, True]
    written = [read_weights(file)[0] for file in files]
    assert sum(map(len, written)) == sum(".transformer." in name for name in weights)


def test_an_autoencoder_written_and_read_again(tmp_path: Path, output: Path) -> None:
    from comfy_notebook.diffusion.vae_files import load_vae_file

    vae = load_checkpoint(tiny.write(tiny.sd1(), tmp_path / "one.safetensors"), want_clip=False).vae
    assert vae is not None
    model_save.VAESave().save(vae, "vae/mine")
    (file,) = (output / "vae").glob("*.safetensors")
    again = load_vae_file(file).get_sd()
    assert again.keys() == vae.get_sd().keys()
    assert all(torch.equal(again[name], value) for name, value in vae.get_sd().items())
