"""Sampling from its parts: noise, a guider, a sampler and sigmas."""

from __future__ import annotations

from typing import Any

from . import inputs
from .sampling import cfg_input, seed_input, without_ratio

Latent = dict[str, Any]


def _prepared(model: Any, latent: Latent) -> Latent:
    """A LATENT that the model can take."""
    from ..diffusion.sampling import checks, sample

    samples = sample.fix_empty_latent_channels(model, latent["samples"], latent.get("downscale_ratio_spacial"))
    checks.check_latent(model, samples)
    return {**without_ratio(latent), "samples": samples}


def _outputs(model: Any, latent: Latent, samples: Any, last: dict[str, Any]) -> tuple[Latent, Latent]:
    """The latent, and the last one that the model took for clean."""
    from ..diffusion import memory

    output = {**latent, "samples": samples}
    if "x0" not in last:
        return output, output
    device = memory.intermediate_device()
    return output, {**latent, "samples": model.model.process_latent_out(last["x0"].float().to(device))}


class SamplerCustom:
    RETURN_TYPES = ("LATENT", "LATENT")
    RETURN_NAMES = ("output", "denoised_output")
    FUNCTION = "sample"
    CATEGORY = "sampling/custom_sampling"
    DESCRIPTION = "Samples with a SAMPLER along SIGMAS."
    SEARCH_ALIASES = ["generate", "denoise", "custom sampler", "sigmas"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model that takes the noise away."),
                "add_noise": inputs.boolean(True, "Off where an earlier sampler left noise over."),
                "noise_seed": seed_input(),
                "cfg": cfg_input(),
                "positive": inputs.socket("CONDITIONING", "What the picture should show."),
                "negative": inputs.socket("CONDITIONING", "What it should not show."),
                "sampler": inputs.socket("SAMPLER", "The method."),
                "sigmas": inputs.socket("SIGMAS", "The noise levels."),
                "latent_image": inputs.socket("LATENT", "Where it starts."),
            }
        }

    def sample(
        self,
        model: Any,
        add_noise: bool,
        noise_seed: int,
        cfg: float,
        positive: Any,
        negative: Any,
        sampler: Any,
        sigmas: Any,
        latent_image: Latent,
    ) -> tuple[Latent, Latent]:
        from ..diffusion.sampling import noise, previews, sample

        latent = _prepared(model, latent_image)
        source = noise.RandomNoise(noise_seed) if add_noise else noise.EmptyNoise()
        last: dict[str, Any] = {}
        made = sample.sample_custom(
            model, source.generate_noise(latent), cfg, sampler, sigmas, positive, negative, latent["samples"],
            noise_mask=latent.get("noise_mask"), callback=previews.prepare_callback(model, len(sigmas) - 1, last),
            disable_pbar=True, seed=noise_seed,
        )  # fmt: skip
        return _outputs(model, latent, made, last)


class SamplerCustomAdvanced:
    RETURN_TYPES = ("LATENT", "LATENT")
    RETURN_NAMES = ("output", "denoised_output")
    FUNCTION = "sample"
    CATEGORY = "sampling/custom_sampling"
    DESCRIPTION = "Samples with noise, a guider, a sampler and sigmas from nodes of their own."
    SEARCH_ALIASES = ["generate", "denoise", "custom sampler", "guider", "flux"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "noise": inputs.socket("NOISE", "The noise it starts from."),
                "guider": inputs.socket("GUIDER", "The model with its prompts."),
                "sampler": inputs.socket("SAMPLER", "The method."),
                "sigmas": inputs.socket("SIGMAS", "The noise levels."),
                "latent_image": inputs.socket("LATENT", "Where it starts."),
            }
        }

    def sample(self, noise: Any, guider: Any, sampler: Any, sigmas: Any, latent_image: Latent) -> tuple[Latent, Latent]:
        from ..diffusion import memory
        from ..diffusion.sampling import previews

        model = guider.model_patcher
        latent = _prepared(model, latent_image)
        last: dict[str, Any] = {}
        made = guider.sample(
            noise.generate_noise(latent), latent["samples"], sampler, sigmas, denoise_mask=latent.get("noise_mask"),
            callback=previews.prepare_callback(model, len(sigmas) - 1, last), disable_pbar=True, seed=noise.seed,
        )  # fmt: skip
        return _outputs(model, latent, made.to(memory.intermediate_device()), last)


class RandomNoise:
    RETURN_TYPES = ("NOISE",)
    FUNCTION = "get_noise"
    CATEGORY = "sampling/custom_sampling/noise"
    DESCRIPTION = "Noise of a seed."
    SEARCH_ALIASES = ["seed", "random", "start noise"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"noise_seed": seed_input("The same seed gives the same noise.")}}

    def get_noise(self, noise_seed: int) -> tuple[Any]:
        from ..diffusion.sampling import noise

        return (noise.RandomNoise(noise_seed),)


class DisableNoise:
    RETURN_TYPES = ("NOISE",)
    FUNCTION = "get_noise"
    CATEGORY = "sampling/custom_sampling/noise"
    DESCRIPTION = "No noise: for latents that still have some."
    SEARCH_ALIASES = ["no noise", "zero", "leftover"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def get_noise(self) -> tuple[Any]:
        from ..diffusion.sampling import noise

        return (noise.EmptyNoise(),)


class AddNoise:
    RETURN_TYPES = ("LATENT",)
    FUNCTION = "add_noise"
    CATEGORY = "_for_testing/custom_sampling/noise"
    DESCRIPTION = "Adds noise to a latent: as much as lies between the first and the last of the sigmas."
    SEARCH_ALIASES = ["renoise", "inject noise", "unsample"]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {
            "required": {
                "model": inputs.socket("MODEL", "The model whose noise it is."),
                "noise": inputs.socket("NOISE", "The noise."),
                "sigmas": inputs.socket("SIGMAS", "From the first of them to the last; of one, from that to 0."),
                "latent_image": inputs.socket("LATENT", "What it is added to."),
            }
        }

    def add_noise(self, model: Any, noise: Any, sigmas: Any, latent_image: Latent) -> tuple[Latent]:
        import torch

        if len(sigmas) == 0:
            return (latent_image,)
        latent = _prepared(model, latent_image)
        samples = latent["samples"]
        drawn = noise.generate_noise(latent)
        level = torch.abs(sigmas[0] - sigmas[-1]) if len(sigmas) > 1 else sigmas[0]
        if torch.count_nonzero(samples) > 0:
            samples = model.get_model_object("process_latent_in")(samples)
        noisy = model.get_model_object("model_sampling").noise_scaling(level, drawn, samples)
        noisy = model.get_model_object("process_latent_out")(noisy)
        return ({**latent, "samples": torch.nan_to_num(noisy, nan=0.0, posinf=0.0, neginf=0.0)},)


NODES: dict[str, tuple[type, str]] = {
    "SamplerCustom": (SamplerCustom, "SamplerCustom"),
    "SamplerCustomAdvanced": (SamplerCustomAdvanced, "SamplerCustomAdvanced"),
    "RandomNoise": (RandomNoise, "RandomNoise"),
    "DisableNoise": (DisableNoise, "DisableNoise"),
    "AddNoise": (AddNoise, "AddNoise"),
}
