"""``CLIP_VISION`` in a graph: pictures as the vectors that image prompts and style models read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import memory
from .checkpoints.files import WeightsError, read_weights
from .checkpoints.layout import assign
from .checkpoints.load import without_prefix
from .checkpoints.meta import quiet_libraries, without_weights
from .patcher import ModelPatcher

if TYPE_CHECKING:
    from torch import Tensor

Colour = tuple[float, float, float]
_MEAN: Colour = (0.48145466, 0.4578275, 0.40821073)
_STD: Colour = (0.26862954, 0.26130258, 0.27577711)
_GREY: Colour = (0.5, 0.5, 0.5)
_TABLE = "vision_model.embeddings.patch_embedding.weight"
_LAYERS = "vision_model.encoder.layers."
_OF_ENCODER = ("vision_model.", "visual_projection.")


@dataclass
class ClipVisionOutput:
    """``image_embeds`` ``[B,P]``, ``last_hidden_state`` and ``penultimate_hidden_states`` ``[B,T,D]``, float32.

    SigLIP also gives ``all_hidden_states`` ``[B,layers,T,D]``.

    Read as attributes or by name.
    """

    image_embeds: Tensor
    last_hidden_state: Tensor
    penultimate_hidden_states: Tensor
    image_sizes: list[tuple[int, int, int]]
    all_hidden_states: Tensor | None = None

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class ClipVision:
    """``model`` is transformers' ``CLIPVisionModelWithProjection`` or ``SiglipVisionModel``; ``mean`` and ``std`` are
    those of the pictures it was trained on."""

    def __init__(self, model: Any, image_size: int, mean: Colour = _MEAN, std: Colour = _STD) -> None:
        self.model = model
        self.image_size = image_size
        self.image_mean, self.image_std = mean, std
        self.load_device = memory.get_torch_device()
        self.patcher = ModelPatcher(model, self.load_device, memory.offload_device())

    def encode_image(self, image: Tensor, crop: bool = True) -> ClipVisionOutput:
        """What the encoder sees in images ``[B,H,W,3]`` in 0…1; ``crop`` cuts a square from the middle first."""
        import torch

        memory.load_models_gpu([self.patcher])
        pixels = preprocessed(image.to(self.load_device), self.image_size, crop, self.image_mean, self.image_std)
        dtype = next(self.model.parameters()).dtype
        with torch.no_grad():
            made = self.model(pixel_values=pixels.to(dtype), output_hidden_states=True)
        where = memory.intermediate_device()
        layers = None if "image_embeds" in made else torch.stack(made.hidden_states[1:], dim=1).float().to(where)
        return ClipVisionOutput(
            (made.image_embeds if "image_embeds" in made else made.pooler_output).float().to(where),
            made.last_hidden_state.float().to(where),
            made.hidden_states[-2].float().to(where),
            [(int(picture.shape[2]), int(picture.shape[0]), int(picture.shape[1])) for picture in image],
            layers,
        )


def preprocessed(image: Tensor, size: int, crop: bool = True, mean: Colour = _MEAN, std: Colour = _STD) -> Tensor:
    """``[B,H,W,C]`` in 0…1 → ``[B,3,size,size]``, rounded to 8 bit and normalised to ``mean`` and ``std``."""
    import torch

    pixels = image[..., :3].movedim(-1, 1)
    if pixels.shape[-2:] != (size, size):
        height, width = pixels.shape[-2:]
        if crop:
            scale = size / min(height, width)
            target = (round(scale * height), round(scale * width))
        else:
            target = (size, size)
        pixels = torch.nn.functional.interpolate(pixels, size=target, mode="bicubic", antialias=True)
        top, left = (pixels.shape[-2] - size) // 2, (pixels.shape[-1] - size) // 2
        pixels = pixels[..., top : top + size, left : left + size]
    pixels = torch.clip(255.0 * pixels, 0, 255).round() / 255.0
    middle, spread = (pixels.new_tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    return (pixels - middle) / spread


def load_clip_vision(path: Path) -> ClipVision:
    """The image encoder of a file: CLIP in transformers' or OpenCLIP's names, or SigLIP.

    Raises :class:`WeightsError` when it is none that is known.
    """
    return clip_vision_from_weights(read_weights(path)[0], path.name)


def clip_vision_from_weights(weights: Mapping[str, Tensor], file: str) -> ClipVision:
    """The image encoder with these weights; raises :class:`WeightsError` when it is none that is known."""
    import torch

    quiet_libraries()
    weights = _named(weights)
    if _TABLE not in weights:
        raise WeightsError(f"{file} is no CLIP or SigLIP image encoder: it has no {_TABLE}")
    siglip = "vision_model.embeddings.class_embedding" not in weights
    made = _siglip(weights) if siglip else _clip(weights)
    dtype = memory.compute_dtype(None, [torch.float16, torch.float32])
    state = {name: value.to(dtype) for name, value in weights.items() if name.startswith(_OF_ENCODER)}
    state = {name: value for name, value in state.items() if not name.endswith("position_ids")}
    if siglip:
        state = without_prefix(state, "vision_model.")
    assign(made.model, state, f"image encoder ({file})")
    return made


def _size(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """What both kinds of encoders tell by their shapes."""
    width, _, patch, _ = weights[_TABLE].shape
    count = weights["vision_model.embeddings.position_embedding.weight"].shape[0]
    count -= "vision_model.embeddings.class_embedding" in weights
    return {
        "hidden_size": width,
        "intermediate_size": weights[f"{_LAYERS}0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": 1 + max(int(name.split(".")[3]) for name in weights if name.startswith(_LAYERS)),
        "image_size": round(count**0.5) * patch,
        "patch_size": patch,
    }


def _clip(weights: Mapping[str, Tensor]) -> ClipVision:
    from transformers.models.clip.configuration_clip import CLIPVisionConfig
    from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection

    size = _size(weights)
    width = size["hidden_size"]
    config = CLIPVisionConfig(
        **size,
        projection_dim=weights["visual_projection.weight"].shape[0],
        num_attention_heads=max(width // (80 if width == 1280 else 104 if width == 1664 else 64), 1),
        hidden_act="quick_gelu" if width == 1024 else "gelu",
    )
    with without_weights():
        model = CLIPVisionModelWithProjection(config)
    return ClipVision(model, size["image_size"])


def _siglip(weights: Mapping[str, Tensor]) -> ClipVision:
    from transformers.models.siglip.configuration_siglip import SiglipVisionConfig
    from transformers.models.siglip.modeling_siglip import SiglipVisionModel

    size = _size(weights)
    width = size["hidden_size"]
    config = SiglipVisionConfig(**size, num_attention_heads=max(width // (72 if width == 1152 else 64), 1))
    with without_weights():
        model = SiglipVisionModel(config)
    return ClipVision(model, size["image_size"], _GREY, _GREY)


def _named(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights under transformers' names."""
    inside = without_prefix(weights, "visual.")
    if "transformer.resblocks.0.ln_1.weight" not in inside:
        return dict(weights)
    made: dict[str, Tensor] = {
        "vision_model.embeddings.class_embedding": inside["class_embedding"],
        "vision_model.embeddings.position_embedding.weight": inside["positional_embedding"],
        "vision_model.embeddings.patch_embedding.weight": inside["conv1.weight"],
        "visual_projection.weight": inside["proj"].t(),
    }
    for kind in ("weight", "bias"):
        made[f"vision_model.pre_layrnorm.{kind}"] = inside[f"ln_pre.{kind}"]
        made[f"vision_model.post_layernorm.{kind}"] = inside[f"ln_post.{kind}"]
    for name, value in inside.items():
        if name.startswith("transformer.resblocks."):
            made |= _layer(name, value)
    return made


def _layer(name: str, value: Tensor) -> dict[str, Tensor]:
    number, _, rest = name.removeprefix("transformer.resblocks.").partition(".")
    layer = f"vision_model.encoder.layers.{number}."
    if rest.startswith("attn.in_proj_"):
        kind = rest.rsplit("_", 1)[1]
        parts = value.chunk(3)
        return {f"{layer}self_attn.{part}_proj.{kind}": piece for part, piece in zip("qkv", parts, strict=True)}
    names = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    names["attn.out_proj"] = "self_attn.out_proj"
    part, kind = rest.rsplit(".", 1)
    return {f"{layer}{names[part]}.{kind}": value}
