"""Steps that are left out, against the same rule written down as one loop."""

from __future__ import annotations

import itertools
import logging
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.sampling import samplers
from comfy_notebook.nodes.step_reuse import NODES

from . import tiny
from .test_families_flux import loaded

SIGMAS = torch.cat([torch.linspace(1.0, 0.05, 12), torch.zeros(1)])
GENERATOR = torch.Generator().manual_seed(4)
NOISE = torch.randn(1, 16, 8, 8, generator=GENERATOR)
TEXT, POOLED = torch.randn(1, 5, 48, generator=GENERATOR), torch.randn(1, 64, generator=GENERATOR)


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return loaded(tiny.flux(), tmp_path_factory.mktemp("flux"))


def sampled(model: Any) -> tuple[Tensor, int]:
    """What Euler's method makes, in the scale of sampling, and how often the network was called."""
    calls = []
    module = model.model.diffusion_model.module
    hook = module.register_forward_hook(lambda *_: calls.append(1))
    guider = samplers.CFGGuider(model)
    cond = [[TEXT, {"pooled_output": POOLED}]]
    guider.set_conds(cond, cond)
    made = guider.sample(NOISE, torch.zeros_like(NOISE), samplers.sampler_object("euler"), SIGMAS, seed=1)
    hook.remove()
    return model.model.process_latent_in(made), len(calls)


def by_hand(model: Any, threshold: float, start: float, end: float) -> tuple[Tensor, int]:
    """Euler's method with the rule of the paper, for the share of sampling between two noise levels."""
    memory.load_models_gpu([model])
    x, calls = NOISE * SIGMAS[0], 0
    before: Any = None
    answer: Any = None
    added: Any = None
    rate: Any = None
    sum_of_changes = 0.0
    for sigma, following in itertools.pairwise(SIGMAS):
        reuse = False
        if rate is not None and end <= sigma <= start:
            sum_of_changes += rate * float((x - before).abs().mean() / answer.abs().mean())
            reuse = sum_of_changes < threshold
            sum_of_changes = sum_of_changes if reuse else 0.0
        if reuse:
            velocity = x + added
        else:
            calls += 1
            with torch.no_grad():
                denoised = model.model.apply_model(
                    x, sigma[None], c_crossattn=TEXT, y=POOLED, guidance=torch.tensor([3.5])
                )
            velocity = (x - denoised) / sigma
            if before is not None:
                rate = float((velocity - answer).abs().mean() / (x - before).abs().mean())
            added = velocity - x
        before, answer = x, velocity
        x = x + velocity * (following - sigma)
    return x, calls


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("threshold", [0.0, 0.2, 1.0, 100.0])
def test_steps_left_out(name: str, threshold: float, flux: Any) -> None:
    (model,) = NODES[name][0]().patch(flux, threshold, 0.1, 0.9, False)
    sampling = flux.get_model_object("model_sampling")
    found, calls = sampled(model)
    start, end = float(sampling.percent_to_sigma(0.1)), float(sampling.percent_to_sigma(0.9))
    expected, expected_calls = by_hand(flux, threshold, start, end)
    assert calls == expected_calls
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    if threshold == 0.0:
        assert calls == 12
    if threshold == 100.0:
        assert calls < 8


def test_runs_do_not_know_of_each_other(flux: Any, caplog: pytest.LogCaptureFixture) -> None:
    (model,) = NODES["EasyCache"][0]().patch(flux, 1.0, 0.0, 1.0, True)
    with caplog.at_level(logging.INFO, logger="comfy_notebook"):
        first, second = sampled(model), sampled(model)
    assert first[1] == second[1]
    torch.testing.assert_close(first[0], second[0])
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("EasyCache")]
    assert told == [f"EasyCache: {first[1]} calls computed, {12 - first[1]} left out"] * 2
