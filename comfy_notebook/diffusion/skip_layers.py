"""Skip-layer guidance: the answer is led away from that of the same network without some of its blocks.

Stability AI 2024, inference code of Stable Diffusion 3.5 ("SkipLayerCFG").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .patch_options import copy_options

if TYPE_CHECKING:
    from torch import Tensor

    from .patcher import ModelPatcher


def numbers(listed: str) -> list[int]:
    """The numbers in ``"7, 8, 9"``."""
    return [int(number) for number in re.findall(r"\d+", listed)]


def without_blocks(model_options: dict[str, Any], double: list[int], single: list[int]) -> dict[str, Any]:
    """``model_options`` under which these blocks do nothing."""
    made: dict[str, Any] = copy_options(model_options)
    replaced = made.setdefault("transformer_options", {}).setdefault("patches_replace", {})
    dit = dict(replaced.get("dit", {}))
    dit |= {("double_block", index): _nothing for index in double}
    dit |= {("single_block", index): _nothing for index in single}
    replaced["dit"] = dit
    return made


def _nothing(args: dict[str, Any], _more: dict[str, Any]) -> dict[str, Any]:
    return args


class Range:
    """The part of sampling between two shares of the way."""

    def __init__(self, model: ModelPatcher, start_percent: float, end_percent: float) -> None:
        sampling = model.get_model_object("model_sampling")
        self.start = float(sampling.percent_to_sigma(start_percent))
        self.end = float(sampling.percent_to_sigma(end_percent))

    def holds(self, sigma: Tensor) -> bool:
        return self.end <= float(sigma.flatten()[0]) <= self.start


def guided(
    model: ModelPatcher, double: list[int], single: list[int], scale: float, within: Range, rescaling: float = 0.0
) -> ModelPatcher:
    """A clone that is led away, ``scale`` strong, from its answer to the positive prompt without these blocks.

    ``rescaling`` mixes in the result with the deviation of the positive answer, as in Lin et al. 2023.
    """
    made = model.clone()
    if not double and not single:
        return made

    def lead(args: dict[str, Any]) -> Tensor:
        from .sampling import samplers

        denoised: Tensor = args["denoised"]
        if scale <= 0 or not within.holds(args["sigma"]):
            return denoised
        options = without_blocks(args["model_options"], double, single)
        (without,) = samplers.calc_cond_batch(args["model"], [args["cond"]], args["input"], args["sigma"], options)
        cond: Tensor = args["cond_denoised"]
        result = denoised + (cond - without) * scale
        if rescaling:
            factor = cond.std() / result.std()
            result = result * (rescaling * factor + (1.0 - rescaling))
        return result

    made.set_model_sampler_post_cfg_function(lead)
    return made


def negative_without(model: ModelPatcher, double: list[int], single: list[int], within: Range) -> ModelPatcher:
    """A clone whose negative prompt is answered by the network without these blocks: no further calls."""
    made = model.clone()

    def answers(args: dict[str, Any]) -> list[Tensor]:
        from .sampling import samplers

        network, x, sigma, options = args["model"], args["input"], args["sigma"], args["model_options"]
        positive, negative = args["conds"]
        if negative is None or not within.holds(sigma):
            return samplers.calc_cond_batch(network, args["conds"], x, sigma, options)
        (cond,) = samplers.calc_cond_batch(network, [positive], x, sigma, options)
        skipping = without_blocks(options, double, single)
        (uncond,) = samplers.calc_cond_batch(network, [negative], x, sigma, skipping)
        return [cond, uncond]

    if double or single:
        made.set_model_sampler_calc_cond_batch_function(answers)
    return made
