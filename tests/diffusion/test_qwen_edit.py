"""Qwen-Image-Edit: prompts with pictures in them and the denoising of edits, against diffusers' pipelines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook import folders
from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.checkpoints.files import write_weights
from comfy_notebook.diffusion.clip import CLIP
from comfy_notebook.diffusion.text import files, qwen_vl
from comfy_notebook.nodes.model_edit import TextEncodeQwenImageEditPlus

from . import tiny
from .test_families_flux import loaded
from .test_text import word_tokenizer

WORDS = [
    *("<|im_start|>", "<|im_end|>", "<unk>", "user", "make", "it", "red", "system", "assistant", "Describe", "image"),
    *("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "Picture", "1:", "2:", "put", "on"),
]
PAD = WORDS.index("<|image_pad|>")


def config() -> Any:
    """Qwen 2.5-VL, small: a tower of eight blocks of which the last sees the whole picture, two layers of text."""
    import transformers

    classes: Any = transformers
    return classes.Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 32, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [4, 6, 6]},
        },
        vision_config={
            "depth": 8, "hidden_size": 64, "intermediate_size": 48, "num_heads": 16, "out_hidden_size": 64,
            "fullatt_block_indexes": [7], "window_size": 112,
        },
        image_token_id=PAD,
    )  # fmt: skip


def reference() -> Any:
    """transformers' model with seeded weights, which also tells pictures from words as its processor would."""
    import transformers

    classes: Any = transformers

    class Model(classes.Qwen2_5_VLForConditionalGeneration):  # type: ignore[misc]
        def forward(self, input_ids: Tensor, **given: Any) -> Any:
            return super().forward(input_ids, mm_token_type_ids=(input_ids == PAD).int(), **given)

    model = Model(config()).eval()
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    model.load_state_dict(tiny.random_weights(shapes))
    return model


def single_file(model: Any) -> dict[str, Tensor]:
    """Its weights under the names of the one-file layout."""
    named = {}
    for name, value in model.state_dict().items():
        short = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        named[short] = value.clone()
    return named


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    word_tokenizer(tmp_path / "models" / "tokenizers" / "qwen2.5-vl", WORDS)
    yield tmp_path
    folders.use(before)


def load(weights: Mapping[str, Tensor], base: Path, monkeypatch: pytest.MonkeyPatch) -> CLIP:
    monkeypatch.setattr(files, "_IM_START", 0)
    path = base / "models" / "text_encoders" / "qwen_2.5_vl_7b.safetensors"
    write_weights(dict(weights), path)
    return files.load_text_encoders([path], "qwen_image")


