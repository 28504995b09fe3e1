"""GUIDERs: a model with its conditionings, called by solvers as a denoiser."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from . import checks, conditioning, guidance, sampler_helpers, wrappers
from .masks import prepare_mask

if TYPE_CHECKING:
    from torch import Tensor

    from .conditioning import Conds

_log = logging.getLogger("comfy_notebook")


class CFGGuider:
    """Guidance by a positive and a negative conditioning. Custom nodes subclass it and replace :meth:`predict_noise`.

    ``model_patcher`` is the MODEL; ``inner_model``, ``conds`` and ``loaded_models`` are there while a run goes on.
    """

    inner_model: Any
    conds: Conds
    loaded_models: list[Any]

    def __init__(self, model_patcher: Any) -> None:
        self.model_patcher = model_patcher
        self.model_options: dict[str, Any] = model_patcher.model_options
        self.original_conds: Conds = {}
        self.cfg = 1.0

    def set_conds(self, positive: Any, negative: Any) -> None:
        """Take two CONDITIONINGs."""
        self.inner_set_conds({"positive": positive, "negative": negative})

    def set_cfg(self, cfg: float) -> None:
        """Take a scale; at 1 the negative conditioning is not run."""
        checks.check_scale("cfg", cfg)
        self.cfg = cfg

    def inner_set_conds(self, conds: dict[str, Any]) -> None:
        """Take CONDITIONINGs by name."""
        for name, entries in conds.items():
            checks.check_conditioning(name, entries)
            self.original_conds[name] = conditioning.convert_cond(entries)

    # --- called by solvers ---

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return self.outer_predict_noise(*args, **kwargs)

    def outer_predict_noise(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        """:meth:`predict_noise` inside the wrappers that the model carries."""
        options = {} if model_options is None else model_options
        predict = wrappers.wrapped(wrappers.WrappersMP.PREDICT_NOISE, self.model_options, self.predict_noise, self)
        return predict(x, timestep, options, seed)  # type: ignore[no-any-return]

    def predict_noise(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        """The denoised latent for ``x`` at sigmas ``timestep`` ``[B]``."""
        from . import samplers

        return samplers.sampling_function(
            self.inner_model, x, timestep, self.conds.get("negative"), self.conds.get("positive"), self.cfg,
            model_options=model_options, seed=seed,
        )  # fmt: skip

    # --- a run ---

    def sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None = None,
        callback: Callable[..., None] | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Tensor:
        """What ``sampler`` makes of ``noise`` on ``latent_image`` along ``sigmas``, float32 like the latent.

        ``denoise_mask`` is 1 where the latent may change. Raises :class:`ValueError` for latents, noise or sigmas that
        cannot be sampled.
        """
        if sigmas.shape[-1] == 0:
            return latent_image
        checks.check_sigmas(sigmas)
        checks.check_latent(self.model_patcher, latent_image, noise)
        checks.check_text(getattr(self.model_patcher, "model", None), self.original_conds)
        options_before = self.model_options
        self.conds = {name: [dict(entry) for entry in entries] for name, entries in self.original_conds.items()}
        self.model_options = {**options_before}
        try:
            outer = wrappers.wrapped(wrappers.WrappersMP.OUTER_SAMPLE, self.model_options, self.outer_sample, self)
            with torch.no_grad():
                made: Tensor = outer(noise, latent_image, sampler, sigmas, denoise_mask, callback, disable_pbar, seed)
        finally:
            self.model_options = options_before
            self.__dict__.pop("conds", None)
        return made

    def outer_sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None = None,
        callback: Callable[..., None] | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> Tensor:
        """Bring the models to their devices, sample, and tell them that it is over."""
        prepare = wrappers.wrapped(
            wrappers.WrappersMP.PREPARE_SAMPLING, self.model_options, sampler_helpers.prepare_sampling
        )
        self.inner_model, self.conds, self.loaded_models = prepare(
            self.model_patcher, noise.shape, self.conds, self.model_options
        )
        device = self.model_patcher.load_device
        if denoise_mask is not None:
            denoise_mask = prepare_mask(denoise_mask, noise.shape, device)
        noise, latent_image, sigmas = (value.to(device) for value in (noise, latent_image, sigmas))
        try:
            sampler_helpers.begin_hooks(self.inner_model, self.model_patcher, self.conds)
            self.model_patcher.pre_run()
            return self.inner_sample(
                noise, latent_image, device, sampler, sigmas, denoise_mask, callback, disable_pbar, seed
            )
        finally:
            sampler_helpers.end_hooks(self.inner_model, self.model_patcher)
            self.model_patcher.cleanup()
            sampler_helpers.cleanup_models(self.conds, self.loaded_models)
            del self.inner_model
            del self.loaded_models

    def inner_sample(
        self,
        noise: Tensor,
        latent_image: Tensor,
        device: Any,
        sampler: Any,
        sigmas: Tensor,
        denoise_mask: Tensor | None,
        callback: Callable[..., None] | None,
        disable_pbar: bool,
        seed: int | None,
    ) -> Tensor:
        """Sample with everything on ``device``."""
        from . import samplers

        if bool(torch.count_nonzero(latent_image)):  # an empty latent stays zero
            latent_image = self.inner_model.process_latent_in(latent_image)
        self.conds = samplers.process_conds(
            self.inner_model, noise, self.conds, device, latent_image, denoise_mask, seed
        )
        run = wrappers.wrapped(wrappers.WrappersMP.SAMPLER_SAMPLE, self.model_options, sampler.sample, sampler)
        extra_args = {"model_options": self.model_options, "seed": seed}
        made = run(self, sigmas, extra_args, callback, noise, latent_image, denoise_mask, disable_pbar)
        if bool(torch.isnan(made).any()):
            _log.warning(
                "The sampled latent holds NaN: the model's numbers overflowed. Try another dtype (fp32 or bf16), a "
                "lower cfg, or another sampler."
            )
        return self.inner_model.process_latent_out(made.to(torch.float32))  # type: ignore[no-any-return]


class BasicGuider(CFGGuider):
    """One conditioning, no guidance."""

    def set_conds(self, positive: Any, negative: Any = None) -> None:
        self.inner_set_conds({"positive": positive})


class DualCFGGuider(CFGGuider):
    """Two conditionings and a negative one, with a scale for each step between them.

    ``regular``: from the negative to the second by ``cfg2``, and from there towards the first by ``cfg1``. ``nested``:
    the first guided against the second by ``cfg1``, and that against the negative by ``cfg2``.
    """

    def set_cfg(self, cfg: float, cfg2: float = 1.0, nested: bool = False) -> None:
        checks.check_scale("cfg_conds", cfg)
        checks.check_scale("cfg_cond2_negative", cfg2)
        self.cfg1, self.cfg2, self.nested = cfg, cfg2, nested

    def set_conds(  # type: ignore[override]
        self, positive: Any, middle: Any, negative: Any = None
    ) -> None:
        self.inner_set_conds({"positive": positive, "middle": middle, "negative": negative})

    def predict_noise(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        from . import samplers

        options = {} if model_options is None else model_options
        positive, middle, negative = (self.conds.get(name) for name in ("positive", "middle", "negative"))
        model = self.inner_model
        if not options.get("disable_cfg1_optimization", False) and math.isclose(self.cfg2, 1.0) and not self.nested:
            negative = None
            if math.isclose(self.cfg1, 1.0):
                middle = None
        given = [negative, middle, positive]
        outputs = samplers.calc_cond_batch(model, given, x, timestep, options)
        outputs = guidance.pre_cfg(outputs, given, model, x, timestep, self.cfg2, options)
        if self.nested:
            between = samplers.cfg_function(
                model, outputs[2], outputs[1], self.cfg1, x, timestep, model_options=options, cond=positive,
                uncond=middle,
            )  # fmt: skip
            nested: Tensor = outputs[0] + self.cfg2 * (between - outputs[0])
            return nested
        if middle is None:
            return outputs[2]
        guided = samplers.cfg_function(
            model, outputs[1], outputs[0], self.cfg2, x, timestep, model_options=options, cond=middle, uncond=negative
        )
        combined: Tensor = guided + (outputs[2] - outputs[1]) * self.cfg1
        return combined


def perp_neg(
    noise_pred_pos: Tensor, noise_pred_neg: Tensor, noise_pred_nocond: Tensor, neg_scale: float, cond_scale: float
) -> Tensor:
    """Guidance by a negative prompt's part that is perpendicular to the positive one: Armandpour et al. 2023."""
    positive, negative = noise_pred_pos - noise_pred_nocond, noise_pred_neg - noise_pred_nocond
    along: Tensor = (negative * positive).sum() / positive.norm() ** 2
    guided: Tensor = noise_pred_nocond + cond_scale * (positive - (negative - along * positive) * neg_scale)
    return guided


