"""Normalized attention guidance against attention processors of diffusers that do what the paper says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.attention_guidance import normalized_attention_guidance
from comfy_notebook.diffusion.checkpoints.load import load_checkpoint

from . import tiny
from .test_families_flux import loaded
from .test_network_patches import TEXT, ask_network, asked, numbers

SCALE, ALPHA, TAU = 4.0, 0.25, 1.2


def led_away(positive: Tensor, negative: Tensor) -> Tensor:
    """The paper's equations, token by token."""
    made = positive.clone()
    for place in torch.cartesian_prod(*(torch.arange(side) for side in positive.shape[:2])).tolist():
        here, there = positive[tuple(place)], negative[tuple(place)]
        away = here + (SCALE - 1) * (here - there)
        ratio = float(away.abs().sum() / here.abs().sum())
        made[tuple(place)] = ALPHA * away * min(ratio, TAU) / ratio + (1 - ALPHA) * here
    return made


class TextAttention:
    """Attention of a U-Net to a positive and a negative prompt in one batch, for one picture."""

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Any = None, **_: Any) -> Tensor:
        source = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            attn.head_to_batch_dim(layer(given))
            for layer, given in ((attn.to_q, hidden_states), (attn.to_k, source), (attn.to_v, source))
        )
        out = attn.batch_to_head_dim(attn.get_attention_scores(query, key) @ value)
        if encoder_hidden_states is not None:
            positive, negative = out.chunk(2)
            out = led_away(positive, negative).repeat(2, 1, 1)
        made: Tensor = attn.to_out[0](out)
        return made


def test_a_u_net(tmp_path: Path) -> None:
    sd1: Any = load_checkpoint(tiny.write(tiny.sd1(), tmp_path / "sd1.safetensors"), False, False).model
    x, sigma = numbers(1, 4, 8, 8), 2.0
    found = asked(normalized_attention_guidance(sd1, SCALE, ALPHA, TAU), x, cfg=1.0)
    memory.load_models_gpu([sd1])
    module = sd1.model.diffusion_model.module
    module.set_attn_processor(TextAttention())
    texts = torch.cat([TEXT["positive"], TEXT["negative"]])
    timestep = sd1.model.model_sampling.timestep(torch.tensor([sigma]))
    with torch.no_grad():
        noise = module((x / (sigma**2 + 1) ** 0.5).repeat(2, 1, 1, 1), timestep, texts).sample[:1]
    torch.testing.assert_close(found, x - sigma * noise, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found, ask_network(sd1, x, "positive"), atol=1e-2)


@pytest.mark.parametrize("name", ["flux", "sd3", "qwen_image", "auraflow"])
def test_transformers(name: str, tmp_path: Path) -> None:
    """A negative prompt like the positive one changes nothing; another one does, and only through the picture."""
    model = loaded(getattr(tiny, name)(), tmp_path)
    channels = 4 if name == "auraflow" else 16
    x = numbers(1, channels, 8, 8)
    same, other = numbers(1, 5, 48, seed=1), numbers(1, 5, 48, seed=2)
    given: dict[str, Any] = {"pooled_output": torch.ones(1, 40 if name == "sd3" else 64), "cfg": 1.0, "sigma": 0.7}
    plain = asked(model, x, texts={"positive": same, "negative": other}, **given)
    led = normalized_attention_guidance(model, SCALE, ALPHA, TAU)
    alike = asked(led, x, texts={"positive": same, "negative": same}, **given)
    torch.testing.assert_close(alike, plain, rtol=1e-4, atol=1e-4)
    away = asked(led, x, texts={"positive": same, "negative": other}, **given)
    assert not torch.allclose(away, plain, atol=1e-3)
    assert bool(torch.isfinite(away).all())


def test_flux_token_by_token(tmp_path: Path) -> None:
    """Picture tokens of both halves get the guided attention, text tokens keep their own, in both kinds of blocks."""
    from torch.nn import functional

    model = loaded(tiny.flux(), tmp_path)
    x, sigma = numbers(1, 16, 8, 8), 0.7
    texts = {"positive": numbers(1, 5, 48, seed=1), "negative": numbers(1, 5, 48, seed=2)}
    led = normalized_attention_guidance(model, SCALE, ALPHA, TAU)
    found = asked(led, x, cfg=1.0, sigma=sigma, texts=texts, pooled_output=torch.ones(1, 64))
    attend = functional.scaled_dot_product_attention

    def guided(*args: Any, **more: Any) -> Tensor:
        out = attend(*args, **more)
        positive, negative = out.transpose(1, 2).flatten(2).chunk(2)
        halves = [positive.clone(), negative.clone()]
        for half in halves:
            half[:, 5:] = led_away(positive[:, 5:], negative[:, 5:])
        return torch.cat(halves).view(2, -1, *out.shape[1::2]).transpose(1, 2)

    both = torch.cat([texts["positive"], texts["negative"]])
    functional.scaled_dot_product_attention = guided
    try:
        with torch.no_grad():
            expected = model.model.apply_model(
                x.repeat(2, 1, 1, 1), torch.full((2,), sigma), c_crossattn=both, y=torch.ones(2, 64),
                guidance=torch.full((2,), 3.5),
            )[:1]  # fmt: skip
    finally:
        functional.scaled_dot_product_attention = attend
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_off(tmp_path: Path) -> None:
    model = loaded(tiny.flux(), tmp_path)
    for scale, alpha in ((1.0, 0.5), (5.0, 0.0)):
        made = normalized_attention_guidance(model, scale, alpha, TAU)
        assert made.model_options == model.model_options