class Processor:
    """What Qwen2VLProcessor does without its video part, which needs torchvision."""

    def __init__(self) -> None:
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

        from comfy_notebook.diffusion.text.tokenizer_files import load_tokenizer

        self.pictures: Any = Qwen2VLImageProcessorPil()
        self.encode = load_tokenizer("qwen2.5-vl")

    def __call__(self, text: list[str], images: Any = None, **_options: Any) -> Any:
        from transformers.feature_extraction_utils import BatchFeature

        seen = dict(self.pictures(images=images, return_tensors="pt")) if images is not None else {}
        counts = iter((seen["image_grid_thw"].prod(-1) // 4).tolist() if seen else [])
        whole = re.sub(r"<\|image_pad\|>", lambda pad: pad.group() * next(counts), text[0])
        ids = torch.tensor([self.encode(whole)])
        return BatchFeature({"input_ids": ids, "attention_mask": torch.ones_like(ids), **seen})


def pipeline(kind: str, model: Any, transformer: Any = None) -> Any:
    """diffusers' pipeline around the small text encoder; the words before the user's turn are cut at their number."""
    import diffusers

    classes: Any = diffusers
    made = getattr(classes, kind)(
        scheduler=classes.FlowMatchEulerDiscreteScheduler(shift=1.0), vae=None, text_encoder=model, tokenizer=None,
        processor=Processor(), transformer=transformer,
    )  # fmt: skip
    before = re.split(r"<\|vision_start\|>|\{\}", made.prompt_template_encode)[0]
    ids = made.processor.encode(before)
    made.prompt_template_encode_start_idx = len(ids) - ids[::-1].index(0) - 1 + 3
    made.set_progress_bar_config(disable=True)
    return made


def picture(height: int, width: int, seed: int = 0) -> tuple[Tensor, Image.Image]:
    """IMAGE of 8-bit values and the same for Pillow."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return torch.from_numpy(values.astype(np.float32) / 255)[None], Image.fromarray(values)


@pytest.mark.parametrize("scaled", [False, True], ids=["full", "fp8 scaled"])
def test_a_prompt_with_a_picture_is_that_of_the_pipeline(
    scaled: bool, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = reference()
    weights = single_file(model)
    if scaled:
        weights = in_fp8(weights, model)
    clip = load(weights, base, monkeypatch)
    image, seen = picture(140, 196)
    tokens = clip.tokenize("make it red", images=[image])
    assert [token[0]["type"] for token in tokens["qwen25"][0] if isinstance(token[0], dict)] == ["image"]
    [[text, options]] = clip.encode_from_tokens_scheduled(tokens)
    with torch.no_grad():
        expected, _ = pipeline("QwenImageEditPipeline", model).encode_prompt("make it red", seen, device="cpu")
    assert options["pooled_output"] is None
    assert text.shape[1] > 5 * 7
    torch.testing.assert_close(text, expected, rtol=1e-4, atol=1e-4)


def in_fp8(weights: Mapping[str, Tensor], model: Any) -> dict[str, Tensor]:
    """Matrices as fp8 with a scale each; ``model`` is given what they stand for."""
    made: dict[str, Tensor] = {"scaled_fp8": torch.zeros(0, dtype=torch.float8_e4m3fn)}
    rounded = {}
    for name, value in weights.items():
        made[name] = rounded[name] = value
        if value.ndim == 2 and ("layers." in name or "blocks." in name):
            scale = value.abs().max() / 400
            made[name] = (value / scale).to(torch.float8_e4m3fn)
            made[name.removesuffix("weight") + "scale_weight"] = scale
            rounded[name] = (made[name].float() * scale).bfloat16().float()
    model.load_state_dict(dict(zip(model.state_dict(), rounded.values(), strict=True)))
    return made


def test_two_pictures_are_those_of_the_pipeline_for_several(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = reference()
    clip = load(single_file(model), base, monkeypatch)
    pictures = [picture(112, 168), picture(168, 84, seed=1)]
    # diffusers makes pictures for the encoder of 384² pixels; so small they are fast
    monkeypatch.setattr("comfy_notebook.nodes.model_edit._of_area", lambda image, side, multiple=1: image)
    ((text, options),) = TextEncodeQwenImageEditPlus().encode(clip, "put it on", image1=pictures[0][0],
                                                              image3=None, image2=pictures[1][0])[0]  # fmt: skip
    assert "reference_latents" not in options
    with torch.no_grad():
        made = pipeline("QwenImageEditPlusPipeline", model)
        expected, _ = made.encode_prompt("put it on", [seen for _, seen in pictures], device="cpu")
    torch.testing.assert_close(text, expected, rtol=1e-4, atol=1e-4)


def test_words_alone_are_those_of_a_model_without_a_tower(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = single_file(reference())
    clip = load(weights, base, monkeypatch)
    blind = load({name: value for name, value in weights.items() if "visual" not in name}, base, monkeypatch)
    tokens = clip.tokenize("make it red")
    torch.testing.assert_close(clip.encode_from_tokens(tokens), blind.encode_from_tokens(tokens), rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="lacks the vision tower"):
        blind.encode_from_tokens(clip.tokenize("make it red", images=[picture(56, 56)[0]]))


@pytest.mark.parametrize("size", [(100, 150), (20, 300), (5000, 3000), (28, 28), (392, 378)])
def test_sizes_are_those_of_the_processor(size: tuple[int, int]) -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    assert qwen_vl.seen_size(*size) == smart_resize(*size, 28, 56 * 56, 12845056)


def test_squares_are_those_of_the_processor() -> None:
    image, seen = picture(84, 140)
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    processor: Any = Qwen2VLImageProcessorPil()
    made = processor(images=[seen], return_tensors="pt")
    squares, grid = qwen_vl.patches(image)
    assert (1, *grid) == tuple(made["image_grid_thw"][0].tolist())
    torch.testing.assert_close(squares, made["pixel_values"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("late", [False, True], ids=["2509", "2511"])
def test_steps_with_two_pictures_are_those_of_the_pipeline(
    late: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole pipeline for several pictures, given the text encoding, the noise and our sigmas."""
    import diffusers
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as theirs

    from comfy_notebook.diffusion.coders import VideoCoder
    from comfy_notebook.diffusion.vae import VAE

    weights = tiny.qwen_image() | ({"__index_timestep_zero__": torch.zeros(1)} if late else {})
    model = loaded(weights, tmp_path)
    memory.load_models_gpu([model])
    transformer = model.model.diffusion_model.module
    assert transformer.zero_cond_t == late
    classes: Any = diffusers
    vae = classes.AutoencoderKLQwenImage(base_dim=8, z_dim=16).eval()
    made = classes.QwenImageEditPlusPipeline(
        scheduler=classes.FlowMatchEulerDiscreteScheduler(shift=1.0), vae=vae, text_encoder=None, tokenizer=None,
        processor=None, transformer=transformer,
    )  # fmt: skip
    made.set_progress_bar_config(disable=True)
    monkeypatch.setattr(theirs, "VAE_IMAGE_SIZE", 64 * 64)
    monkeypatch.setattr(theirs, "CONDITION_IMAGE_SIZE", 64 * 64)
    pictures = [picture(64, 64), picture(32, 128, seed=1)]
    generator = torch.Generator().manual_seed(3)
    noise, text = torch.randn(1, 16, 1, 8, 12, generator=generator), torch.randn(1, 7, 48, generator=generator)
    sigmas = [1.0, 0.6, 0.2]
    tokens = made(
        [seen for _, seen in pictures], prompt_embeds=text, height=64, width=96, sigmas=sigmas, true_cfg_scale=1.0,
        num_inference_steps=3, latents=made._pack_latents(noise, 1, 16, 8, 12), output_type="latent",
    ).images  # fmt: skip
    expected = made._unpack_latents(tokens, 64, 96, 8)
    coder = VAE(VideoCoder(vae, 16))
    with torch.no_grad():
        seen = [coder.encode(image) for image, _ in pictures]
        given = model.model.extra_conds(cross_attn=text, reference_latents=seen)
        arguments = {key: value.process_cond(1).cond for key, value in given.items()}
        x = noise
        for sigma, after in zip(sigmas, [*sigmas[1:], 0.0], strict=True):
            denoised = model.model.apply_model(x, torch.tensor([sigma]), **arguments)
            x = x + (x - denoised) / sigma * (after - sigma)
    assert transformer.zero_cond_t == late
    torch.testing.assert_close(x, expected, rtol=1e-4, atol=1e-4)


def test_the_method_of_a_conditioning_reaches_the_network(tmp_path: Path) -> None:
    from comfy_notebook.nodes.conditioning_math import FluxKontextMultiReferenceLatentMethod

    model = loaded(tiny.qwen_image(), tmp_path)
    memory.load_models_gpu([model])
    generator = torch.Generator().manual_seed(0)
    x, text, seen = (torch.randn(shape, generator=generator) for shape in ((1, 16, 8, 8), (1, 5, 48), (1, 16, 8, 6)))

    def denoised(method: str, references: list[Tensor]) -> Tensor:
        [[_, options]] = FluxKontextMultiReferenceLatentMethod().append([[text, {}]], method)[0]
        given = model.model.extra_conds(cross_attn=text, reference_latents=references, **options)
        arguments = {key: value.process_cond(1).cond for key, value in given.items()}
        with torch.no_grad():
            found: Tensor = model.model.apply_model(x, torch.tensor([0.5]), **arguments)
        return found

    one, two = [seen], [seen, seen.flip(-1)]
    torch.testing.assert_close(denoised("offset", one), denoised("index", one), rtol=1e-5, atol=1e-5)
    for method in ("offset", "index_timestep_zero"):
        assert not torch.allclose(denoised(method, two), denoised("index", two), atol=1e-4)
    assert not model.model.diffusion_model.module.zero_cond_t


def test_pictures_side_by_side_lie_where_they_should() -> None:
    """Against angles place · 10000^(-2k/width), with the middle of each picture at its place."""
    from diffusers.models.transformers.transformer_qwenimage import QwenEmbedRope

    from comfy_notebook.diffusion.families.qwen_references import _beside

    axes = [4, 14, 14]
    rope: Any = QwenEmbedRope(10000, axes, True)
    sizes = [(1, 4, 6), (1, 2, 4), (1, 6, 2)]
    found, _ = _beside(rope, rope([sizes], max_txt_seq_len=3), sizes)
    places = [(0, row - 2, column - 3) for row in range(4) for column in range(6)]
    places += [(1, row - 1, column - 2) for row in range(2) for column in range(4)]
    places += [(1, row - 3, column - 1 + 4) for row in range(6) for column in range(2)]
    angles = [
        [place[axis] * 10000 ** (-2 * k / axes[axis]) for axis in range(3) for k in range(axes[axis] // 2)]
        for place in places
    ]
    expected = torch.polar(torch.ones(len(angles), 16), torch.tensor(angles))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_the_autoencoder_of_a_file_is_that_of_diffusers(tmp_path: Path) -> None:
    import diffusers
    from diffusers.loaders import single_file_utils

    from comfy_notebook.diffusion.vae_files import load_vae_file

    weights = tiny.wan_vae()
    write_weights(weights, tmp_path / "qwen_image_vae.safetensors")
    vae = load_vae_file(tmp_path / "qwen_image_vae.safetensors")
    classes: Any = diffusers
    utils: Any = single_file_utils
    theirs = classes.AutoencoderKLQwenImage(base_dim=8, z_dim=16).eval()
    theirs.load_state_dict(utils.convert_wan_vae_to_diffusers(dict(weights)))
    image, latent = torch.rand(1, 40, 56, 3), torch.randn(1, 16, 1, 5, 7)
    with torch.no_grad():
        expected = theirs.encode(image.movedim(-1, 1).unsqueeze(2) * 2 - 1).latent_dist.mode()
        pixels = theirs.decode(latent).sample.clamp(-1, 1).movedim(1, -1) / 2 + 0.5
    torch.testing.assert_close(vae.encode(image), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(vae.decode(latent), pixels, rtol=1e-4, atol=1e-4)
    assert {name for name in weights if not torch.equal(vae.get_sd()[name], weights[name])} == set()


def test_a_picture_is_edited_by_a_whole_graph(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nodes of the template for Qwen-Image-Edit 2509, through the engine."""
    from comfy_notebook import nodes
    from comfy_notebook.engine import Engine, EventBus
    from comfy_notebook.nodes import model_edit
    from comfy_notebook.protocol.registry import Registry
    from comfy_notebook.protocol.v1 import definition_from_class

    from .capture import ParityCapture
    from .test_end_to_end import node, run

    whole = model_edit._of_area
    monkeypatch.setattr(model_edit, "_of_area", lambda image, side, multiple=1: whole(image, side // 8, multiple))
    load(single_file(reference()), base, monkeypatch)
    transformer = tiny.qwen_image()
    wide = {name: value for name, value in transformer.items() if name.startswith(("txt_norm", "txt_in"))}
    transformer |= tiny.random_weights({name: tuple(64 if n == 48 else n for n in v.shape) for name, v in wide.items()})
    write_weights(transformer, base / "models" / "diffusion_models" / "edit.safetensors")
    write_weights(tiny.wan_vae(), base / "models" / "vae" / "vae.safetensors")
    registry = Registry()
    nodes.register_all(registry)
    registry.register(definition_from_class("ParityCapture", ParityCapture))
    engine = Engine(registry, EventBus(), folders.current())
    prompt = {
        "m": node("UNETLoader", unet_name="edit.safetensors", weight_dtype="default"),
        "t": node("CLIPLoader", clip_name="qwen_2.5_vl_7b.safetensors", type="qwen_image", device="default"),
        "v": node("VAELoader", vae_name="vae.safetensors"),
        "i": node("EmptyImage", width=96, height=64, batch_size=1, color=0xFF8000),
        "j": node("EmptyImage", width=64, height=64, batch_size=1, color=0x0080FF),
        "p": node("TextEncodeQwenImageEditPlus", clip=["t", 0], vae=["v", 0], prompt="make it red",
                  image1=["i", 0], image3=["j", 0]),
        "n": node("TextEncodeQwenImageEditPlus", clip=["t", 0], vae=["v", 0], prompt="", image1=["i", 0]),
        "r": node("FluxKontextMultiReferenceLatentMethod", conditioning=["p", 0],
                  reference_latents_method="index_timestep_zero"),
        "s": node("ModelSamplingAuraFlow", model=["m", 0], shift=3.0),
        "c": node("CFGNorm", model=["s", 0], strength=1.0),
        "l": node("VAEEncode", pixels=["i", 0], vae=["v", 0]),
        "k": node("KSampler", model=["c", 0], positive=["r", 0], negative=["n", 0], latent_image=["l", 0], seed=1,
                  steps=2, cfg=2.5, sampler_name="euler", scheduler="simple", denoise=1.0),
        "d": node("VAEDecode", samples=["k", 0], vae=["v", 0]),
        "o": node("ParityCapture", value=["d", 0], tag="image"),
    }  # fmt: skip
    try:
        image = run(engine, prompt)
        assert image.shape == (1, 64, 96, 3)
        assert torch.isfinite(image).all()
        other = run(engine, prompt | {"r": prompt["r"] | {"inputs": {**prompt["r"]["inputs"],
                                                                    "reference_latents_method": "index"}}})  # fmt: skip
        assert not torch.equal(image, other)
    finally:
        engine.shutdown()
