"""Autoencoders whole and in tiles, of images and with frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.diffusion.coders import Coder
from comfy_notebook.diffusion.vae import VAE
from comfy_notebook.diffusion.vae_files import load_vae, load_vae_file
from comfy_notebook.nodes.vae import VAEDecode, VAEEncodeForInpaint

from . import tiny


class Squares(Coder):
    """Each latent pixel is the mean of 8 × 8 pixels: nothing crosses a border, so tiles must not show."""

    def __init__(self) -> None:
        super().__init__(torch.nn.Identity())

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        means = torch.nn.functional.avg_pool2d(pixels, 8)
        return torch.cat([means, means[:, :1]], dim=1)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(latent[:, :3], scale_factor=8, mode="nearest")


def test_tiles_of_a_local_autoencoder_do_not_show() -> None:
    vae, latent = VAE(Squares()), torch.rand(2, 4, 50, 70, generator=torch.Generator().manual_seed(0)) - 0.5
    torch.testing.assert_close(vae.decode_tiled(latent, tile_x=16, tile_y=16, overlap=4), vae.decode(latent))
    image = torch.rand(1, 200, 320, 3)
    torch.testing.assert_close(vae.encode_tiled(image, tile_x=128, tile_y=128, overlap=32), vae.encode(image))


def test_out_of_memory_goes_over_to_tiles(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    vae = VAE(Squares())
    whole = vae.decode(latent := torch.rand(1, 4, 80, 80))
    decode = vae.coder.decode

    def small(part: torch.Tensor) -> torch.Tensor:
        if part.shape[-1] * part.shape[-2] > 64 * 64:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return decode(part)

    monkeypatch.setattr(vae.coder, "decode", small)
    torch.testing.assert_close(vae.decode(latent), whole)
    assert "in tiles" in caplog.text


def test_sizes_are_cut_from_the_middle() -> None:
    image = torch.zeros(1, 21, 30, 3)
    image[:, 2:18, 3:27] = 1.0
    assert torch.equal(VAE(Squares()).encode(image)[:, :3], torch.ones(1, 3, 2, 3))


def test_an_inpainting_hole_is_grey_and_the_mask_grows() -> None:
    image, mask = torch.ones(1, 64, 64, 3), torch.zeros(1, 64, 64)
    mask[:, 16:32, 16:32] = 1
    (latent,) = VAEEncodeForInpaint().encode(VAE(Squares()), image, mask, grow_mask_by=6)
    assert torch.equal(latent["samples"][0, 0, 2:4, 2:4], torch.zeros(2, 2))
    assert float(latent["samples"][0, 0].sum()) == 60
    assert latent["noise_mask"].shape == (1, 1, 64, 64)
    assert 16 * 16 < float(latent["noise_mask"].sum()) <= 22 * 22


def test_flux_autoencoder_has_16_channels_and_no_quant_conv(tmp_path: Path) -> None:
    write_weights(tiny.random_weights(tiny.ldm_vae(latent=16, quant=False)), tmp_path / "ae.safetensors")
    vae = load_vae_file(tmp_path / "ae.safetensors")
    latent = vae.encode(torch.rand(1, 64, 64, 3))
    assert latent.shape == (1, 16, 8, 8)
    assert vae.decode(latent).shape == (1, 64, 64, 3)


def test_a_whole_checkpoint_serves_as_an_autoencoder(tmp_path: Path) -> None:
    tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors")
    assert load_vae_file(tmp_path / "sd1.safetensors").latent_channels == 4


def test_wan_layout_is_the_autoencoder_of_qwen_image() -> None:
    import diffusers
    from diffusers.loaders import single_file_utils

    classes, converters = (diffusers, single_file_utils)
    make: Any = classes.AutoencoderKLQwenImage
    theirs = make(base_dim=8).eval()
    convert: Any = converters.convert_wan_vae_to_diffusers
    candidates = _original_names(convert, theirs.state_dict())
    vae = load_vae(candidates, "wan.safetensors")
    image = torch.rand(1, 32, 48, 3, generator=torch.Generator().manual_seed(0))
    latent = vae.encode(image)
    assert latent.shape == (1, 16, 1, 4, 6)
    with torch.no_grad():
        expected = theirs.encode(image.movedim(-1, 1)[:, :, None] * 2 - 1).latent_dist.mean
        torch.testing.assert_close(latent, expected, rtol=1e-4, atol=1e-4)
        picture = theirs.decode(expected).sample
    (found,) = VAEDecode().decode(vae, {"samples": latent})
    torch.testing.assert_close(found, (picture[:, :, 0].movedim(1, -1) + 1) / 2, rtol=1e-4, atol=1e-4)


def _original_names(convert: Any, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict under Wan's names: those that diffusers' converter turns into the given ones."""
    tails = {"norm1.gamma": "residual.0.gamma", "conv1.weight": "residual.2.weight", "conv1.bias": "residual.2.bias"}
    tails |= {"norm2.gamma": "residual.3.gamma", "conv2.weight": "residual.6.weight", "conv2.bias": "residual.6.bias"}
    tails |= {"conv_shortcut.weight": "shortcut.weight", "conv_shortcut.bias": "shortcut.bias"}
    names: list[str] = []
    for side in ("encoder", "decoder"):
        names += [f"{side}.conv1.{kind}" for kind in ("weight", "bias")]
        names += [f"{side}.head.0.gamma", *(f"{side}.head.2.{kind}" for kind in ("weight", "bias"))]
        for block in (0, 2):
            names += [f"{side}.middle.{block}.{tail}" for tail in tails.values()]
        names += [
            f"{side}.middle.1.{part}"
            for part in ("norm.gamma", "to_qkv.weight", "to_qkv.bias", "proj.weight", "proj.bias")
        ]
        places = "downsamples" if side == "encoder" else "upsamples"
        for number in range(16):
            more = ("resample.1.weight", "resample.1.bias", "time_conv.weight", "time_conv.bias")
            names += [f"{side}.{places}.{number}.{tail}" for tail in (*tails.values(), *more)]
    names += [f"conv{number}.{kind}" for number in (1, 2) for kind in ("weight", "bias")]
    renamed = convert({name: name for name in names})
    return {name: state[new] for new, name in renamed.items() if new in state}
