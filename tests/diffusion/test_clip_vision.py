"""Image encoders against transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.clip_vision import load_clip_vision, preprocessed

transformers: Any = pytest.importorskip("transformers", reason="the extra 'diffusion' is not installed")


def encoder() -> Any:
    config = transformers.CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, projection_dim=32, num_hidden_layers=3, num_attention_heads=1,
        image_size=28, patch_size=14, hidden_act="gelu",
    )  # fmt: skip
    torch.manual_seed(0)
    return transformers.CLIPVisionModelWithProjection(config).eval()


def test_output_is_that_of_transformers(tmp_path: Path) -> None:
    theirs = encoder()
    write_weights(theirs.state_dict(), tmp_path / "vision.safetensors")
    image = torch.rand(2, 40, 60, 3, generator=torch.Generator().manual_seed(0))
    found = load_clip_vision(tmp_path / "vision.safetensors").encode_image(image)
    with torch.no_grad():
        made = theirs(pixel_values=preprocessed(image, 28), output_hidden_states=True)
    torch.testing.assert_close(found["image_embeds"], made.image_embeds, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.penultimate_hidden_states, made.hidden_states[-2], rtol=1e-4, atol=1e-4)


def test_siglip_sees_what_it_sees_in_transformers(tmp_path: Path) -> None:
    config = transformers.SiglipVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=1, image_size=28, patch_size=14
    )
    torch.manual_seed(0)
    theirs = transformers.SiglipVisionModel(config).eval()
    file = {f"vision_model.{name}": value for name, value in theirs.state_dict().items()}
    write_weights(file, tmp_path / "vision.safetensors")
    image = torch.rand(2, 40, 60, 3, generator=torch.Generator().manual_seed(0))
    found = load_clip_vision(tmp_path / "vision.safetensors").encode_image(image, crop=False)
    pixels = torch.nn.functional.interpolate(image.movedim(-1, 1), size=(28, 28), mode="bicubic", antialias=True)
    with torch.no_grad():
        made = theirs(pixel_values=(pixels.clamp(0, 1) * 255).round() / 255 * 2 - 1, output_hidden_states=True)
    torch.testing.assert_close(found.image_embeds, made.pooler_output, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.last_hidden_state, made.last_hidden_state, rtol=1e-4, atol=1e-4)


def test_preprocessing_is_nearly_that_of_transformers() -> None:
    """Theirs resizes 8-bit pixels with Pillow, whose cubic differs by a level or two."""
    processor = transformers.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    image = torch.rand(1, 60, 90, 3, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool2d(image.movedim(-1, 1), 5, 1, 2).movedim(1, -1)
    expected = processor((smooth[0] * 255).round().byte().numpy(), return_tensors="pt")["pixel_values"]
    assert float((preprocessed(smooth, 28) - expected).abs().max()) < 0.06


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    write_weights({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match=r"x\.safetensors is no CLIP or SigLIP image encoder"):
        load_clip_vision(tmp_path / "x.safetensors")
