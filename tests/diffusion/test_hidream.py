"""HiDream from small files, against diffusers' pipeline and transformers' encoders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders
from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.diffusion.patcher import ModelPatcher
from comfy_notebook.diffusion.text import files, hidream
from comfy_notebook.nodes.loaders import QuadrupleCLIPLoader
from comfy_notebook.nodes.text_encode import CLIPTextEncodeHiDream

from . import tiny
from .test_families_flux import loaded
from .test_text import t5_weights, word_tokenizer


def network() -> dict[str, Tensor]:
    """HiDream, small; its files have the names of diffusers."""
    import diffusers

    classes: Any = diffusers
    module = classes.HiDreamImageTransformer2DModel(
        patch_size=2, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=128,
        num_attention_heads=1, caption_channels=[48, 64], text_emb_dim=24, num_routed_experts=2,
        axes_dims_rope=(64, 32, 32), llama_layers=[0, 1],
    )  # fmt: skip
    return tiny.random_weights({name: tuple(value.shape) for name, value in module.state_dict().items()})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelPatcher:
    made = loaded(network(), tmp_path_factory.mktemp("hidream"))
    memory.load_models_gpu([made])
    return made


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def conditioning(model: ModelPatcher, **more: Any) -> dict[str, Any]:
    """T5 of 6 tokens, two layers of Llama of 4 tokens, pooled CLIP, as arguments of the network."""
    given = {"pooled_output": numbers(1, 24), "conditioning_llama3": numbers(1, 2, 4, 64), **more}
    found = model.model.extra_conds(cross_attn=numbers(1, 6, 48), **given)
    return {name: value.process_cond(1).cond for name, value in found.items()}


def test_the_file_is_recognised_and_its_weights_come_back(model: ModelPatcher) -> None:
    assert model.model.family.title == "HiDream"
    assert model.model.model_sampling.shift == 3.0
    for name, value in network().items():
        torch.testing.assert_close(model.weights.get(f"diffusion_model.{name}"), value, rtol=0, atol=0)


def test_three_euler_steps_are_those_of_the_pipeline(model: ModelPatcher) -> None:
    import diffusers

    classes: Any = diffusers
    pipeline = classes.HiDreamImagePipeline(
        classes.FlowMatchEulerDiscreteScheduler(shift=1.0), None, None, None, None, None, None, None, None, None,
        model.model.diffusion_model.module,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    noise, sigmas = numbers(1, 16, 8, 8, seed=1), [1.0, 0.6, 0.2]
    arguments = conditioning(model)
    # the pipeline scales sizes to the area it was made for
    pipeline.default_sample_size = 8
    expected = pipeline(
        height=64, width=64, num_inference_steps=3, sigmas=sigmas, guidance_scale=1.0, latents=noise,
        prompt_embeds_t5=arguments["c_crossattn"], pooled_prompt_embeds=arguments["y"],
        prompt_embeds_llama3=arguments["conditioning_llama3"].movedim(1, 0), output_type="latent",
    ).images  # fmt: skip
    x = noise
    with torch.no_grad():
        for sigma, after in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
            denoised = model.model.apply_model(x, torch.tensor([sigma]), **arguments)
            x = x + (x - denoised) / sigma * (after - sigma)
    torch.testing.assert_close(x, expected, rtol=1e-4, atol=1e-4)


def test_the_picture_to_edit_lies_at_the_right(model: ModelPatcher) -> None:
    """As HiDream-E1 has it: twice as wide, and the left half counts."""
    x, seen = numbers(1, 16, 8, 4, seed=1), numbers(1, 16, 8, 4, seed=2)
    arguments = conditioning(model, concat_latent_image=seen)
    wide = torch.cat([x, (seen - 0.1159) * 0.3611], dim=-1)
    with torch.no_grad():
        made = model.model.diffusion_model.module(
            hidden_states=wide, timesteps=torch.tensor([500.0]), encoder_hidden_states_t5=arguments["c_crossattn"],
            encoder_hidden_states_llama3=arguments["conditioning_llama3"].movedim(1, 0),
            pooled_embeds=arguments["y"], return_dict=False,
        )[0]  # fmt: skip
        found = model.model.apply_model(x, torch.tensor([0.5]), **arguments)
    torch.testing.assert_close(found, x + 0.5 * made[..., :4], rtol=1e-4, atol=1e-4)


def test_any_size_comes_back(model: ModelPatcher) -> None:
    with torch.no_grad():
        made = model.model.apply_model(numbers(2, 16, 7, 10), torch.tensor([0.5, 0.5]), **{
            name: value.expand(2, *value.shape[1:]) for name, value in conditioning(model).items()
        })  # fmt: skip
    assert made.shape == (2, 16, 7, 10)
    with pytest.raises(ValueError, match="load its text encoders with QuadrupleCLIPLoader"):
        model.model.apply_model(numbers(1, 16, 8, 8), torch.tensor([0.5]), c_crossattn=numbers(1, 6, 48))


def test_a_network_made_in_a_cell_is_the_same_model(model: ModelPatcher) -> None:
    from comfy_notebook.diffusion.wrap import wrap_model

    wrapped = wrap_model(model.model.diffusion_model.module)
    x, arguments = numbers(1, 16, 8, 8), conditioning(model)
    with torch.no_grad():
        expected = model.model.apply_model(x, torch.tensor([0.5]), **arguments)
        assert torch.equal(wrapped.model.apply_model(x, torch.tensor([0.5]), **arguments), expected)


def llama_weights() -> dict[str, Tensor]:
    """Llama 3, small: two heads of 32, two layers."""
    shapes: dict[str, tuple[int, ...]] = {"embed_tokens.weight": (32, 64), "norm.weight": (64,)}
    for number in range(2):
        block = f"layers.{number}"
        shapes |= {f"{block}.self_attn.{part}_proj.weight": (64, 64) for part in "qkvo"}
        shapes |= {f"{block}.mlp.{part}_proj.weight": (96, 64) for part in ("gate", "up")}
        shapes |= {f"{block}.mlp.down_proj.weight": (64, 96)}
        shapes |= {f"{block}.{norm}_layernorm.weight": (64,) for norm in ("input", "post_attention")}
    return {f"model.{name}": value for name, value in tiny.random_weights(shapes).items()}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    words = ["<pad>", "</s>", "<unk>", "a", "red", "(cat:1.5)", "cat"]
    for name in ("t5", "llama3"):
        word_tokenizer(tmp_path / "models" / "tokenizers" / name, words)
    monkeypatch.setattr(hidream, "_BEGIN", 30)
    monkeypatch.setattr(hidream, "_END_OF_TURN", 31)
    yield tmp_path
    folders.use(before)


def llama_layers(ids: list[int]) -> Tensor:
    """What transformers' Llama gives for tokens with padding to 128 hidden, ``[1, layers, 128, width]``."""
    import transformers

    classes: Any = transformers
    rope = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}  # fmt: skip
    config = classes.LlamaConfig(
        vocab_size=32, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, head_dim=32, rms_norm_eps=1e-5, rope_parameters=rope, max_position_embeddings=131072,
    )  # fmt: skip
    theirs = classes.LlamaModel(config).eval()
    theirs.load_state_dict({name.removeprefix("model."): value for name, value in llama_weights().items()})
    given = torch.tensor([ids + [31] * (128 - len(ids))])
    with torch.no_grad():
        made = theirs(input_ids=given, attention_mask=(given != 31).long(), output_hidden_states=True)
    return torch.stack(made.hidden_states[1:], dim=1)


