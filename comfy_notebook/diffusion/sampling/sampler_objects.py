"""SAMPLER objects: a solver with its options, called by a guider."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from . import ksampler as ksampler_names

if TYPE_CHECKING:
    from torch import Tensor


class KSamplerX0Inpaint:
    """What a solver calls as ``model(x, sigma, …)``: the guider, with what lies outside a mask held to the original."""

    latent_image: Any
    noise: Any

    def __init__(self, model: Any, sigmas: Tensor) -> None:
        self.inner_model = model
        self.sigmas = sigmas

    def __call__(
        self,
        x: Tensor,
        sigma: Tensor,
        denoise_mask: Tensor | None,
        model_options: dict[str, Any] | None = None,
        seed: int | None = None,
    ) -> Tensor:
        options = {} if model_options is None else model_options
        if denoise_mask is None:
            return self.inner_model(x, sigma, model_options=options, seed=seed)  # type: ignore[no-any-return]
        if "denoise_mask_function" in options:
            extra = {"model": self.inner_model, "sigmas": self.sigmas}
            denoise_mask = options["denoise_mask_function"](sigma, denoise_mask, extra_options=extra)
        kept = 1.0 - denoise_mask
        original = self.inner_model.inner_model.scale_latent_inpaint(
            x=x, sigma=sigma, noise=self.noise, latent_image=self.latent_image
        )
        out = self.inner_model(x * denoise_mask + original * kept, sigma, model_options=options, seed=seed)
        return out * denoise_mask + self.latent_image * kept  # type: ignore[no-any-return]


class Sampler:
    """The base of SAMPLERs."""

    def sample(
        self,
        model_wrap: Any,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Callable[..., None] | None,
        noise: Tensor,
        latent_image: Any = None,
        denoise_mask: Tensor | None = None,
        disable_pbar: bool = False,
    ) -> Tensor:
        """The latent that ``noise`` on ``latent_image`` becomes along ``sigmas``.

        ``model_wrap`` is the guider; ``callback(step, denoised, x, total_steps)`` is called before every step.
        """
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def max_denoise(self, model_wrap: Any, sigmas: Tensor) -> bool:
        """Whether sampling starts from pure noise."""
        largest = float(model_wrap.inner_model.model_sampling.sigma_max)
        first = float(sigmas[0])
        return math.isclose(largest, first, rel_tol=1e-05) or first > largest


class KSAMPLER(Sampler):
    """A solver of :mod:`.k_diffusion`, or any function of its form."""

    def __init__(
        self,
        sampler_function: Callable[..., Tensor],
        extra_options: dict[str, Any] | None = None,
        inpaint_options: dict[str, Any] | None = None,
    ) -> None:
        """``inpaint_options["random"]``: fresh noise outside the mask rather than that of the start."""
        self.sampler_function = sampler_function
        self.extra_options = {} if extra_options is None else extra_options
        self.inpaint_options = {} if inpaint_options is None else inpaint_options

    def sample(
        self,
        model_wrap: Any,
        sigmas: Tensor,
        extra_args: dict[str, Any],
        callback: Callable[..., None] | None,
        noise: Tensor,
        latent_image: Any = None,
        denoise_mask: Tensor | None = None,
        disable_pbar: bool = False,
    ) -> Tensor:
        extra_args["denoise_mask"] = denoise_mask
        model = KSamplerX0Inpaint(model_wrap, sigmas)
        model.latent_image = latent_image
        model.noise = noise
        if self.inpaint_options.get("random", False):
            generator = torch.manual_seed(extra_args.get("seed", 41) + 1)
            drawn = torch.randn(noise.shape, generator=generator, device="cpu")
            model.noise = drawn.to(noise.device, noise.dtype)
        model_sampling = model_wrap.inner_model.model_sampling
        start = model_sampling.noise_scaling(sigmas[0], noise, latent_image, self.max_denoise(model_wrap, sigmas))
        total = len(sigmas) - 1
        report = None
        if callback is not None:

            def report(state: dict[str, Any]) -> None:
                callback(state["i"], state["denoised"], state["x"], total)

        made = self.sampler_function(
            model, start, sigmas, extra_args=extra_args, callback=report, disable=disable_pbar, **self.extra_options
        )
        return model_sampling.inverse_noise_scaling(sigmas[-1], made)  # type: ignore[no-any-return]


def _dpm_fast(model: Any, noise: Tensor, sigmas: Tensor, extra_args: Any, callback: Any, disable: Any) -> Tensor:
    from . import k_diffusion

    if len(sigmas) <= 1:
        return noise
    sigma_min = sigmas[-2] if sigmas[-1] == 0 else sigmas[-1]
    total = len(sigmas) - 1
    return k_diffusion.sample_dpm_fast(
        model, noise, sigma_min, sigmas[0], total, extra_args=extra_args, callback=callback, disable=disable
    )


def _dpm_adaptive(
    model: Any, noise: Tensor, sigmas: Tensor, extra_args: Any, callback: Any, disable: Any, **options: Any
) -> Any:
    from . import k_diffusion

    if len(sigmas) <= 1:
        return noise
    sigma_min = sigmas[-2] if sigmas[-1] == 0 else sigmas[-1]
    return k_diffusion.sample_dpm_adaptive(
        model, noise, sigma_min, sigmas[0], extra_args=extra_args, callback=callback, disable=disable, **options
    )


def ksampler(
    sampler_name: str, extra_options: dict[str, Any] | None = None, inpaint_options: dict[str, Any] | None = None
) -> KSAMPLER:
    """The solver ``sample_<sampler_name>`` as a SAMPLER. Raises :class:`ValueError` for an unknown name."""
    from . import k_diffusion, uni_pc

    functions: dict[str, Callable[..., Tensor]] = {
        "dpm_fast": _dpm_fast,
        "dpm_adaptive": _dpm_adaptive,
        "uni_pc": uni_pc.sample_unipc,
        "uni_pc_bh2": uni_pc.sample_unipc_bh2,
    }
    function = functions.get(sampler_name) or vars(k_diffusion).get(f"sample_{sampler_name}")
    if function is None:
        near = difflib.get_close_matches(sampler_name, ksampler_names.KSampler.SAMPLERS)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"There is no sampler called {sampler_name!r}.{hint}")
    return KSAMPLER(function, extra_options, inpaint_options)


def sampler_object(name: str) -> Sampler:
    """The SAMPLER that nodes offer under ``name``. Raises :class:`ValueError` for an unknown one."""
    if name == "ddim":
        return ksampler("euler", inpaint_options={"random": True})
    return ksampler(name)
