"""Batches of latents: joined, taken apart, repeated, with the places from which their noise is drawn."""

from __future__ import annotations

from typing import Any

from . import inputs

Latent = dict[str, Any]


class LatentBatch:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "batch"
    CATEGORY = "latent/batch"
    DESCRIPTION = "Joins two batches of latents; the second is scaled to the size of the first."
    SEARCH_ALIASES = ["combine", "merge", "join", "append"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples1": inputs.socket("LATENT", "The first latents."),
                "samples2": inputs.socket("LATENT", "The latents after them."),
            }
        }

    def batch(self, samples1: Latent, samples2: Latent) -> tuple[Latent]:
        import torch

        from .ops.latents import places, to_size

        first = samples1["samples"]
        joined = torch.cat([first, to_size(samples2["samples"], first)])
        return ({**samples1, "samples": joined, "batch_index": places(samples1) + places(samples2)},)


class LatentFromBatch:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "frombatch"
    CATEGORY = "latent/batch"
    DESCRIPTION = "Takes latents out of a batch; a sampler gives them the noise that they have in it."
    SEARCH_ALIASES = ["pick", "select", "extract", "slice", "index"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The batch."),
                "batch_index": inputs.integer(0, 0, 63, tooltip="The first one taken, counted from 0."),
                "length": inputs.integer(1, 1, 64, tooltip="How many."),
            }
        }

    def frombatch(self, samples: Latent, batch_index: int, length: int) -> tuple[Latent]:
        from .ops.latents import from_batch

        return (from_batch(samples, batch_index, length),)


class RepeatLatentBatch:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "repeat"
    CATEGORY = "latent/batch"
    DESCRIPTION = "A batch of latents several times over."
    SEARCH_ALIASES = ["duplicate", "copy", "multiply", "clone"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The batch."),
                "amount": inputs.integer(1, 1, 64, tooltip="How many times."),
            }
        }

    def repeat(self, samples: Latent, amount: int) -> tuple[Latent]:
        from .ops.latents import repeat_batch

        return (repeat_batch(samples, amount),)


class RebatchLatents:
    RETURN_TYPES = ("LATENT",)
    INPUT_IS_LIST = True
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "rebatch"
    CATEGORY = "latent/batch"
    DESCRIPTION = "A list of latents in batches of another size; only those of one size share a batch."
    SEARCH_ALIASES = ["split", "regroup", "chunk", "list"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "latents": inputs.socket("LATENT", "The latents."),
                "batch_size": inputs.integer(1, 1, 4096, tooltip="How many share a batch."),
            }
        }

    def rebatch(self, latents: list[Latent], batch_size: list[int]) -> tuple[list[Latent]]:
        from .ops.latents import rebatch

        return (rebatch(latents, batch_size[0]),)


class LatentBatchSeedBehavior:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced"
    DESCRIPTION = "Whether each latent of a batch gets noise of its own (random) or all the same (fixed)."
    SEARCH_ALIASES = ["same noise", "seed", "variation", "batch"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The batch."),
                "seed_behavior": inputs.combo(["random", "fixed"], "Noise of its own, or the same.", default="fixed"),
            }
        }

    def op(self, samples: Latent, seed_behavior: str) -> tuple[Latent]:
        changed = {key: value for key, value in samples.items() if key != "batch_index"}
        if seed_behavior == "fixed":
            place = (samples.get("batch_index") or [0])[0]
            changed["batch_index"] = [place] * samples["samples"].shape[0]
        return (changed,)


NODES: dict[str, tuple[type, str]] = {
    "LatentBatch": (LatentBatch, "LatentBatch"),
    "LatentFromBatch": (LatentFromBatch, "Latent From Batch"),
    "RepeatLatentBatch": (RepeatLatentBatch, "Repeat Latent Batch"),
    "RebatchLatents": (RebatchLatents, "Rebatch Latents"),
    "LatentBatchSeedBehavior": (LatentBatchSeedBehavior, "LatentBatchSeedBehavior"),
}