def test_four_encoders_are_read_together(base: Path) -> None:
    import transformers

    from comfy_notebook.diffusion.clip import CLIP
    from comfy_notebook.diffusion.text.language import load_t5

    encoders = {
        "l": files.clip_l(tiny.random_weights(tiny.clip(64, 1))),
        "g": files.clip_g(tiny.random_weights(tiny.open_clip(64, 1))),
        "t5xxl": load_t5(t5_weights(), torch.float32, masked=True, zeroed=False),
        "llama": hidream.load_llama(llama_weights(), torch.float32),
    }
    clip = CLIP(files.stack_for(encoders, "hidream"))
    [[text, options]] = CLIPTextEncodeHiDream().encode(clip, "a cat", "a cat", "red cat", "a (cat:1.5)")[0]
    torch.testing.assert_close(options["conditioning_llama3"], llama_layers([30, 3, 5]), rtol=1e-4, atol=1e-4)
    assert options["pooled_output"].shape == (1, 128)
    for name, place in (("l", 0), ("g", 64)):
        pooled = encoders[name].encode_token_weights(clip.tokenize("a cat")[name])[1]
        torch.testing.assert_close(options["pooled_output"][:, place : place + 64], pooled, rtol=1e-4, atol=1e-4)
    classes: Any = transformers
    config = classes.T5Config(
        vocab_size=32, d_model=48, d_kv=16, d_ff=96, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
    )  # fmt: skip
    theirs = classes.T5EncoderModel(config).eval()
    theirs.load_state_dict(t5_weights() | {"encoder.embed_tokens.weight": t5_weights()["shared.weight"]})
    ids = torch.tensor([[4, 6, 1] + [0] * 125])
    with torch.no_grad():
        expected = theirs(input_ids=ids, attention_mask=(torch.arange(128) < 3).long()[None]).last_hidden_state
    torch.testing.assert_close(text, expected, rtol=1e-4, atol=1e-4)


