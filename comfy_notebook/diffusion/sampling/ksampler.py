"""The lists of samplers and schedulers that nodes offer, and ``KSampler``, which names both. Needs no torch."""

from __future__ import annotations

from typing import Any

KSAMPLER_NAMES: list[str] = [
    *("euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2", "dpm_2"),
    *("dpm_2_ancestral", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp"),
    *("dpmpp_sde", "dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"),
    *("dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm", "ipndm"),
    *("ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp", "res_multistep_ancestral"),
    *("res_multistep_ancestral_cfg_pp", "gradient_estimation", "gradient_estimation_cfg_pp", "er_sde", "seeds_2"),
    *("seeds_3", "sa_solver", "sa_solver_pece"),
]
SAMPLER_NAMES: list[str] = [*KSAMPLER_NAMES, "ddim", "uni_pc", "uni_pc_bh2"]
SCHEDULER_NAMES: list[str] = [
    *("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal", "linear_quadratic"),
    "kl_optimal",
]


class KSampler:
    """A sampler and a scheduler by name, with the sigmas they make of a model. Packs add names to the two lists."""

    SCHEDULERS = SCHEDULER_NAMES
    SAMPLERS = SAMPLER_NAMES
    DISCARD_PENULTIMATE_SIGMA_SAMPLERS = {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}

    sigmas: Any

    def __init__(
        self,
        model: Any,
        steps: int,
        device: Any,
        sampler: str | None = None,
        scheduler: str | None = None,
        denoise: float | None = None,
        model_options: dict[str, Any] | None = None,
    ) -> None:
        """``denoise`` from 0 to 1: how much of the schedule is walked, always in ``steps`` steps."""
        self.model = model
        self.device = device
        self.sampler = self.SAMPLERS[0] if sampler is None else sampler
        self.scheduler = self.SCHEDULERS[0] if scheduler is None else scheduler
        self.denoise = denoise
        self.model_options = {} if model_options is None else model_options
        self.set_steps(steps, denoise)

    def calculate_sigmas(self, steps: int) -> Any:
        """Sigmas ``[steps + 1]`` for this sampler: some leave out the last but one."""
        from . import samplers

        discard = self.sampler in self.DISCARD_PENULTIMATE_SIGMA_SAMPLERS
        model_sampling = self.model.get_model_object("model_sampling")
        sigmas = samplers.calculate_sigmas(model_sampling, self.scheduler, steps + 1 if discard else steps)
        if discard:
            import torch

            sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
        return sigmas

    def set_steps(self, steps: int, denoise: float | None = None) -> None:
        """Make :attr:`sigmas`."""
        import torch

        self.steps = steps
        if denoise is None or denoise > 0.9999:
            self.sigmas = self.calculate_sigmas(steps).to(self.device)
        elif denoise <= 0.0:
            self.sigmas = torch.FloatTensor([])
        else:
            self.sigmas = self.calculate_sigmas(int(steps / denoise)).to(self.device)[-(steps + 1) :]

    def sample(
        self,
        noise: Any,
        positive: Any,
        negative: Any,
        cfg: float,
        latent_image: Any = None,
        start_step: int | None = None,
        last_step: int | None = None,
        force_full_denoise: bool = False,
        denoise_mask: Any = None,
        sigmas: Any = None,
        callback: Any = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Any:
        """The latent after the steps from ``start_step`` to ``last_step``; ``force_full_denoise`` takes all remaining
        noise away with the last of them."""
        import torch

        from . import samplers

        sigmas = self.sigmas if sigmas is None else sigmas
        if last_step is not None and last_step < len(sigmas) - 1:
            sigmas = sigmas[: last_step + 1]
            if force_full_denoise:
                sigmas = sigmas.clone()
                sigmas[-1] = 0
        if start_step is not None:
            sigmas = sigmas[start_step:] if start_step < len(sigmas) - 1 else sigmas[:0]
        if len(sigmas) < 2:
            return latent_image if latent_image is not None else torch.zeros_like(noise)
        return samplers.sample(
            self.model, noise, positive, negative, cfg, self.device, samplers.sampler_object(self.sampler), sigmas,
            self.model_options, latent_image=latent_image, denoise_mask=denoise_mask, callback=callback,
            disable_pbar=disable_pbar, seed=seed,
        )  # fmt: skip
