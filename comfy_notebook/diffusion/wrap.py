"""Networks made in a cell as ``MODEL`` for the graph, and back: ``cn.wrap_model(transformer)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .checkpoints.layout import Layout, Piece
from .families.family import Family

if TYPE_CHECKING:
    from torch import nn

    from .patcher import ModelPatcher


def wrap_model(module: nn.Module, *, sampling: str | None = None, **settings: Any) -> ModelPatcher:
    """``module``, a diffusion network of diffusers, as a ``MODEL`` that nodes take. The weights are not copied.

    ``sampling`` and ``settings`` replace the noise levels of its family: a kind of
    :data:`.sampling.model_sampling.KINDS` with its parameters (``"V_PREDICTION"``; ``"FLOW", shift=3.0``). The network
    stays reachable as ``model.model.diffusion_model.module``. Raises ``TypeError`` for modules of unknown classes.
    """
    from .base_model import BaseModel, as_patcher

    family = _family_of(module)
    if sampling is not None:
        family.sampling_kind, family.sampling_settings = sampling, settings
    dtype = next(module.parameters()).dtype
    return as_patcher(BaseModel(family, family.adapter(module), family.model_sampling(), dtype))


def _family_of(module: Any) -> Family:
    from .families import auraflow, flux, hidream, qwen_image, stable_diffusion, stable_diffusion3, z_image

    classes: dict[str, type[Family]] = {
        "FluxTransformer2DModel": flux.Flux,
        "ChromaTransformer2DModel": flux.Chroma,
        "SD3Transformer2DModel": stable_diffusion3.StableDiffusion3,
        "AuraFlowTransformer2DModel": auraflow.AuraFlow,
        "ZImageTransformer2DModel": z_image.ZImage,
        "QwenImageTransformer2DModel": qwen_image.QwenImage,
        "HiDreamImageTransformer2DModel": hidream.HiDream,
    }
    name = type(module).__name__
    if name == "UNet2DConditionModel":
        found = _unet(module, stable_diffusion)
    elif name in classes:
        found = classes[name](module.config, _own_names(module))
        adapt = getattr(found, "_adapt", None)
        if adapt is not None:
            adapt()
    else:
        known = ", ".join(["UNet2DConditionModel", *classes])
        raise TypeError(f"a {name} can't be used as MODEL; these classes of diffusers can: {known}")
    return found


def _unet(module: Any, families: Any) -> Family:
    config = dict(module.config)
    kinds = [families.StableDiffusionXL, families.StableDiffusionXLRefiner]
    kinds += [families.StableDiffusion1, families.StableDiffusion2]
    has_vector = config.get("addition_embed_type") == "text_time"
    for kind in kinds:
        if kind.fits(config, has_vector):
            made: Family = kind(config, _own_names(module))
            made.concat_keys = {9: ("mask", "masked_image"), 8: ("concat_image",)}.get(config["in_channels"], ())
            return made
    raise TypeError("this UNet2DConditionModel is of no known family (Stable Diffusion 1, 2, XL)")


def _own_names(module: nn.Module) -> Layout:
    """The module's own names, as there is no file that would have others."""
    layout = Layout()
    for name, value in module.state_dict().items():
        layout.add(name, tuple(value.shape), Piece(name))
    return layout