def test_a_longer_clip_reads_longer_prompts_at_once() -> None:
    import transformers

    from comfy_notebook.diffusion.clip import CLIP

    shapes = tiny.clip(64, 1) | {"text_model.embeddings.position_embedding.weight": (248, 64)}
    weights = tiny.random_weights(shapes | {"text_projection.weight": (64, 64)})
    clip = CLIP(files.stack_for({"l": files.clip_l(weights)}, "hidream"))
    [chunk] = clip.tokenize("a red cat " * 50)["l"]
    classes: Any = transformers
    config = classes.CLIPTextConfig(
        hidden_size=64, intermediate_size=256, num_hidden_layers=1, num_attention_heads=1, hidden_act="quick_gelu",
        max_position_embeddings=248, projection_dim=64, eos_token_id=49407,
    )  # fmt: skip
    theirs = classes.CLIPTextModelWithProjection(config).eval()
    theirs.load_state_dict({name: value.half().float() for name, value in weights.items()})
    with torch.no_grad():
        expected = theirs(torch.tensor([[token[0] for token in chunk]])).text_embeds
    _, pooled = clip.encode_from_tokens({"l": [chunk]}, return_pooled=True)
    torch.testing.assert_close(pooled[:, :64], expected, rtol=1e-3, atol=1e-3)


def test_what_is_missing_is_zeros(base: Path) -> None:
    folder = base / "models" / "text_encoders"
    write_weights(llama_weights(), folder / "llama.safetensors")
    write_weights(t5_weights(), folder / "t5.safetensors")
    names = ("llama.safetensors", "t5.safetensors", "t5.safetensors", "llama.safetensors")
    [clip] = QuadrupleCLIPLoader().load_clip(*names)
    [[text, options]] = clip.encode_from_tokens_scheduled(clip.tokenize("a cat"))
    assert text.shape == (1, 128, 48)
    assert torch.equal(options["pooled_output"], torch.zeros(1, 2048))
    torch.testing.assert_close(options["conditioning_llama3"], llama_layers([30, 3, 6]), rtol=1e-4, atol=1e-4)
    assert files.load_text_encoders([folder / "llama.safetensors"], "hidream").cond_stage_model.names == ("llama",)
