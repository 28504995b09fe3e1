"""Weights in files: safetensors, or pickles that hold tensors and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def safetensors_header(safetensors_path: str, max_size: int = 100 * 1024 * 1024) -> bytes | None:
    """The JSON header of a safetensors file; None where it is longer than ``max_size`` bytes."""
    with open(safetensors_path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return None if length > max_size else file.read(length)


def load_torch_file(ckpt: str, safe_load: bool = False, device: Any = None, return_metadata: bool = False) -> Any:
    """The state dict of a file, on ``device`` (the CPU when None), with the file's metadata where asked for.

    Files that are no safetensors are unpickled as weights only: other objects in them are refused.
    """
    place = str(device) if device is not None else "cpu"
    metadata = None
    if str(ckpt).lower().endswith((".safetensors", ".sft")):
        from safetensors import safe_open  # type: ignore[import-not-found, unused-ignore]

        try:
            with safe_open(str(ckpt), framework="pt", device=place) as file:
                weights: Any = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
                metadata = file.metadata() if return_metadata else None
        except Exception as error:
            raise ValueError(f"{Path(ckpt).name} cannot be read as safetensors: {error}") from error
    else:
        import torch

        loaded = torch.load(ckpt, map_location=place, weights_only=True)
        weights = loaded["state_dict"] if isinstance(loaded, dict) and "state_dict" in loaded else loaded
    return (weights, metadata) if return_metadata else weights


def save_torch_file(sd: Mapping[str, Any], ckpt: str, metadata: Mapping[str, str] | None = None) -> None:
    """Write a state dict as safetensors."""
    from safetensors.torch import save_file  # type: ignore[import-not-found, unused-ignore]

    save_file(dict(sd), ckpt, metadata=dict(metadata) if metadata is not None else None)
