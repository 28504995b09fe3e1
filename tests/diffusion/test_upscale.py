"""Upscalers: the one in the package, spandrel as the oracle for the networks, tiles, and what is no upscaler."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from comfy_notebook import model_folders
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.upscale.apply import upscale
from comfy_notebook.diffusion.upscale.load import UpscaleModel, _spandrel, load_upscaler
from comfy_notebook.diffusion.upscale.networks import RRDB, Compact

INCLUDED = "realesr-animevideov3-x4.safetensors"


def included() -> UpscaleModel:
    path = model_folders.current().path("upscale_models", INCLUDED)
    assert path is not None
    found = load_upscaler(path)
    assert isinstance(found, UpscaleModel)
    return found


def picture(height: int, width: int) -> torch.Tensor:
    """A disc on a slope of colours: an edge and smooth parts."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    disc = (x * x + y * y < 0.4).float()
    return torch.stack([disc, (x + 1) / 2, (y + 1) / 2], dim=-1)[None]


def resized(images: torch.Tensor, size: tuple[int, int], mode: str) -> torch.Tensor:
    return torch.nn.functional.interpolate(images.movedim(-1, 1), size=size, mode=mode).movedim(1, -1)


def test_the_included_upscaler_comes_nearer_to_the_large_picture_than_larger_pixels() -> None:
    large = picture(192, 256)
    small = resized(large, (48, 64), "area")
    made = upscale(included(), small, lambda value, total: None)
    assert made.shape == large.shape
    errors = [float((image - large)[..., 0].square().mean()) for image in (made, resized(small, (192, 256), "nearest"))]
    assert errors[0] < errors[1]
    bicubic = resized(small, (192, 256), "bicubic")
    steepest = [float((image[..., 1:, 0] - image[..., :-1, 0]).abs().amax()) for image in (made, bicubic)]
    assert steepest[0] > 1.2 * steepest[1], "edges are sharper than interpolation leaves them"


def test_tiles_make_the_same_picture_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from comfy_notebook.diffusion.upscale import apply

    model, small, reported = included(), picture(90, 150), []
    whole = upscale(model, small, lambda value, total: None)
    monkeypatch.setattr(apply, "_TILE", 64)
    tiled = upscale(model, small, lambda value, total: reported.append((value, total)))
    assert float((tiled - whole).abs().max()) < 0.05
    assert float((tiled - whole).abs().mean()) < 1e-3
    assert reported[-1][0] == reported[-1][1] > 1


@pytest.mark.parametrize(
    ("network", "scale"),
    [(Compact(16, 2, 2), 2), (Compact(16, 3, 4), 4), (RRDB(3, 16, 2), 4), (RRDB(3, 16, 1, fold=2), 2)],
    ids=["compact x2", "compact x4", "esrgan x4", "esrgan x2"],
)
def test_networks_are_those_of_spandrel(network: torch.nn.Module, scale: int, tmp_path: Path) -> None:
    spandrel = _spandrel()
    if spandrel is None:
        pytest.skip("the package spandrel is not installed")
    write_weights(network.state_dict(), tmp_path / "network.safetensors")
    ours = load_upscaler(tmp_path / "network.safetensors")
    theirs = spandrel.ModelLoader(device="cpu").load_from_state_dict(network.state_dict()).eval()
    assert ours.scale == theirs.scale == scale
    image = torch.rand(1, 3, 32, 44, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(ours(image).clamp(0, 1), theirs(image).clamp(0, 1))


def test_esrgan_of_the_first_kind_is_read_by_its_names(tmp_path: Path) -> None:
    network = RRDB(3, 16, 2)
    names = {"conv_first": "model.0", "conv_up1": "model.3", "conv_up2": "model.6", "conv_hr": "model.8"}
    names |= {"conv_last": "model.10", "conv_body": "model.1.sub.2"}
    old = {}
    for name, value in network.state_dict().items():
        layer, kind = name.rsplit(".", 1)
        if layer.startswith("body."):
            _, block, dense, conv = layer.split(".")
            old[f"model.1.sub.{block}.{dense.upper()}.{conv}.0.{kind}"] = value
        else:
            old[f"{names[layer]}.{kind}"] = value
    write_weights(old, tmp_path / "old.safetensors")
    image = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(load_upscaler(tmp_path / "old.safetensors")(image), network(image))


def test_what_is_no_upscaler_is_refused_by_name(tmp_path: Path) -> None:
    write_weights({"a.weight": torch.zeros(3)}, tmp_path / "thing.safetensors")
    with pytest.raises(WeightsError, match=r"thing\.safetensors"):
        load_upscaler(tmp_path / "thing.safetensors")
