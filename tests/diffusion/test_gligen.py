"""GLIGEN from a small file in its own layout, against diffusers' U-Net with gated attention."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint
from comfy_notebook.diffusion.families.unet_layout import module_name
from comfy_notebook.diffusion.gligen import load_gligen
from comfy_notebook.diffusion.sampling.cond_batch import get_area_and_mult
from comfy_notebook.nodes.gligen import GLIGENTextBoxApply

from . import tiny
from .tiny import layer, random_weights

#: The transformers of :func:`.tiny.sd1`, first to last.
PLACES = {f"input_blocks.{number}.1": width for number, width in ((1, 32), (2, 32), (4, 64), (5, 64))}
PLACES |= {"middle_block.1": 64, **{f"output_blocks.{number}.1": 64 for number in (3, 4, 5)}}
PLACES |= {f"output_blocks.{number}.1": 32 for number in (6, 7, 8)}


def gligen() -> dict[str, Tensor]:
    shapes = {"position_net.null_positive_feature": (64,), "position_net.null_position_feature": (64,)}
    for index, (rows, columns) in enumerate(((512, 128), (512, 512), (64, 512))):
        shapes |= layer(f"position_net.linears.{2 * index}", rows, columns)
    for place, width in PLACES.items():
        name = f"{place}.transformer_blocks.0.fuser"
        shapes |= layer(f"{name}.linear", width, 64)
        shapes |= {f"{name}.attn.to_{part}.weight": (width, width) for part in "qkv"}
        shapes |= layer(f"{name}.attn.to_out.0", width, width)
        shapes |= layer(f"{name}.ff.net.0.proj", 8 * width, width) | layer(f"{name}.ff.net.2", width, 4 * width)
        shapes |= layer(f"{name}.norm1", width) | layer(f"{name}.norm2", width)
    weights = random_weights(shapes)
    for number, place in enumerate(PLACES):
        for part in ("attn", "dense"):
            weights[f"{place}.transformer_blocks.0.fuser.alpha_{part}"] = torch.tensor(0.3 + 0.05 * number)
    return weights


class Texts:
    """A CLIP that encodes a text as numbers made of its length."""

    def tokenize(self, text: str) -> int:
        return len(text)

    def encode_from_tokens(self, tokens: int, return_pooled: Any = False) -> tuple[Tensor, Tensor]:
        return torch.zeros(1, 77, 64), torch.sin(torch.arange(64.0) * tokens)[None]


def test_boxes_steer_as_in_diffusers(tmp_path: Path) -> None:
    from diffusers import UNet2DConditionModel

    weights = gligen()
    write_weights(weights, tmp_path / "gligen.safetensors")
    write_weights(tiny.sd1(), tmp_path / "sd1.safetensors")
    model = load_checkpoint(tmp_path / "sd1.safetensors", want_clip=False, want_vae=False).model
    assert model is not None
    loaded = load_gligen(tmp_path / "gligen.safetensors")
    network = model.model.diffusion_model
    classes: Any = UNet2DConditionModel
    theirs = classes(**model.model.family.config, attention_type="gated").eval()
    state = dict(network.module.state_dict())
    for name, value in weights.items():
        state[module_name(name, 2) or name] = value
    theirs.load_state_dict(state)

    node, clip = GLIGENTextBoxApply(), Texts()
    conditioning = node.append([[torch.zeros(1, 77, 64), {}]], clip, loaded, "cat", 64, 32, 8, 16)[0]
    conditioning = node.append(conditioning, clip, loaded, "a tall tree", 32, 96, 80, 0)[0]
    boxes, texts, masks = torch.zeros(2, 30, 4), torch.zeros(2, 30, 64), torch.zeros(2, 30)
    boxes[:, 0], texts[:, 0], masks[:, :2] = torch.tensor([8, 16, 72, 48]) / 128, clip.encode_from_tokens(3)[1], 1.0
    boxes[:, 1], texts[:, 1] = torch.tensor([80, 0, 112, 96]) / 128, clip.encode_from_tokens(11)[1]

    x, text, time = torch.randn(2, 4, 16, 16), torch.randn(2, 77, 64), torch.tensor([500, 500])
    window = get_area_and_mult({"model_conds": {}, **conditioning[0][1]}, x, torch.tensor([1.0]))
    assert window is not None
    empty = {"middle_patch": [loaded.model.set_empty(x.shape, None, x.device)]}
    for patches, filled in ((window.patches, masks), (empty, masks * 0)):
        given = {"boxes": boxes * filled[..., None], "positive_embeddings": texts * filled[..., None], "masks": filled}
        with torch.no_grad():
            expected = theirs(x, time, text, cross_attention_kwargs={"gligen": given}, return_dict=False)[0]
            found = network(x, time, context=text, transformer_options={"patches": patches})
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_what_does_not_belong_together_is_told(tmp_path: Path) -> None:
    write_weights(gligen(), tmp_path / "gligen.safetensors")
    model = load_gligen(tmp_path / "gligen.safetensors")
    other = SimpleNamespace(tokenize=len, encode_from_tokens=lambda tokens, return_pooled: (None, torch.zeros(1, 96)))
    with pytest.raises(ValueError, match="reads texts as 64 numbers and this CLIP makes 96"):
        GLIGENTextBoxApply().append([], other, model, "cat", 8, 8, 0, 0)
    write_weights({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="holds no GLIGEN layers"):
        load_gligen(tmp_path / "x.safetensors")
