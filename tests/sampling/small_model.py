"""A MODEL whose network is a formula: every conditioning pulls the latent towards a mean of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from comfy_notebook.diffusion import conds, latent_formats
from comfy_notebook.diffusion.patcher import ModelPatcher
from comfy_notebook.diffusion.sampling.model_sampling import model_sampling

from .analytic import posterior_mean

#: What calls of the network were given, newest last: the latent, the sigmas, and the other arguments.
Call = tuple[Tensor, Tensor, dict[str, Any]]


class FormulaModel(nn.Module):
    """The denoised latent is the posterior mean of N(m, 0.5²), with m the mean over the tokens of the conditioning.

    Attention would see repeated tokens as the same prompt; so does a mean over tokens.
    """

    def __init__(self, kind: str = "EPS", latent_format: Any = None, **settings: Any) -> None:
        super().__init__()
        self.diffusion_model = nn.Linear(1, 1)
        self.model_sampling = model_sampling(kind, **settings)
        self.latent_format = latent_format or latent_formats.LatentFormat(latent_rgb_factors=((0.3, 0.2, 0.1),) * 4)
        self.flow = kind in ("FLOW", "FLUX")
        self.calls: list[Call] = []
        self.memory = 0.0

    def apply_model(
        self, x: Tensor, sigma: Tensor, c_crossattn: Tensor | None = None, control: Any = None, **more: Any
    ) -> Tensor:
        self.calls.append((x, sigma, {**more, "control": control, "c_crossattn": c_crossattn}))
        assert c_crossattn is not None
        mean = c_crossattn.mean(dim=(1, 2)).reshape(-1, *[1] * (x.ndim - 1))
        if control is not None:
            mean = mean + control
        return posterior_mean(x, sigma.reshape(-1, *[1] * (x.ndim - 1)), mean, 0.5, self.flow)

    def extra_conds(self, **given: Any) -> dict[str, Any]:
        return {"c_crossattn": conds.CONDCrossAttn(given["cross_attn"])}

    def process_latent_in(self, latent: Tensor) -> Tensor:
        return self.latent_format.process_in(latent)  # type: ignore[no-any-return]

    def process_latent_out(self, latent: Tensor) -> Tensor:
        return self.latent_format.process_out(latent)  # type: ignore[no-any-return]

    def scale_latent_inpaint(self, sigma: Tensor, noise: Tensor, latent_image: Tensor, **_more: Any) -> Tensor:
        shaped = sigma.reshape(-1, *[1] * (noise.ndim - 1))
        return self.model_sampling.noise_scaling(shaped, noise, latent_image)  # type: ignore[no-any-return]

    def memory_required(self, input_shape: Any) -> float:
        return self.memory * input_shape[0]


def patcher(kind: str = "EPS", **settings: Any) -> Any:
    """A MODEL of :class:`FormulaModel` on the CPU."""
    device = torch.device("cpu")
    return ModelPatcher(FormulaModel(kind, **settings), device, device)


def conditioning(mean: float, tokens: int = 7, **values: Any) -> list[Any]:
    """A CONDITIONING that pulls towards ``mean``."""
    return [[torch.full((1, tokens, 5), float(mean)), dict(values)]]
