"""The tiny model of the package, through the nodes that everybody uses: seeds and prompts decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from comfy_notebook import model_folders
from comfy_notebook.diffusion.families.pixel_unet import PixelUNet
from comfy_notebook.folders import Folders
from comfy_notebook.model_folders import ModelFolders
from comfy_notebook.nodes.latent import EmptyLatentImage
from comfy_notebook.nodes.loaders import CheckpointLoaderSimple
from comfy_notebook.nodes.sampling import KSampler
from comfy_notebook.nodes.text_encode import CLIPTextEncode
from comfy_notebook.nodes.vae import VAEDecode

NAME = "emoji.safetensors"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """MODEL, CLIP and VAE, found without a models folder of one's own."""
    pytest.importorskip("diffusers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_folders, "_current", None)
        patch.setattr("comfy_notebook.folders._current", Folders(tmp_path_factory.mktemp("empty")))
        if not (Path(model_folders.__file__).parent / "models" / "checkpoints" / NAME).is_file():
            pytest.skip(f"{NAME} is not in comfy_notebook/models/checkpoints: see training/README.md")
        assert isinstance(model_folders.current(), ModelFolders)
        yield CheckpointLoaderSimple().load_checkpoint(NAME)


def sampled(loaded: Any, prompt: str, seed: int, batch: int = 1, steps: int = 12) -> Any:
    """``[B,64,64,3]``."""
    model, clip, vae = loaded
    (positive,), (negative,) = (CLIPTextEncode().encode(clip, text) for text in (prompt, ""))
    (latent,) = EmptyLatentImage().generate(64, 64, batch)
    (made,) = KSampler().sample(model, seed, steps, 4.0, "euler", "karras", positive, negative, latent, 1.0)
    return VAEDecode().decode(vae, made)[0]


def painted_colour(images: Any) -> Any:
    """The mean colour of what is not the white ground, 0 to 255; the ground must not be all there is."""
    pixels = np.asarray(images).reshape(-1, 3) * 255
    painted = pixels[pixels.min(axis=1) < 225]
    assert 0.1 < len(painted) / len(pixels) < 0.95
    return painted.mean(axis=0)


def test_it_is_recognised_by_its_weights(loaded: Any) -> None:
    model, _, _ = loaded
    assert isinstance(model.model.family, PixelUNet)


def test_seeds_decide(loaded: Any) -> None:
    first, again, other = (sampled(loaded, "cat face", seed, steps=4) for seed in (3, 3, 4))
    assert first.shape == (1, 64, 64, 3)
    assert torch.equal(first, again)
    assert float((first - other).abs().mean()) > 0.02


def test_prompts_decide(loaded: Any) -> None:
    red, green, blue = painted_colour(sampled(loaded, "red heart", 0, batch=4))
    assert red > green + 50
    assert red > blue + 30
    red, green, blue = painted_colour(sampled(loaded, "evergreen tree", 0, batch=4))
    assert green > red + 20
    assert green > blue
