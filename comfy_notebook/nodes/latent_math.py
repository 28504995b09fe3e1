"""Arithmetic on latents, parts of them, and operations that also work between the steps of a sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import inputs

if TYPE_CHECKING:
    from torch import Tensor

Latent = dict[str, Any]
Operation = Callable[..., "Tensor"]

_DIMENSIONS = {"x": -1, "y": -2, "t": -3}


class _OfTwo:
    """A node that makes one latent of two; the second is brought to the size and batch of the first."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples1": inputs.socket("LATENT", "One latent."),
                "samples2": inputs.socket("LATENT", "The other; it is scaled to the size of the first."),
            }
        }

    def op(self, samples1: Latent, samples2: Latent, **more: Any) -> tuple[Latent]:
        from .ops.latents import to_shape

        first = samples1["samples"]
        return ({**samples1, "samples": self.combine(first, to_shape(samples2["samples"], first), **more)},)

    def combine(self, first: Tensor, second: Tensor, **more: Any) -> Tensor:
        raise NotImplementedError


class LatentAdd(_OfTwo):
    DESCRIPTION = "The sum of two latents."
    SEARCH_ALIASES = ["sum", "plus", "combine", "math"]

    def combine(self, first: Tensor, second: Tensor, **more: Any) -> Tensor:
        return first + second


class LatentSubtract(_OfTwo):
    DESCRIPTION = "The difference of two latents."
    SEARCH_ALIASES = ["minus", "difference", "math"]

    def combine(self, first: Tensor, second: Tensor, **more: Any) -> Tensor:
        return first - second


class LatentInterpolate(_OfTwo):
    DESCRIPTION = "A latent between two, whose contrast does not fade."
    SEARCH_ALIASES = ["mix", "between", "slerp", "morph", "blend"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        declared = super().INPUT_TYPES()
        declared["required"]["ratio"] = inputs.number(1.0, 0.0, 1.0, 0.01, "The share of the first one.")
        return declared

    def combine(self, first: Tensor, second: Tensor, *, ratio: float = 1.0, **more: Any) -> Tensor:
        from .ops.latents import interpolate

        return interpolate(first, second, ratio)


class LatentMultiply:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced"
    DESCRIPTION = "A latent times a number."
    SEARCH_ALIASES = ["scale", "amplify", "math"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents."),
                "multiplier": inputs.number(1.0, -10.0, 10.0, 0.01, "What they are multiplied by."),
            }
        }

    def op(self, samples: Latent, multiplier: float) -> tuple[Latent]:
        return ({**samples, "samples": samples["samples"] * multiplier},)


def _checked_dimension(samples: Tensor, dim: str) -> int:
    if dim == "t" and samples.ndim < 5:
        raise ValueError("These latents are pictures: they have no time to cut or join along.")
    return _DIMENSIONS[dim]


class LatentConcat:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced"
    DESCRIPTION = "Puts two latents side by side, one below the other, or one after the other."
    SEARCH_ALIASES = ["join", "stitch", "append", "side by side"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples1": inputs.socket("LATENT", "One latent."),
                "samples2": inputs.socket("LATENT", "The other."),
                "dim": inputs.combo(["x", "-x", "y", "-y", "t", "-t"], "Along which side; with - the second first."),
            }
        }

    def op(self, samples1: Latent, samples2: Latent, dim: str) -> tuple[Latent]:
        import torch

        from .ops.batches import repeat_to

        first = samples1["samples"]
        parts = [first, repeat_to(samples2["samples"], first.shape[0])]
        if dim.startswith("-"):
            parts.reverse()
        dimension = _checked_dimension(first, dim.lstrip("-"))
        sides = [[size for place, size in enumerate(part.shape, -part.ndim) if place != dimension] for part in parts]
        if sides[0] != sides[1]:
            raise ValueError(
                f"Latents of the sizes {list(first.shape)} and {list(parts[1].shape)} do not fit along {dim}."
            )
        return ({**samples1, "samples": torch.cat(parts, dim=dimension)},)


class LatentCut:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced"
    DESCRIPTION = "A slice of latents along one side, in latent pixels."
    SEARCH_ALIASES = ["slice", "crop", "frames", "part"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents."),
                "dim": inputs.combo(["x", "y", "t"], "Along which side."),
                "index": inputs.integer(0, -16384, 16384, 1, "Where it begins; below 0 counted from the end."),
                "amount": inputs.integer(1, 1, 16384, 1, "How many latent pixels or frames."),
            }
        }

    def op(self, samples: Latent, dim: str, index: int, amount: int) -> tuple[Latent]:
        whole = samples["samples"]
        dimension = _checked_dimension(whole, dim)
        size = whole.shape[dimension]
        start = max(index, -size) % size if index < 0 else min(index, size - 1)
        return ({**samples, "samples": whole.narrow(dimension, start, min(size - start, amount))},)


