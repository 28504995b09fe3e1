"""Stable Diffusion 1, 2, XL and XL Refiner: one U-Net in four sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from .. import latent_formats
from ..checkpoints.layout import Layout
from . import unet_layout
from .family import Family

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from ..base_model import BaseModel

_SIZE_EMBEDDING = 256


class StableDiffusion(Family):
    """What the four have in common."""

    dtypes: ClassVar[tuple[str, ...]] = ("float16", "bfloat16", "float32")
    #: Width of the text encoding and whether there is a vector beside it.
    context: ClassVar[int] = 768
    vector_width: ClassVar[bool] = False

    @classmethod
    def recognise(cls, shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
        if "input_blocks.0.0.weight" not in shapes or "middle_block.1.proj_in.weight" not in shapes:
            return None
        config = unet_layout.describe(shapes)
        if config["in_channels"] not in (4, 8, 9) or not cls.fits(config, "label_emb.0.0.weight" in shapes):
            return None
        layout = unet_layout.layout(shapes, config["layers_per_block"])
        made = cls(config, layout)
        made.concat_keys = {9: ("mask", "masked_image"), 8: ("concat_image",)}.get(config["in_channels"], ())
        return made

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        return has_vector == cls.vector_width and config["cross_attention_dim"] == cls.context

    def module(self) -> nn.Module:
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

        return UNet2DConditionModel(**self.config)  # type: ignore[no-any-return, unused-ignore]

    def adapter(self, module: nn.Module) -> nn.Module:
        from .unet_network import UNetNetwork

        return UNetNetwork(module)


class StableDiffusion1(StableDiffusion):
    """512 px, CLIP-L; also any other U-Net of this kind without a vector beside its text."""

    title = "Stable Diffusion 1"

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        return not has_vector and not config["use_linear_projection"]


class StableDiffusion2(StableDiffusion):
    """512 px (ε) and 768 px (v), OpenCLIP-H."""

    title = "Stable Diffusion 2"

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        return not has_vector and bool(config["use_linear_projection"])

    def adjust(self, weights: Mapping[str, torch.Tensor]) -> None:
        """The 768 px models predict v, and their files do not say so; their last norm is far wider spread."""
        bias = weights.get("output_blocks.11.1.transformer_blocks.0.norm1.bias")
        if self.config["in_channels"] == 4 and bias is not None and float(bias.float().std(unbiased=False)) > 0.09:
            self.sampling_kind = "V_PREDICTION"


class Lotus(StableDiffusion):
    """Stable Diffusion 2 trained to make depth or normals of a picture's latent in one step. Beside the time it is told
    its task by four numbers: sine and cosine of (1, 0)."""

    title = "Lotus"
    sampling_kind = "IMG_TO_IMG"

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        return has_vector and config["projection_class_embeddings_input_dim"] == 4 and config["in_channels"] == 4

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        import torch

        task = torch.tensor([[1.0, 0.0]])
        return torch.cat([task.sin(), task.cos()], dim=1)


class StableDiffusionXL(StableDiffusion):
    """1024 px, CLIP-L and OpenCLIP-bigG; the size of the picture goes in as numbers."""

    title = "Stable Diffusion XL"
    latent_format = latent_formats.SDXL
    memory_usage_factor = 0.8

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        return has_vector and config["down_block_types"][0] == "DownBlock2D" and len(config["block_out_channels"]) == 3

    def __init__(self, config: Mapping[str, Any], layout: Layout) -> None:
        super().__init__(config, layout)
        self.adm_channels = config["projection_class_embeddings_input_dim"]

    def adjust(self, weights: Mapping[str, torch.Tensor]) -> None:
        if "v_pred" in weights:
            self.sampling_kind = "V_PREDICTION"
            self.sampling_settings = {"zsnr": True} if "ztsnr" in weights else {}

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        """The pooled text, then original height and width, crop top and left, target height and width, embedded."""
        width, height = given.get("width", 768), given.get("height", 768)
        numbers = [
            *(height, width, given.get("crop_h", 0), given.get("crop_w", 0)),
            *(given.get("target_height", height), given.get("target_width", width)),
        ]
        return _vector(given, numbers, self.adm_channels)


class StableDiffusionXLRefiner(StableDiffusionXL):
    """The second half of XL: bigG only, and a score of how pleasing the picture shall be."""

    title = "Stable Diffusion XL Refiner"

    @classmethod
    def fits(cls, config: Mapping[str, Any], has_vector: bool) -> bool:
        return has_vector and config["down_block_types"][0] == "DownBlock2D" and len(config["block_out_channels"]) == 4

    def vector(self, model: BaseModel, **given: Any) -> Tensor | None:
        score = given.get("aesthetic_score", 2.5 if given.get("prompt_type") == "negative" else 6.0)
        width, height = given.get("width", 768), given.get("height", 768)
        numbers = [height, width, given.get("crop_h", 0), given.get("crop_w", 0), score]
        return _vector(given, numbers, self.adm_channels)


def _vector(given: Mapping[str, Any], numbers: list[float], width: int) -> Tensor:
    import torch

    sizes = torch.cat([sinusoids(torch.tensor([float(number)]), _SIZE_EMBEDDING) for number in numbers], dim=1)
    pooled = given.get("pooled_output")
    if pooled is None:
        pooled = torch.zeros(1, width - sizes.shape[1])
    if pooled.shape[1] + sizes.shape[1] != width:
        raise ValueError(
            f"the conditioning's pooled text is {pooled.shape[1]} numbers wide and this model reads "
            f"{width - sizes.shape[1]}: encode the prompt with the CLIP that belongs to this model"
        )
    return torch.cat([pooled, sizes.to(pooled.device, pooled.dtype).expand(pooled.shape[0], -1)], dim=1)


def sinusoids(values: Tensor, width: int, longest: float = 10000.0) -> Tensor:
    """Numbers ``[B]`` as cosines and sines of falling frequency, ``[B, width]``."""
    import torch

    half = width // 2
    frequencies = torch.exp(-math.log(longest) * torch.arange(half, dtype=torch.float32) / half)
    angles = values[:, None].float() * frequencies[None].to(values.device)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)
