"""What solvers share: the walk along sigmas, derivatives, ancestral steps, log SNR, and hooks into guidance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from ..predictions import CONST

if TYPE_CHECKING:
    from torch import Tensor

Callback = Callable[[dict[str, Any]], None]
ExtraArgs = dict[str, Any]


def append_dims(x: Tensor, target_dims: int) -> Tensor:
    """``x`` with dimensions of size 1 at its end until it has ``target_dims``."""
    return x[(...,) + (None,) * (target_dims - x.ndim)]


def to_d(x: Tensor, sigma: Tensor, denoised: Tensor) -> Tensor:
    """The derivative of ``x`` by sigma that a denoised latent stands for."""
    return (x - denoised) / append_dims(sigma, x.ndim)


class Denoiser:
    """The model as a solver calls it: one sigma for the whole batch, and reports before steps."""

    def __init__(self, model: Any, x: Tensor, extra_args: ExtraArgs | None, callback: Callback | None) -> None:
        self.model = model
        self.extra_args = {} if extra_args is None else extra_args
        self.callback = callback
        self._ones = x.new_ones([x.shape[0]])

    @property
    def seed(self) -> int | None:
        return self.extra_args.get("seed")

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """The denoised latent at ``sigma`` ``[]``."""
        return self.model(x, sigma * self._ones, **self.extra_args)  # type: ignore[no-any-return]

    def step(self, index: int, x: Tensor, sigma: Tensor, reported: Tensor | None = None) -> Tensor:
        """The denoised latent at the start of step ``index``, which is reported."""
        denoised = self(x, sigma)
        self.report(index, x, sigma if reported is None else reported, sigma, denoised)
        return denoised

    def report(self, index: int, x: Tensor, sigma: Any, sigma_hat: Any, denoised: Tensor) -> None:
        if self.callback is not None:
            self.callback({"x": x, "i": index, "sigma": sigma, "sigma_hat": sigma_hat, "denoised": denoised})


class UncondDenoiser(Denoiser):
    """A :class:`Denoiser` that also keeps what the negative conditioning alone gave, in :attr:`uncond`."""

    uncond: Tensor

    def __init__(self, model: Any, x: Tensor, extra_args: ExtraArgs | None, callback: Callback | None) -> None:
        extra = dict(extra_args or {})
        extra["model_options"] = with_post_cfg(extra.get("model_options", {}), self._keep, needs_uncond=True)
        super().__init__(model, x, extra, callback)

    def _keep(self, args: dict[str, Any]) -> Tensor:
        self.uncond = args["uncond_denoised"]
        return args["denoised"]  # type: ignore[no-any-return]


def with_post_cfg(model_options: Any, function: Any, needs_uncond: bool = False) -> dict[str, Any]:
    """A copy of ``model_options`` with one more function called after guidance."""
    options = dict(model_options)
    options["sampler_post_cfg_function"] = [*options.get("sampler_post_cfg_function", []), function]
    if needs_uncond:
        options["disable_cfg1_optimization"] = True
    return options


def get_ancestral_step(sigma_from: Any, sigma_to: Any, eta: float = 1.0) -> tuple[Any, Any]:
    """The sigma to step down to, and the amount of noise that leads up from there to ``sigma_to``."""
    if not eta:
        return sigma_to, 0.0
    up = min(sigma_to, eta * (sigma_to**2 * (sigma_from**2 - sigma_to**2) / sigma_from**2) ** 0.5)
    return (sigma_to**2 - up**2) ** 0.5, up


def flow_ancestral_step(sigma: Tensor, sigma_next: Tensor, eta: float) -> tuple[Tensor, Tensor, Tensor]:
    """For rectified flow: the sigma to step down to, the factor of the latent there, and the amount of new noise."""
    ratio = 1 + (sigma_next / sigma - 1) * eta
    down = sigma_next * ratio
    alpha_next, alpha_down = 1 - sigma_next, 1 - down
    renoise = (sigma_next**2 - down**2 * alpha_next**2 / alpha_down**2) ** 0.5
    return down, alpha_next / alpha_down, renoise


def model_sampling_of(model: Any) -> Any:
    """The ``model_sampling`` of a solver's model."""
    return model.inner_model.model_patcher.get_model_object("model_sampling")


def is_flow(model_sampling: Any) -> bool:
    """Whether latents are ``sigma * noise + (1 - sigma) * data``."""
    return isinstance(model_sampling, CONST)


def sigma_to_half_log_snr(sigma: Tensor, model_sampling: Any) -> Tensor:
    """``log(alpha / sigma)``: half the log of the signal-to-noise ratio."""
    return sigma.logit().neg() if is_flow(model_sampling) else sigma.log().neg()


def half_log_snr_to_sigma(half_log_snr: Tensor, model_sampling: Any) -> Tensor:
    """The inverse of :func:`sigma_to_half_log_snr`."""
    return half_log_snr.neg().sigmoid() if is_flow(model_sampling) else half_log_snr.neg().exp()


def offset_first_sigma_for_snr(sigmas: Tensor, model_sampling: Any, percent_offset: float = 1e-4) -> Tensor:
    """``sigmas`` with a first one that has a finite log SNR: a flow's pure noise has none."""
    if len(sigmas) > 1 and is_flow(model_sampling) and sigmas[0] >= 1:
        sigmas = sigmas.clone()
        sigmas[0] = model_sampling.percent_to_sigma(percent_offset)
    return sigmas


def positive_bounds(sigmas: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest sigma above 0, and the largest."""
    return sigmas[sigmas > 0].min(), sigmas.max()


def churned(x: Tensor, sigmas: Tensor, i: int, churn: Churn) -> tuple[Tensor, Tensor]:
    """The latent and sigma that step ``i`` starts from, with noise added as Karras et al. 2022, algorithm 2 does."""
    sigma = sigmas[i]
    if churn.amount <= 0:
        return x, sigma
    gamma = min(churn.amount / (len(sigmas) - 1), 2**0.5 - 1) if churn.low <= sigma <= churn.high else 0.0
    sigma_hat = sigma * (gamma + 1)
    if gamma > 0:
        x = x + torch.randn_like(x) * churn.noise * (sigma_hat**2 - sigma**2) ** 0.5
    return x, sigma_hat


class Churn:
    """How much noise is added before steps, between which sigmas, and its factor."""

    def __init__(self, amount: float = 0.0, low: float = 0.0, high: float = math.inf, noise: float = 1.0) -> None:
        self.amount, self.low, self.high, self.noise = amount, low, high, noise
