"""Steps whose answer is much like the last one are not computed: Zhou et al. 2025, "Less is Enough: Training-Free Video
Diffusion Acceleration via Runtime-Adaptive Caching" (EasyCache)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from .sampling.wrappers import CallbacksMP, WrappersMP
from .skip_layers import Range

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher

_log = logging.getLogger("comfy_notebook")


class Trend:
    """How fast answers follow their inputs, and how much has been left out since one was computed."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.computed = self.reused = 0
        self._forget()

    def _forget(self) -> None:
        self._x: Any = None
        self._answer: Any = None
        self._difference: Any = None
        self._rate: float | None = None
        self._left_out = 0.0
        self._sigma = float("inf")

    def begins(self, x: Tensor, sigma: float) -> None:
        """Forget everything where this is another run than before."""
        if sigma > self._sigma or (self._x is not None and self._x.shape != x.shape):
            self._forget()
        self._sigma = sigma

    def reusable(self, x: Tensor) -> Tensor | None:
        """The answer for ``x`` if it need not be computed: the input and what the last computed answer added to it."""
        if self._rate is None:
            return None
        change = float((x - self._x).abs().mean()) / max(float(self._answer.abs().mean()), 1e-12)
        self._left_out += self._rate * change
        if self._left_out >= self.threshold:
            self._left_out = 0.0
            return None
        answer: Tensor = x + self._difference
        self._x, self._answer = x, answer
        self.reused += 1
        return answer

    def learn(self, x: Tensor, answer: Tensor) -> None:
        """Remember a computed answer."""
        if self._x is not None:
            moved = max(float((x - self._x).abs().mean()), 1e-12)
            self._rate = float((answer - self._answer).abs().mean()) / moved
        self._x, self._answer, self._difference = x, answer, answer - x
        self.computed += 1


def _told(trends: dict[Any, Trend], name: str) -> None:
    computed, reused = (sum(getattr(one, what) for one in trends.values()) for what in ("computed", "reused"))
    _log.info("%s: %d calls computed, %d left out", name, computed, reused)


def _forgetting(model: ModelPatcher, trends: dict[Any, Trend], name: str, verbose: bool) -> None:
    """Let go of what is remembered when a run ends."""

    def end(_patcher: Any) -> None:
        if verbose and trends:
            _told(trends, name)
        trends.clear()

    model.add_callback(CallbacksMP.ON_CLEANUP, end)


def reusing_calls(model: ModelPatcher, threshold: float, within: Range, verbose: bool) -> ModelPatcher:
    """A clone whose network is not called for a step that would change its answer by less than ``threshold``, summed up
    since the last call and relative to the answer; each batch of prompts has a trend of its own."""
    made = model.clone()
    trends: dict[Any, Trend] = {}
    channels = model.get_model_object("latent_format").latent_channels

    def call(executor: Any, x: Tensor, timestep: Tensor, *rest: Any, **given: Any) -> Tensor:
        options = given.get("transformer_options", {})
        sigmas, batch = options.get("sigmas"), tuple(options.get("uuids", ()))
        if sigmas is None:
            return executor(x, timestep, *rest, **given)  # type: ignore[no-any-return]
        trend = trends.setdefault(batch, Trend(threshold))
        latent = x[:, :channels]  # what inpainting models see beside it is the same in every step
        trend.begins(latent, float(sigmas.flatten()[0]))
        answer: Tensor | None = trend.reusable(latent) if within.holds(sigmas) else None
        if answer is None:
            answer = executor(x, timestep, *rest, **given)
            trend.learn(latent, answer)
        return answer

    made.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "easycache", call)
    _forgetting(made, trends, "EasyCache", verbose)
    return made


def reusing_steps(model: ModelPatcher, threshold: float, within: Range, verbose: bool) -> ModelPatcher:
    """:func:`reusing_calls` for the guided prediction of whole steps, whatever the network is."""
    made = model.clone()
    trends: dict[Any, Trend] = {}

    def predict(executor: Any, x: Tensor, timestep: Tensor, *rest: Any, **given: Any) -> Tensor:
        sampling = executor.class_obj.inner_model.model_sampling
        sigma = timestep.reshape(-1, *[1] * (x.ndim - 1))
        seen = sampling.calculate_input(timestep, x)
        trend = trends.setdefault(None, Trend(threshold))
        trend.begins(seen, float(timestep.flatten()[0]))
        noise = trend.reusable(seen) if within.holds(timestep) else None
        if noise is not None:
            return x - sigma * noise
        denoised: Tensor = executor(x, timestep, *rest, **given)
        trend.learn(seen, (x - denoised) / sigma)
        return denoised

    made.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "lazycache", predict)
    _forgetting(made, trends, "LazyCache", verbose)
    return made
