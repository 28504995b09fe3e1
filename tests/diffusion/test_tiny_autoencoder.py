"""TAESD and its kin from their two files, against diffusers' AutoencoderTiny; previews drawn with them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import model_folders
from comfy_notebook.diffusion import latent_formats, tiny_autoencoder
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.sampling import previews
from comfy_notebook.diffusion.vae_files import load_vae_file
from comfy_notebook.nodes.loaders import VAELoader


def made(channels: int) -> Any:
    """diffusers' module with random weights, small."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(channels)
    make: Any = AutoencoderTiny
    widths = (8, 8, 8, 8)
    return make(latent_channels=channels, encoder_block_out_channels=widths, decoder_block_out_channels=widths).eval()


def original(module: Any, half: str) -> dict[str, torch.Tensor]:
    """The half's weights as its author's files name them: a row of layers, the decoder's after a clamp."""
    found = {}
    for name, value in getattr(module, half).state_dict().items():
        index, rest = name.removeprefix("layers.").split(".", 1)
        found[f"{int(index) + (half == 'decoder')}.{rest}"] = value
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folders = model_folders.ModelFolders(tmp_path)
    monkeypatch.setattr(model_folders, "current", lambda: folders)
    for kind in ("vae_approx", "vae"):
        (tmp_path / kind).mkdir()
    return tmp_path


def written(module: Any, name: str, folder: Path) -> None:
    for half in ("encoder", "decoder"):
        write_weights(original(module, half), folder / "vae_approx" / f"{name}_{half}.safetensors")


CASES = {
    "taesd": (4, 0.18215, 0.0),
    "taesdxl": (4, 0.13025, 0.0),
    "taesd3": (16, 1.5305, 0.0609),
    "taef1": (16, 0.3611, 0.1159),
}


@pytest.mark.parametrize("name", CASES)
def test_both_ways_against_diffusers(name: str, folder: Path) -> None:
    channels, scale, shift = CASES[name]
    module = made(channels)
    written(module, name, folder)
    assert name in VAELoader.INPUT_TYPES()["required"]["vae_name"][0]
    (vae,) = VAELoader().load_vae(name)
    image = torch.rand(2, 32, 48, 3, generator=torch.Generator().manual_seed(1))
    latent = vae.encode(image)
    with torch.no_grad():
        seen_by_network = module.encode(image.movedim(-1, 1) * 2 - 1, return_dict=False)[0]
        decoded = module.decode(seen_by_network, return_dict=False)[0]
    torch.testing.assert_close((latent - shift) * scale, seen_by_network, rtol=1e-4, atol=1e-4)
    expected = ((decoded + 1) / 2).clamp(0, 1).movedim(1, -1)
    torch.testing.assert_close(vae.decode(latent), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("layout", ["original", "diffusers"])
def test_both_halves_in_one_file(layout: str, folder: Path) -> None:
    module = made(4)
    weights = module.state_dict()
    if layout == "original":
        halves = {half: original(module, half) for half in ("encoder", "decoder")}
        weights = {f"{half}.{key}": value for half, part in halves.items() for key, value in part.items()}
    write_weights(weights, folder / "vae" / "taesdxl.safetensors")
    vae = load_vae_file(folder / "vae" / "taesdxl.safetensors")
    latent = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = ((module.decode(latent * 0.13025, return_dict=False)[0] + 1) / 2).clamp(0, 1).movedim(1, -1)
    torch.testing.assert_close(vae.decode(latent), expected, rtol=1e-3, atol=1e-3)
    assert vae.get_sd().keys() == weights.keys()


def test_files_that_are_missing_or_something_else(folder: Path) -> None:
    write_weights(original(made(4), "encoder"), folder / "vae_approx" / "taesd_encoder.safetensors")
    names = VAELoader.INPUT_TYPES()["required"]["vae_name"][0]
    assert "taesd" not in names
    assert "taesd_decoder" in str(names.absent("taesd"))
    with pytest.raises(FileNotFoundError, match=r"taesd_decoder .* missing in .*vae_approx"):
        tiny_autoencoder.load_by_name("taesd")
    write_weights({"1.weight": torch.ones(3)}, folder / "vae_approx" / "taesd_decoder.safetensors")
    with pytest.raises(WeightsError, match="no tiny autoencoder"):
        tiny_autoencoder.load_by_name("taesd")


def test_previews(folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(previews, "chosen_method", lambda: "taesd")
    cpu = torch.device("cpu")
    with caplog.at_level(logging.WARNING):
        assert isinstance(previews.get_previewer(cpu, latent_formats.SD15), previews.Latent2RGBPreviewer)
    assert "taesd_decoder" in caplog.text
    module = made(4)
    written(module, "taesd", folder)
    previewer = previews.get_previewer(cpu, latent_formats.SD15)
    assert isinstance(previewer, previews.TAESDPreviewerImpl)
    x0 = torch.randn(2, 4, 4, 6, generator=torch.Generator().manual_seed(3))
    shape, image, longest = previewer.decode_latent_to_preview_image("JPEG", x0)
    with torch.no_grad():
        expected = ((module.decode(x0[:1], return_dict=False)[0][0] + 1) / 2).clamp(0, 1).movedim(0, -1)
    found = torch.from_numpy(np.array(image)).float() / 255
    torch.testing.assert_close(found, expected, rtol=0, atol=1.5 / 255)
    assert (shape, longest, image.size) == ("JPEG", 512, (48, 32))
    assert isinstance(previews.get_previewer(cpu, latent_formats.SDXL), previews.Latent2RGBPreviewer)
    (folder / "vae_approx" / "taesd_decoder.safetensors").write_bytes(b"cut short")
    assert isinstance(previews.get_previewer(cpu, latent_formats.SD15), previews.Latent2RGBPreviewer)
    monkeypatch.setattr(previews, "chosen_method", lambda: "none")
    assert previews.get_previewer(cpu, latent_formats.SD15) is None
