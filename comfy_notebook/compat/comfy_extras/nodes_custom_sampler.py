"""``comfy_extras.nodes_custom_sampler``: what makes the noise that a sampler starts from."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any


class Noise_EmptyNoise:  # noqa: N801 - the name packs import
    """No noise at all."""

    def __init__(self) -> None:
        self.seed = 0

    def generate_noise(self, input_latent: Mapping[str, Any]) -> Any:
        """Zeros as large as the latent's ``samples``, on the CPU."""
        import torch

        samples = input_latent["samples"]
        return torch.zeros(samples.shape, dtype=samples.dtype, layout=samples.layout, device="cpu")


class Noise_RandomNoise:  # noqa: N801 - the name packs import
    """Gaussian noise of a seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def generate_noise(self, input_latent: Mapping[str, Any]) -> Any:
        """Noise as large as the latent's ``samples``, on the CPU; its ``batch_index`` picks of a larger batch."""
        sample = importlib.import_module("comfy.sample")  # as packs have left it
        return sample.prepare_noise(input_latent["samples"], self.seed, input_latent.get("batch_index"))