class PerpNegGuider(CFGGuider):
    """:func:`perp_neg` of a positive, a negative and an empty conditioning."""

    neg_scale: float

    def set_conds(self, positive: Any, negative: Any, empty: Any = None) -> None:
        self.inner_set_conds({"positive": positive, "empty_negative_prompt": empty, "negative": negative})

    def set_cfg(self, cfg: float, neg_scale: float = 1.0) -> None:
        checks.check_scale("cfg", cfg)
        checks.check_scale("neg_scale", neg_scale)
        self.cfg, self.neg_scale = cfg, neg_scale

    def predict_noise(
        self, x: Tensor, timestep: Tensor, model_options: dict[str, Any] | None = None, seed: int | None = None
    ) -> Tensor:
        from . import samplers

        options = {} if model_options is None else model_options
        names = ("positive", "negative", "empty_negative_prompt")
        conds = [self.conds.get(name) for name in names]
        model = self.inner_model
        outputs = samplers.calc_cond_batch(model, conds, x, timestep, options)
        outputs = guidance.pre_cfg(outputs, conds, model, x, timestep, self.cfg, options)
        pos, neg, empty = outputs
        result = perp_neg(pos, neg, empty, self.neg_scale, self.cfg)
        for function in options.get("sampler_post_cfg_function", []):
            result = function(
                {
                    "denoised": result,
                    "cond": conds[0],
                    "uncond": conds[1],
                    "cond_scale": self.cfg,
                    "model": model,
                    "uncond_denoised": neg,
                    "cond_denoised": pos,
                    "sigma": timestep,
                    "model_options": options,
                    "input": x,
                    "empty_cond": conds[2],
                    "empty_cond_denoised": empty,
                }
            )
        return result
