"""``comfy.sd``: models from files, and the classes of ``CLIP`` and ``VAE``."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...diffusion.checkpoints.load import load_checkpoint, load_diffusion_model, model_from_weights, without_prefix
from ...diffusion.clip import CLIP
from ...diffusion.gligen import load_gligen as _load_gligen
from ...diffusion.lora.files import load_lora_for_models as _load_lora
from ...diffusion.style import StyleModel
from ...diffusion.style import load_style_model as _load_style_model
from ...diffusion.text.files import load_text_encoders
from ...diffusion.unclip import load_unclip_checkpoint
from ...diffusion.vae import VAE as _VAE
from ...diffusion.vae_files import load_vae

__all__ = ["CLIP", "VAE", "StyleModel", "load_diffusion_model"]


class CLIPType(enum.Enum):
    """Which model text encoders are for."""

    STABLE_DIFFUSION = 1
    STABLE_CASCADE = 2
    SD3 = 3
    STABLE_AUDIO = 4
    HUNYUAN_DIT = 5
    FLUX = 6
    MOCHI = 7
    LTXV = 8
    HUNYUAN_VIDEO = 9
    PIXART = 10
    COSMOS = 11
    LUMINA2 = 12
    WAN = 13
    HIDREAM = 14
    CHROMA = 15
    ACE = 16
    OMNIGEN2 = 17
    QWEN_IMAGE = 18
    HUNYUAN_IMAGE = 19
    SDXL = 101


class _AnyVAE(type):
    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, _VAE)


class VAE(_VAE, metaclass=_AnyVAE):
    """An autoencoder from a state dict."""

    def __init__(
        self, sd: Mapping[str, Any] | None = None, device: Any = None, config: Any = None, dtype: Any = None, **_: Any
    ) -> None:
        self.__dict__.update(load_vae(sd or {}, "the state dict").__dict__)


def load_checkpoint_guess_config(
    ckpt_path: str,
    output_vae: bool = True,
    output_clip: bool = True,
    output_clipvision: bool = False,
    embedding_directory: Any = None,
    output_model: bool = True,
    **_options: Any,
) -> tuple[Any, Any, Any, Any]:
    """(model, clip, vae, image encoder) of a checkpoint file; the last where it is asked for (unCLIP)."""
    if output_clipvision:
        whole, vision = load_unclip_checkpoint(Path(ckpt_path))
        return whole.model if output_model else None, whole.clip, whole.vae, vision
    found = load_checkpoint(Path(ckpt_path), want_clip=output_clip, want_vae=output_vae)
    return found.model if output_model else None, found.clip, found.vae, None


def load_style_model(ckpt_path: str) -> StyleModel:
    """The style model of a file."""
    return _load_style_model(Path(ckpt_path))


def load_gligen(ckpt_path: str) -> Any:
    """The GLIGEN layers of a file."""
    return _load_gligen(Path(ckpt_path))


def load_lora_for_models(
    model: Any, clip: Any, lora: Mapping[str, Any], strength_model: float, strength_clip: float
) -> tuple[Any, Any]:
    """Clones of model and text encoders with a LoRA on them."""
    return _load_lora(model, clip, lora, strength_model, strength_clip)


def load_clip(
    ckpt_paths: Sequence[str],
    embedding_directory: Any = None,
    clip_type: CLIPType = CLIPType.STABLE_DIFFUSION,
    model_options: Mapping[str, Any] | None = None,
) -> CLIP:
    """Text encoders from files."""
    return load_text_encoders([Path(path) for path in ckpt_paths], clip_type.name.lower())


def load_unet(unet_path: str, dtype: Any = None) -> Any:
    return load_diffusion_model(Path(unet_path))


def load_diffusion_model_state_dict(sd: Mapping[str, Any], model_options: Any = None, **_options: Any) -> Any:
    """A model from a state dict."""
    return model_from_weights(without_prefix(sd, "model.diffusion_model.") or dict(sd), "the state dict")
