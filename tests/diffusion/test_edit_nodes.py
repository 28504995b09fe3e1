"""Sizes and levels of models that edit, against diffusers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from comfy_notebook.nodes.latent import EmptyFlux2LatentImage
from comfy_notebook.nodes.model_edit import KONTEXT_SIZES, FluxKontextImageScale
from comfy_notebook.nodes.schedulers_for_models import Flux2Scheduler


@pytest.mark.parametrize(("width", "height", "steps"), [(1024, 1024, 20), (512, 768, 4), (2048, 1536, 50)])
def test_levels_of_flux_2_are_those_of_its_pipeline(width: int, height: int, steps: int) -> None:
    import diffusers
    from diffusers.pipelines.flux2 import pipeline_flux2

    theirs: Any = pipeline_flux2
    mu = theirs.compute_empirical_mu(width * height // 256, steps)
    classes: Any = diffusers
    scheduler = classes.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps), mu=mu)
    [found] = Flux2Scheduler().get_sigmas(steps, width, height)
    torch.testing.assert_close(found, scheduler.sigmas, rtol=1e-5, atol=1e-6)


def test_latents_of_flux_2_have_a_pixel_for_16_of_the_picture() -> None:
    assert EmptyFlux2LatentImage().generate(1024, 512, 2)[0]["samples"].shape == (2, 128, 32, 64)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1000, 1000), (300, 900), (900, 301), (777, 701)])
def test_sizes_for_kontext_are_those_of_its_pipeline(width: int, height: int) -> None:
    from diffusers.pipelines.flux import pipeline_flux_kontext

    theirs: Any = pipeline_flux_kontext
    assert set(KONTEXT_SIZES) == set(theirs.PREFERRED_KONTEXT_RESOLUTIONS)
    wanted = min((abs(width / height - w / h), w, h) for w, h in theirs.PREFERRED_KONTEXT_RESOLUTIONS)[1:]
    [scaled] = FluxKontextImageScale().scale(torch.rand(1, height, width, 3))
    assert scaled.shape == (1, wanted[1], wanted[0], 3)