class LatentCutToBatch:
    RETURN_TYPES = ("LATENT",)
    RETURN_NAMES = ("samples",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced"
    DESCRIPTION = "Cuts latents into slices along one side and stacks these as a batch; what is left over is dropped."
    SEARCH_ALIASES = ["slice", "split", "frames to batch"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents."),
                "dim": inputs.combo(["t", "x", "y"], "Along which side; pictures have no t and stay as they are."),
                "slice_size": inputs.integer(1, 1, 16384, 1, "How many latent pixels or frames a slice has."),
            }
        }

    def op(self, samples: Latent, dim: str, slice_size: int) -> tuple[Latent]:
        whole = samples["samples"]
        if dim == "t" and whole.ndim < 5:
            return (samples,)
        dimension = _DIMENSIONS[dim] + whole.ndim
        size = min(slice_size, whole.shape[dimension])
        slices = whole.unfold(dimension, size, size)
        stacked = slices.movedim(dimension, 1).flatten(0, 1).movedim(-1, dimension)
        rest = {key: value for key, value in samples.items() if key not in ("noise_mask", "batch_index")}
        return ({**rest, "samples": stacked.contiguous()},)


class LatentOperationTonemapReinhard:
    RETURN_TYPES = ("LATENT_OPERATION",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced/operations"
    DESCRIPTION = "An operation that softens extreme values of latents."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["hdr", "contrast", "burn", "high cfg"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"multiplier": inputs.number(1.0, 0.0, 100.0, 0.01, "Larger softens less.")}}

    def op(self, multiplier: float) -> tuple[Operation]:
        def tonemap(latent: Tensor, **more: Any) -> Tensor:
            from .ops.latents import tonemap_reinhard

            return tonemap_reinhard(latent, multiplier)

        return (tonemap,)


class LatentOperationSharpen:
    RETURN_TYPES = ("LATENT_OPERATION",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced/operations"
    DESCRIPTION = "An operation that sharpens latents."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["unsharp", "detail", "crisp"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "sharpen_radius": inputs.integer(9, 1, 31, 1, "How far it looks, in latent pixels."),
                "sigma": inputs.number(1.0, 0.1, 10.0, 0.1, "How wide the blur is that is taken away."),
                "alpha": inputs.number(0.1, 0.0, 5.0, 0.01, "How much."),
            }
        }

    def op(self, sharpen_radius: int, sigma: float, alpha: float) -> tuple[Operation]:
        def sharper(latent: Tensor, **more: Any) -> Tensor:
            from .ops.latents import sharpen

            return sharpen(latent, sharpen_radius, sigma, alpha)

        return (sharper,)


class LatentApplyOperation:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "op"
    CATEGORY = "latent/advanced/operations"
    DESCRIPTION = "Applies an operation to latents."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["filter", "process", "run operation"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "samples": inputs.socket("LATENT", "The latents."),
                "operation": inputs.socket("LATENT_OPERATION", "What is done to them."),
            }
        }

    def op(self, samples: Latent, operation: Operation) -> tuple[Latent]:
        return ({**samples, "samples": operation(latent=samples["samples"])},)


class LatentApplyOperationCFG:
    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "latent/advanced/operations"
    DESCRIPTION = "Applies an operation in every step of a sampler, to what guidance adds."
    EXPERIMENTAL = True
    SEARCH_ALIASES = ["filter", "every step", "guidance"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model."),
                "operation": inputs.socket("LATENT_OPERATION", "What is done in each step."),
            }
        }

    def patch(self, model: Any, operation: Operation) -> tuple[Any]:
        def before_guidance(args: dict[str, Any]) -> list[Tensor]:
            outputs = args["conds_out"]
            if len(outputs) == 2:
                outputs[0] = operation(latent=outputs[0] - outputs[1]) + outputs[1]
            else:
                outputs[0] = operation(latent=outputs[0])
            return outputs  # type: ignore[no-any-return]

        changed = model.clone()
        changed.set_model_sampler_pre_cfg_function(before_guidance)
        return (changed,)


NODES: dict[str, tuple[type, str]] = {
    "LatentAdd": (LatentAdd, "LatentAdd"),
    "LatentSubtract": (LatentSubtract, "LatentSubtract"),
    "LatentMultiply": (LatentMultiply, "LatentMultiply"),
    "LatentInterpolate": (LatentInterpolate, "LatentInterpolate"),
    "LatentConcat": (LatentConcat, "LatentConcat"),
    "LatentCutToBatch": (LatentCutToBatch, "LatentCutToBatch"),
    "LatentCut": (LatentCut, "LatentCut"),
    "LatentApplyOperation": (LatentApplyOperation, "LatentApplyOperation"),
    "LatentApplyOperationCFG": (LatentApplyOperationCFG, "LatentApplyOperationCFG"),
    "LatentOperationTonemapReinhard": (LatentOperationTonemapReinhard, "LatentOperationTonemapReinhard"),
    "LatentOperationSharpen": (LatentOperationSharpen, "LatentOperationSharpen"),
}
