"""Style models and attention biases, against diffusers' Redux pipeline, closed forms and the network itself."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion.attention_bias import for_picture, with_tokens
from comfy_notebook.diffusion.checkpoints.files import WeightsError, write_weights
from comfy_notebook.diffusion.checkpoints.load import load_diffusion_model
from comfy_notebook.diffusion.clip_vision import ClipVisionOutput
from comfy_notebook.diffusion.style import load_style_model
from comfy_notebook.nodes.style import StyleModelApply

from . import tiny
from .tiny import layer, random_weights

close = torch.testing.assert_close


def seen(batch: int, tokens: int, width: int) -> ClipVisionOutput:
    states = torch.randn(batch, tokens, width, generator=torch.Generator().manual_seed(0))
    return ClipVisionOutput(states[:, 0], states, states, [])


def redux(folder: Path) -> Any:
    write_weights(
        random_weights(layer("redux_up", 144, 24) | layer("redux_down", 48, 144)), folder / "redux.safetensors"
    )
    return load_style_model(folder / "redux.safetensors")


def test_redux_tokens_go_behind_the_prompts_as_in_the_pipeline(tmp_path: Path) -> None:
    from diffusers.pipelines.flux.modeling_flux import ReduxImageEncoder

    style = redux(tmp_path)
    classes: Any = ReduxImageEncoder
    theirs = classes(redux_dim=24, txt_in_features=48)
    theirs.load_state_dict(style.model.state_dict())
    text, output = torch.randn(1, 5, 48), seen(2, 3, 24)
    with torch.no_grad():
        embeds = theirs(output.last_hidden_state).image_embeds
    found = StyleModelApply().apply_stylemodel([[text, {"guidance": 2.0}]], style, output, 0.5, "multiply")[0]
    close(found[0][0], torch.cat([text, embeds.reshape(1, 6, 48) * 0.5], dim=1), rtol=1e-5, atol=1e-5)
    assert found[0][1] == {"guidance": 2.0}


def test_style_adapter_is_a_transformer_whose_own_tokens_come_out(tmp_path: Path) -> None:
    """Against torch's own transformer layer, which differs in its activation only: it is given the adapter's."""
    width, tokens = 64, 4
    shapes = {"style_embedding": (1, tokens, width), "proj": (width, 48)}
    shapes |= layer("ln_pre", width) | layer("ln_post", width)
    block = "transformer_layes.0"
    shapes |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
    shapes |= layer(f"{block}.attn.out_proj", width, width)
    shapes |= layer(f"{block}.mlp.c_fc", 4 * width, width) | layer(f"{block}.mlp.c_proj", width, 4 * width)
    shapes |= layer(f"{block}.ln_1", width) | layer(f"{block}.ln_2", width)
    weights = random_weights(shapes)
    write_weights(weights, tmp_path / "style.safetensors")
    style, output = load_style_model(tmp_path / "style.safetensors"), seen(2, 5, width)
    theirs = torch.nn.TransformerEncoderLayer(
        width, 8, 4 * width, 0.0, lambda x: x * torch.sigmoid(1.702 * x), batch_first=True, norm_first=True
    ).eval()
    names = {"attn.": "self_attn.", "mlp.c_fc": "linear1", "mlp.c_proj": "linear2", "ln_1": "norm1", "ln_2": "norm2"}
    state = {}
    for name, value in weights.items():
        if name.startswith(block):
            renamed = name.removeprefix(f"{block}.")
            for old, new in names.items():
                renamed = renamed.replace(old, new)
            state[renamed] = value
    theirs.load_state_dict(state)
    both = torch.cat([output.last_hidden_state, weights["style_embedding"].expand(2, -1, -1)], dim=1)
    norm = torch.nn.functional.layer_norm
    with torch.no_grad():
        made = theirs(norm(both, (width,), weights["ln_pre.weight"], weights["ln_pre.bias"]))[:, -tokens:]
    expected = norm(made, (width,), weights["ln_post.weight"], weights["ln_post.bias"]) @ weights["proj"]
    close(style.get_cond(output), expected, rtol=1e-4, atol=1e-4)


def test_biases_are_where_others_attend_to_the_style() -> None:
    first = with_tokens(None, (1, 1), 1, 2, 1, math.log(0.5))
    both = with_tokens(first, (1, 1), 1, 3, 2, math.log(3.0))
    a, b, o = math.log(0.5), math.log(3.0), 0.0
    rows = [[o, o, a, b, b, o], [o, o, a, b, b, o], [o, o, o, b, b, o]]
    rows += [[o] * 6, [o] * 6, [o, o, a, b, b, o]]
    close(both[0], torch.tensor(rows))
    grown = for_picture(both, (1, 1), (2, 3))
    assert grown.shape == (1, 11, 11)
    close(grown[0, 5:, 2:5], torch.tensor([[a, b, b]]).expand(6, -1))
    seen_only = torch.tensor([[[True, False], [True, True]]])
    close(for_picture(seen_only, (1, 1), (1, 1))[0], torch.tensor([[0.0, -math.inf], [0.0, 0.0]]))


def answer(model: Any, conditioning: Any, x: Tensor) -> Tensor:
    text, options = conditioning[0]
    given = {"noise": x, "cross_attn": text, "pooled_output": torch.ones(1, 64), **options}
    arguments = {key: value.process_cond(1).cond for key, value in model.model.extra_conds(**given).items()}
    with torch.no_grad():
        made: Tensor = model.model.apply_model(x, torch.tensor([0.5]), **arguments)
    return made


def test_attention_to_pictures_is_weighed(tmp_path: Path) -> None:
    """Twice the attention is the attention that the same picture gets twice; none is no picture."""
    write_weights(tiny.flux(), tmp_path / "flux.safetensors")
    model, style = load_diffusion_model(tmp_path / "flux.safetensors"), redux(tmp_path)
    x = torch.randn(1, 16, 6, 7, generator=torch.Generator().manual_seed(1))
    prompt = [[torch.randn(1, 5, 48, generator=torch.Generator().manual_seed(2)), {}]]
    node, output = StyleModelApply(), seen(1, 3, 24)
    none = node.apply_stylemodel(prompt, style, output, 0.0, "attn_bias")[0]
    close(answer(model, none, x), answer(model, prompt, x), rtol=1e-4, atol=1e-4)
    once = node.apply_stylemodel(prompt, style, output, 1.0, "attn_bias")[0]
    assert "attention_mask" not in once[0][1]
    twice = node.apply_stylemodel(prompt, style, output, 2.0, "attn_bias")[0]
    repeated = [[torch.cat([once[0][0], once[0][0][:, 5:]], dim=1), {}]]
    close(answer(model, twice, x), answer(model, repeated, x), rtol=2e-2, atol=2e-2)
    assert not torch.allclose(answer(model, twice, x), answer(model, once, x), atol=1e-3)


def test_what_does_not_belong_together_is_told(tmp_path: Path) -> None:
    style = redux(tmp_path)
    with pytest.raises(ValueError, match="reads what SigLIP saw"):
        style.get_cond(seen(1, 3, 32))
    with pytest.raises(ValueError, match="the prompt's have 64"):
        StyleModelApply().apply_stylemodel([[torch.zeros(1, 2, 64), {}]], style, seen(1, 3, 24), 1.0, "multiply")
    write_weights({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match=r"x\.safetensors is no style model"):
        load_style_model(tmp_path / "x.safetensors")
