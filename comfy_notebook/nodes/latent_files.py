"""Latents in files: ``.latent``, which is safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import folders
from ..workflow import metadata
from . import image_files, inputs
from .whole_files import write_bytes

Latent = dict[str, Any]

#: Files without a version hold latents as the network of SD1 sees them; from version 0 on they are unscaled.
_SD1_SCALE = 0.18215
_VERSION_KEY = "latent_format_version_0"


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise ImportError("Latent files are safetensors, which is missing: pip install safetensors") from error
    return safetensors.torch


class SaveLatent:
    RETURN_TYPES = ()
    FUNCTION = "save"
    OUTPUT_NODE = True
    CATEGORY = "_for_testing"
    DESCRIPTION = "Saves latents into a file that carries its workflow; Load Latent reads it from the input folder."
    SEARCH_ALIASES = ["export", "write", "store", "file"]

    def __init__(self) -> None:
        self.output_dir = str(folders.current().output)

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents to save."),
                "filename_prefix": inputs.text("latents/ComfyUI", "Beginning of the file name; may hold folders."),
            },
            "hidden": dict(inputs.SAVE_HIDDEN),
        }

    def save(
        self,
        samples: Latent,
        filename_prefix: str = "ComfyUI",
        prompt: Any = None,
        extra_pnginfo: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write ``samples`` float32 with the version key; answers the file's name for the editor."""
        import torch

        names = folders.save_path(Path(self.output_dir), filename_prefix)
        tensors = {
            "latent_tensor": samples["samples"].detach().float().cpu().contiguous(),
            _VERSION_KEY: torch.tensor([]),
        }
        content = _safetensors().save(tensors, metadata=metadata.texts(prompt, extra_pnginfo))
        path = names.path(0, ".latent")
        write_bytes(path, content)
        return {"ui": {"latents": [names.entry(path, "output")]}}


class LoadLatent:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "load"
    CATEGORY = "_for_testing"
    DESCRIPTION = "Latents from a .latent file of the input folder."
    SEARCH_ALIASES = ["open", "import", "read", "file"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        files = folders.list_files(folders.current().input, frozenset((".latent",)))
        return {"required": {"latent": inputs.options(files, "A .latent file of the input folder.")}}

    def load(self, latent: str) -> tuple[Latent]:
        if (problem := image_files.problem(latent)) is not None:
            raise FileNotFoundError(problem)
        path = folders.current().resolve(latent)
        try:
            tensors = _safetensors().load(path.read_bytes())
        except ImportError:
            raise
        except Exception as error:
            raise ValueError(f"{path.name} cannot be read as a latent file: {error}") from error
        if "latent_tensor" not in tensors:
            raise ValueError(f"{path.name} holds no latent: there is no 'latent_tensor' in it.")
        scale = 1.0 if _VERSION_KEY in tensors else 1.0 / _SD1_SCALE
        return ({"samples": tensors["latent_tensor"].float() * scale},)

    @classmethod
    def IS_CHANGED(cls, latent: str) -> str | float:
        return image_files.fingerprint(latent)

    @classmethod
    def VALIDATE_INPUTS(cls, latent: Any) -> bool | str:
        if latent is None:
            return True
        return (image_files.problem(latent) if isinstance(latent, str) else f"{latent!r} is not a file name") or True


NODES: dict[str, tuple[type, str]] = {
    "SaveLatent": (SaveLatent, "SaveLatent"),
    "LoadLatent": (LoadLatent, "LoadLatent"),
}
