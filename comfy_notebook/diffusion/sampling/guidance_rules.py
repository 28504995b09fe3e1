"""Rules of guidance from papers, as functions that models carry: what changes before, in or after the guided step.

``conds_out`` are the denoised latents ``[B,C,…]`` for the positive and the negative conditioning, as
``sampler_pre_cfg_function`` gets them; ``args`` hold both as ``cond_denoised`` and ``uncond_denoised``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def _all_but_first(x: Tensor) -> tuple[int, ...]:
    return tuple(range(1, x.ndim))


def has_both(args: dict[str, Any]) -> bool:
    """Whether there is a negative answer to guide away from."""
    return len(args["conds_out"]) > 1 and args["conds"][1] is not None and args["cond_scale"] != 0


class ProjectedGuidance:
    """Adaptive projected guidance: Sadat, Hilliges and Weber 2024, "Eliminating Oversaturation and Artifacts of High
    Guidance Scales in Diffusion Models", algorithm 1.

    ``eta`` is what remains of the part along the positive answer, ``threshold`` the greatest length of the difference
    (0: any), ``momentum`` what of earlier steps is added; it begins anew with every run.
    """

    def __init__(self, eta: float, threshold: float, momentum: float) -> None:
        self.eta, self.threshold, self.momentum = eta, threshold, momentum
        self._average: Any = 0.0
        self._sigma = 0.0

    def __call__(self, args: dict[str, Any]) -> list[Tensor]:
        outputs: list[Tensor] = args["conds_out"]
        if not has_both(args):
            return outputs
        cond, uncond, *rest = outputs
        update = self.update(cond, uncond, float(args["sigma"].flatten()[0]))
        scale = args["cond_scale"]
        guided = cond + (scale - 1.0) * update
        # What ordinary guidance makes ``guided`` of.
        return [uncond + (guided - uncond) / scale, uncond, *rest]

    def update(self, cond: Tensor, uncond: Tensor, sigma: float) -> Tensor:
        """What is added ``scale - 1`` times to the positive answer."""
        if sigma > self._sigma or (torch.is_tensor(self._average) and self._average.shape != cond.shape):
            self._average = 0.0
        self._sigma = sigma
        difference = cond - uncond
        if self.momentum:
            self._average = difference + self.momentum * self._average
            difference = self._average
        sides = _all_but_first(cond)
        if self.threshold > 0:
            length = torch.linalg.vector_norm(difference, dim=sides, keepdim=True)
            difference = difference * (self.threshold / length.clamp(min=1e-12)).clamp(max=1.0)
        direction = torch.nn.functional.normalize(cond.double().flatten(1)).view_as(cond)
        along = (difference.double() * direction).sum(dim=sides, keepdim=True) * direction
        made: Tensor = (difference - along + self.eta * along).to(cond.dtype)
        return made


def tangential_damping(args: dict[str, Any]) -> list[Tensor]:
    """The negative answer without what is normal to both: Kwon et al. 2025, "TCFG: Tangential Damping
    Classifier-free Guidance"; on noise, which is the score but for a factor."""
    outputs: list[Tensor] = args["conds_out"]
    if not has_both(args):
        return outputs
    x: Tensor = args["input"]
    positive, negative = (x - part for part in outputs[:2])
    both = torch.stack([positive.flatten(1), negative.flatten(1)], dim=1).float()
    first = torch.linalg.svd(both, full_matrices=False)[2][:, :1]
    damped = (both[:, 1:] @ first.transpose(1, 2)) @ first
    return [outputs[0], x - damped.view_as(negative).to(negative.dtype), *outputs[2:]]


def renormed(args: dict[str, Any], longest: float, until: float) -> Tensor:
    """Guided noise no longer than ``longest`` times the positive one (0: as long as it gets), while Lumina's time
    ``1 - sigma`` is below ``until``, and the positive noise alone after: Qin et al. 2025, "Lumina-Image 2.0"."""
    cond, uncond = args["cond"], args["uncond"]
    early = (1.0 - args["sigma"].view(-1, *[1] * (cond.ndim - 1))) < until
    guided: Tensor = uncond + args["cond_scale"] * (cond - uncond)
    if longest > 0:
        sides = _all_but_first(cond)
        limit = torch.linalg.vector_norm(cond, dim=sides, keepdim=True) * longest
        length = torch.linalg.vector_norm(guided, dim=sides, keepdim=True)
        guided = guided * (limit / length.clamp(min=1e-12)).clamp(max=1.0)
    return torch.where(early, guided, cond)


def epsilon_scaled(args: dict[str, Any], factor: float) -> Tensor:
    """The denoised latent for noise divided by ``factor``: Ning et al. 2024, "Elucidating the Exposure Bias in
    Diffusion Models"."""
    x: Tensor = args["input"]
    made: Tensor = x - (x - args["denoised"]) / factor
    return made


def frequencies_scaled(args: dict[str, Any], low: float, high: float, cutoff: int) -> list[Tensor]:
    """Guidance with its low spatial frequencies (up to ``cutoff`` from the centre of the spectrum) times ``low`` and
    the others times ``high``: Huang et al. 2025, "FreSca: Scaling in Frequency Space Enhances Diffusion Models"."""
    outputs: list[Tensor] = args["conds_out"]
    if not has_both(args):
        return outputs
    cond, uncond, *rest = outputs
    difference = cond - uncond
    spectrum = torch.fft.fftshift(torch.fft.fft2(difference.float()), dim=(-2, -1))
    height, width = difference.shape[-2:]
    scale = torch.full((height, width), high, device=difference.device)
    rows, columns = min(cutoff, height // 2), min(cutoff, width // 2)
    scale[height // 2 - rows : height // 2 + rows, width // 2 - columns : width // 2 + columns] = low
    back = torch.fft.ifft2(torch.fft.ifftshift(spectrum * scale, dim=(-2, -1))).real
    return [uncond + back.to(cond.dtype), uncond, *rest]
