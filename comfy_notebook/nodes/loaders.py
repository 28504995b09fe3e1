"""Models from files: whole checkpoints, and diffusion models, text encoders and autoencoders of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import inputs, model_files

_DTYPES = ["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]
_CLIP_TYPES = [
    *("stable_diffusion", "stable_cascade", "sd3", "stable_audio", "mochi", "ltxv", "pixart", "cosmos", "lumina2"),
    *("wan", "hidream", "chroma", "ace", "omnigen2", "qwen_image", "hunyuan_image"),
]
_DUAL_TYPES = ["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]
_DEVICE = inputs.options(["default", "cpu"], "Where the encoder computes.", advanced=True)


class CheckpointLoaderSimple:
    RETURN_TYPES = ("MODEL", "CLIP", "VAE")
    FUNCTION = "load_checkpoint"
    CATEGORY = "loaders"
    DESCRIPTION = "A checkpoint with all its parts: the diffusion model, the text encoder and the autoencoder."
    SEARCH_ALIASES = ["load model", "checkpoint", "model loader", "ckpt"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"ckpt_name": model_files.chooser("checkpoints", "A file of models/checkpoints.")}}

    def load_checkpoint(self, ckpt_name: str) -> tuple[Any, Any, Any]:
        from ..diffusion.checkpoints.load import load_checkpoint

        found = load_checkpoint(model_files.path("checkpoints", ckpt_name))
        return found.model, found.clip, found.vae

    @classmethod
    def IS_CHANGED(cls, ckpt_name: str) -> str:
        return model_files.stamp("checkpoints", ckpt_name)


class UNETLoader:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "load_unet"
    CATEGORY = "advanced/loaders"
    DESCRIPTION = "A diffusion model alone; its text encoder and autoencoder come from files of their own."
    SEARCH_ALIASES = ["load diffusion model", "unet", "transformer", "dit"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "unet_name": model_files.chooser("diffusion_models", "A file of models/diffusion_models."),
                "weight_dtype": inputs.options(
                    _DTYPES, "fp8 rounds the weights to 8 bits, which changes the picture and takes half the memory."
                ),
            }
        }

    def load_unet(self, unet_name: str, weight_dtype: str = "default") -> tuple[Any]:
        from ..diffusion.checkpoints.load import load_diffusion_model

        return (load_diffusion_model(model_files.path("diffusion_models", unet_name), rounded_to=weight_dtype),)

    @classmethod
    def IS_CHANGED(cls, unet_name: str, weight_dtype: str) -> str:
        return model_files.stamp("diffusion_models", unet_name)


def _encoders(names: list[str], kind: str, device: str = "default") -> tuple[Any]:
    from ..diffusion.text.files import load_text_encoders

    return (load_text_encoders([model_files.path("text_encoders", name) for name in names], kind, device),)


def _stamps(*names: str) -> str:
    return " ".join(model_files.stamp("text_encoders", name) for name in names)


class CLIPLoader:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "load_clip"
    CATEGORY = "advanced/loaders"
    DESCRIPTION = "A text encoder from a file. The type says which model it is for, as several share encoders."
    SEARCH_ALIASES = ["load text encoder", "t5", "qwen", "text encoder loader"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip_name": model_files.chooser("text_encoders", "A file of models/text_encoders."),
                "type": inputs.options(_CLIP_TYPES, "The model it will speak to."),
            },
            "optional": {"device": _DEVICE},
        }

    def load_clip(self, clip_name: str, type: str = "stable_diffusion", device: str = "default") -> tuple[Any]:
        return _encoders([clip_name], type, device)

    @classmethod
    def IS_CHANGED(cls, clip_name: str, type: str, device: str = "default") -> str:
        return _stamps(clip_name)


class DualCLIPLoader:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "load_clip"
    CATEGORY = "advanced/loaders"
    SEARCH_ALIASES = ["text encoder", "flux clip", "sdxl clip", "t5"]
    DESCRIPTION = "Two text encoders for one model: CLIP-L and CLIP-G (SDXL), CLIP-L and T5 (Flux); the order is free."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "clip_name1": model_files.chooser("text_encoders", "A file of models/text_encoders."),
                "clip_name2": model_files.chooser("text_encoders", "Another one."),
                "type": inputs.options(_DUAL_TYPES, "The model they will speak to."),
            },
            "optional": {"device": _DEVICE},
        }

    def load_clip(self, clip_name1: str, clip_name2: str, type: str, device: str = "default") -> tuple[Any]:
        return _encoders([clip_name1, clip_name2], type, device)

    @classmethod
    def IS_CHANGED(cls, clip_name1: str, clip_name2: str, type: str, device: str = "default") -> str:
        return _stamps(clip_name1, clip_name2)


class TripleCLIPLoader:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "load_clip"
    CATEGORY = "advanced/loaders"
    SEARCH_ALIASES = ["text encoder", "sd3 clip", "t5"]
    DESCRIPTION = "The three text encoders of Stable Diffusion 3: CLIP-L, CLIP-G and T5, in any order."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        files = model_files.listed("text_encoders")
        return {"required": {f"clip_name{number}": inputs.combo(files) for number in (1, 2, 3)}}

    def load_clip(self, clip_name1: str, clip_name2: str, clip_name3: str) -> tuple[Any]:
        return _encoders([clip_name1, clip_name2, clip_name3], "sd3")

    @classmethod
    def IS_CHANGED(cls, clip_name1: str, clip_name2: str, clip_name3: str) -> str:
        return _stamps(clip_name1, clip_name2, clip_name3)


class QuadrupleCLIPLoader:
    RETURN_TYPES = ("CLIP",)
    FUNCTION = "load_clip"
    CATEGORY = "advanced/loaders"
    SEARCH_ALIASES = ["text encoder", "hidream clip", "llama"]
    DESCRIPTION = "The four text encoders of HiDream: CLIP-L, CLIP-G, T5 and Llama 3.1, in any order."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        files = model_files.listed("text_encoders")
        return {"required": {f"clip_name{number}": inputs.combo(files) for number in (1, 2, 3, 4)}}

    def load_clip(self, clip_name1: str, clip_name2: str, clip_name3: str, clip_name4: str) -> tuple[Any]:
        return _encoders([clip_name1, clip_name2, clip_name3, clip_name4], "hidream")

    @classmethod
    def IS_CHANGED(cls, clip_name1: str, clip_name2: str, clip_name3: str, clip_name4: str) -> str:
        return _stamps(clip_name1, clip_name2, clip_name3, clip_name4)


class VAELoader:
    RETURN_TYPES = ("VAE",)
    FUNCTION = "load_vae"
    CATEGORY = "loaders"
    SEARCH_ALIASES = ["autoencoder", "open vae"]
    DESCRIPTION = (
        "An autoencoder from a file; taesd and its kin are two small ones of models/vae_approx; pixel_space stands for "
        "none, where a model paints pixels."
    )

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        more = [name for name in _TINY if len(_halves(name)) == 2]
        names = model_files.chooser("vae", "A file of models/vae.", *more, "pixel_space", absent=_absent_vae)
        return {"required": {"vae_name": names}}

    def load_vae(self, vae_name: str) -> tuple[Any]:
        from ..diffusion.coders import PixelCoder
        from ..diffusion.tiny_autoencoder import load_by_name
        from ..diffusion.vae import VAE
        from ..diffusion.vae_files import load_vae_file

        if vae_name == "pixel_space":
            return (VAE(PixelCoder()),)
        if vae_name in _TINY:
            return (load_by_name(vae_name),)
        return (load_vae_file(model_files.path("vae", vae_name)),)

    @classmethod
    def IS_CHANGED(cls, vae_name: str) -> str:
        if vae_name in _TINY:
            return " ".join(model_files.stamp("vae_approx", file) for file in _halves(vae_name))
        return "" if vae_name == "pixel_space" else model_files.stamp("vae", vae_name)


#: Small autoencoders with a file for each half in models/vae_approx.
_TINY = ("taesd", "taesdxl", "taesd3", "taef1")


def _halves(name: str) -> list[str]:
    """The files of a tiny autoencoder that are there, one for each half."""
    stems = {Path(file).stem: file for file in model_files.listed("vae_approx")}
    return [stems[stem] for stem in (f"{name}_encoder", f"{name}_decoder") if stem in stems]


def _absent_vae(name: str) -> str | None:
    if name in _TINY:
        return f"{name}_encoder and {name}_decoder have to be in models/vae_approx"
    return model_files.problem("vae", name)


NODES: dict[str, tuple[type, str | None]] = {
    "CheckpointLoaderSimple": (CheckpointLoaderSimple, "Load Checkpoint"),
    "UNETLoader": (UNETLoader, "Load Diffusion Model"),
    "CLIPLoader": (CLIPLoader, "Load CLIP"),
    "DualCLIPLoader": (DualCLIPLoader, "DualCLIPLoader"),
    "TripleCLIPLoader": (TripleCLIPLoader, None),
    "QuadrupleCLIPLoader": (QuadrupleCLIPLoader, None),
    "VAELoader": (VAELoader, "Load VAE"),
}
