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

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass
class ClipVisionOutput:
    """``image_embeds`` ``[B,P]``, ``last_hidden_state`` and ``penultimate_hidden_states`` ``[B,T,D]``, float32.

    Read as attributes or by name.
    """

    image_embeds: Tensor
    last_hidden_state: Tensor
    penultimate_hidden_states: Tensor
    image_sizes: list[tuple[int, int, int]]

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


class ClipVision:
    """``model`` is transformers' ``CLIPVisionModelWithProjection``."""

    def __init__(self, model: Any, image_size: int) -> None:
        self.model = model
        self.image_size = image_size
        self.load_device = memory.get_torch_device()
        self.patcher = ModelPatcher(model, self.load_device, memory.offload_device())

    def encode_image(self, image: Tensor, crop: bool = True) -> ClipVisionOutput:
        """What the encoder sees in images ``[B,H,W,3]`` in 0…1; ``crop`` cuts a square from the middle first."""
        import torch

        memory.load_models_gpu([self.patcher])
        pixels = preprocessed(image.to(self.load_device), self.image_size, crop)
        dtype = next(self.model.parameters()).dtype
        with torch.no_grad():
            made = self.model(pixel_values=pixels.to(dtype), output_hidden_states=True)
        where = memory.intermediate_device()
        return ClipVisionOutput(
            made.image_embeds.float().to(where),
            made.last_hidden_state.float().to(where),
            made.hidden_states[-2].float().to(where),
            [(int(picture.shape[2]), int(picture.shape[0]), int(picture.shape[1])) for picture in image],
        )


def preprocessed(image: Tensor, size: int, crop: bool = True) -> Tensor:
    """``[B,H,W,C]`` in 0…1 → ``[B,3,size,size]``, rounded to 8 bit and normalised as CLIP wants it."""
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
    mean, std = (pixels.new_tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    return (pixels - mean) / std


def load_clip_vision(path: Path) -> ClipVision:
    """The image encoder of a file, in transformers' or OpenCLIP's names.

    Raises :class:`WeightsError` when it is none that is known.
    """
    import torch
    from transformers.models.clip.configuration_clip import CLIPVisionConfig
    from transformers.models.clip.modeling_clip import CLIPVisionModelWithProjection

    quiet_libraries()
    weights = _named(read_weights(path)[0])
    table = "vision_model.embeddings.patch_embedding.weight"
    if table not in weights:
        raise WeightsError(f"{path.name} is no CLIP image encoder: it has no {table}")
    width, _, patch, _ = weights[table].shape
    count = weights["vision_model.embeddings.position_embedding.weight"].shape[0] - 1
    size = round(count**0.5) * patch
    prefix = "vision_model.encoder.layers."
    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=weights[f"{prefix}0.mlp.fc1.weight"].shape[0],
        projection_dim=weights["visual_projection.weight"].shape[0],
        num_hidden_layers=1 + max(int(name.split(".")[3]) for name in weights if name.startswith(prefix)),
        num_attention_heads=max(width // (80 if width == 1280 else 104 if width == 1664 else 64), 1),
        image_size=size,
        patch_size=patch,
        hidden_act="quick_gelu" if width == 1024 else "gelu",
    )
    with without_weights():
        model = CLIPVisionModelWithProjection(config)
    dtype = memory.compute_dtype(None, [torch.float16, torch.float32])
    state = {name: value.to(dtype) for name, value in weights.items() if not name.endswith("position_ids")}
    assign(model, state, "CLIP image encoder")
    return ClipVision(model, size)


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
