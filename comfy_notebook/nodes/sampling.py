"""KSampler: a model, two prompts and a latent become a picture's latent."""

from __future__ import annotations

from typing import Any

from ..diffusion.sampling import ksampler
from . import inputs

Latent = dict[str, Any]

SEED_MAX = 0xFFFFFFFFFFFFFFFF
_SEED_TIP = "The same seed and settings give the same picture."
_CFG_TIP = "How closely the prompt is followed; 1 leaves the negative one out and is twice as fast."


def seed_input(tooltip: str = _SEED_TIP) -> inputs.Spec:
    """A seed that changes after each run as its companion widget says."""
    return inputs.integer(0, 0, SEED_MAX, tooltip=tooltip, control_after_generate=True)


def cfg_input(tooltip: str = _CFG_TIP) -> inputs.Spec:
    return inputs.number(8.0, 0.0, 100.0, 0.1, tooltip, round=0.01)


def sampler_input() -> inputs.Spec:
    """The samplers there are now: custom nodes add some."""
    return inputs.options(ksampler.KSampler.SAMPLERS, "The method that walks from noise to the picture.")


def scheduler_input() -> inputs.Spec:
    """The schedulers there are now: custom nodes add some."""
    return inputs.options(ksampler.KSampler.SCHEDULERS, "How the noise level falls from step to step.")


def without_ratio(latent: Latent) -> Latent:
    """A LATENT without what is said of empty ones only."""
    return {key: value for key, value in latent.items() if key != "downscale_ratio_spacial"}


def common_ksampler(
    model: Any,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent: Latent,
    denoise: float = 1.0,
    disable_noise: bool = False,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
) -> tuple[Latent]:
    """What the KSampler nodes do; custom nodes call it. Answers ``(latent,)``."""
    import torch

    from ..diffusion.sampling import checks, previews, sample

    checks.check_steps(steps)
    samples = sample.fix_empty_latent_channels(model, latent["samples"], latent.get("downscale_ratio_spacial"))
    checks.check_latent(model, samples)
    if disable_noise:
        noise = torch.zeros(samples.size(), dtype=samples.dtype, layout=samples.layout, device="cpu")
    else:
        noise = sample.prepare_noise(samples, seed, latent.get("batch_index"))
    made = sample.sample(
        model, noise, steps, cfg, sampler_name, scheduler, positive, negative, samples, denoise=denoise,
        disable_noise=disable_noise, start_step=start_step, last_step=last_step,
        force_full_denoise=force_full_denoise, noise_mask=latent.get("noise_mask"),
        callback=previews.prepare_callback(model, steps), disable_pbar=True, seed=seed,
    )  # fmt: skip
    return ({**without_ratio(latent), "samples": made},)


class KSampler:
    RETURN_TYPES = ("LATENT",)
    OUTPUT_TOOLTIPS = ("The latent after sampling.",)
    FUNCTION = "sample"
    CATEGORY = "sampling"
    DESCRIPTION = "Makes a latent of noise (or of another latent) as the prompts ask for."
    SEARCH_ALIASES = ["generate", "denoise", "txt2img", "img2img", "diffusion", "sampler", "steps"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that takes the noise away."),
                "seed": seed_input(),
                "steps": inputs.integer(20, 1, 10000, tooltip="More steps are slower and, up to a point, better."),
                "cfg": cfg_input(),
                "sampler_name": sampler_input(),
                "scheduler": scheduler_input(),
                "positive": inputs.socket("CONDITIONING", "What the picture should show."),
                "negative": inputs.socket("CONDITIONING", "What it should not show."),
                "latent_image": inputs.socket("LATENT", "Where it starts: empty, or a picture's latent."),
                "denoise": inputs.number(
                    1.0, 0.0, 1.0, 0.01, "How much of the latent is made anew; lower keeps more of it."
                ),
            }
        }

    def sample(
        self,
        model: Any,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: Latent,
        denoise: float = 1.0,
    ) -> tuple[Latent]:
        return common_ksampler(
            model, seed, steps, cfg, sampler_name, scheduler, positive, negative, latent_image, denoise=denoise
        )


class KSamplerAdvanced:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "sample"
    CATEGORY = "sampling"
    DESCRIPTION = "A KSampler for a part of the steps, so that several can share one schedule."
    SEARCH_ALIASES = ["refiner", "two stage", "start at step", "generate", "denoise", "handover"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that takes the noise away."),
                "add_noise": inputs.options(["enable", "disable"], "Off where an earlier sampler left noise over."),
                "noise_seed": seed_input(),
                "steps": inputs.integer(20, 1, 10000, tooltip="Steps of the whole schedule."),
                "cfg": cfg_input(),
                "sampler_name": sampler_input(),
                "scheduler": scheduler_input(),
                "positive": inputs.socket("CONDITIONING", "What the picture should show."),
                "negative": inputs.socket("CONDITIONING", "What it should not show."),
                "latent_image": inputs.socket("LATENT", "Where it starts."),
                "start_at_step": inputs.integer(0, 0, 10000, tooltip="The first step of this part."),
                "end_at_step": inputs.integer(10000, 0, 10000, tooltip="The step before which it ends."),
                "return_with_leftover_noise": inputs.options(
                    ["disable", "enable"], "On where another sampler goes on from here."
                ),
            }
        }

    def sample(
        self,
        model: Any,
        add_noise: str,
        noise_seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Any,
        negative: Any,
        latent_image: Latent,
        start_at_step: int,
        end_at_step: int,
        return_with_leftover_noise: str,
        denoise: float = 1.0,
    ) -> tuple[Latent]:
        return common_ksampler(
            model, noise_seed, steps, cfg, sampler_name, scheduler, positive, negative, latent_image, denoise=denoise,
            disable_noise=add_noise == "disable", start_step=start_at_step, last_step=end_at_step,
            force_full_denoise=return_with_leftover_noise != "enable",
        )  # fmt: skip


NODES: dict[str, tuple[type, str]] = {
    "KSampler": (KSampler, "KSampler"),
    "KSamplerAdvanced": (KSamplerAdvanced, "KSampler (Advanced)"),
}
