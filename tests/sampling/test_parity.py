"""Noise levels, schedules, samplers, inpaint masks and noise against arrays recorded from ComfyUI.

``../shared/parity/samplers`` holds them; the model is the analytic one of :mod:`.analytic`, as it was there.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from comfy_notebook.diffusion.sampling import ksampler, sample, samplers  # noqa: E402
from comfy_notebook.diffusion.sampling.model_sampling import model_sampling  # noqa: E402

from .analytic import KINDS, AnalyticGuider, Patcher  # noqa: E402

FOLDER = Path(__file__).parents[3] / "shared" / "parity" / "samplers"
RECORDED: dict[str, Any] = {}
if (FOLDER / "samplers.npz").exists():
    RECORDED = {name.replace("|", "/"): array for name, array in np.load(FOLDER / "samplers.npz").items()}

pytestmark = [
    pytest.mark.skipif(not RECORDED, reason=f"the recorded data is not here: {FOLDER}"),
    pytest.mark.filterwarnings("ignore:Should have"),  # torchsde, of bounds that float32 moves by one digit
]

#: Scheduler and steps that each sampled kind was recorded with.
SAMPLED = {"sd15": ("karras", 8), "sd3": ("normal", 8), "sdxl_vpred_zsnr": ("simple", 6), "edm_pg25": ("karras", 6)}
INDICES = np.array([3, 0, 3])


@functools.cache
def levels(kind: str) -> Any:
    name, settings = KINDS[kind]
    return model_sampling(name, **settings)


def numbers(value: Any) -> Any:
    return value.detach().numpy() if torch.is_tensor(value) else np.asarray(value, dtype=np.float64)


def table(kind: str, what: str) -> Any:
    sampling = levels(kind)
    high, low = float(sampling.sigma_max), float(sampling.sigma_min)
    if what == "percent":
        return np.array([float(sampling.percent_to_sigma(p)) for p in (0.0, 0.1, 0.33, 0.5, 0.9, 1.0)])
    if what == "timestep":
        return numbers(sampling.timestep(torch.tensor([high, high * 0.5, high * 0.1, max(low, 1e-3)])))
    if what == "sigma_of_t":
        many = kind in ("sd15", "sd3", "sd2_vpred", "pixart", "sdxl_vpred_zsnr")
        return numbers(sampling.sigma(torch.tensor([0.0, 0.3, 1.0, 17.5, 500.0, 999.0] if many else [0.0, 0.3, 0.9])))
    if what == "sigmas":
        return numbers(sampling.sigmas)[:: max(1, len(sampling.sigmas) // 100)]
    return numbers(getattr(sampling, what))


def sigmas(kind: str, scheduler: str, steps: str) -> Any:
    return numbers(samplers.calculate_sigmas(levels(kind), scheduler, int(steps)))


def ksampler_sigmas(kind: str, sampler: str, scheduler: str, steps: str, denoise: str) -> Any:
    made = ksampler.KSampler(Patcher(levels(kind)), int(steps), "cpu", sampler, scheduler, float(denoise), {})
    return numbers(made.sigmas)


@functools.cache
def inputs() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(7)
    noise = torch.randn(2, 4, 8, 8, generator=generator)
    latent = torch.randn(2, 4, 8, 8, generator=generator) * 0.6
    mask = torch.zeros(2, 1, 8, 8)
    mask[:, :, 2:6, 1:7] = 1.0
    mask[:, :, 4, :] = 0.5
    return {"noise": noise, "latent": latent, "mask": mask}


@functools.cache
def sampled(kind: str, sampler: str, masked: bool) -> dict[str, Any]:
    """The result of a run, the sigmas at which the model was called, and the last denoised latent reported."""
    scheduler, steps = SAMPLED[kind]
    schedule = samplers.calculate_sigmas(levels(kind), scheduler, steps)
    given = inputs()
    latent = given["latent"] if masked else torch.zeros_like(given["latent"])
    guider = AnalyticGuider(levels(kind), flow=KINDS[kind][0] == "FLOW")
    last: dict[str, Any] = {}
    torch.manual_seed(1234)
    final = samplers.sampler_object(sampler).sample(
        guider,
        (schedule[3:] if masked else schedule).clone(),
        {"model_options": {}, "seed": 123},
        None if masked else lambda step, denoised, x, total: last.update(den_last=denoised.numpy()),
        given["noise"].clone(),
        latent.clone(),
        given["mask"].clone() if masked else None,
        True,
    )
    return {"final": final.numpy(), "calls": np.array(guider.calls), **last}


def noise(seed: str, picked: str = "") -> Any:
    if picked:
        return sample.prepare_noise(torch.zeros(3, 4, 4, 4), int(seed), INDICES).numpy()
    return sample.prepare_noise(torch.zeros(2, 4, 4, 4), int(seed)).numpy()


PRODUCERS: dict[str, Callable[..., Any]] = {
    "table": table,
    "sigmas": sigmas,
    "ks": ksampler_sigmas,
    "sample": lambda kind, sampler, what: sampled(kind, sampler, False)[what],
    "mask": lambda kind, sampler, what: sampled(kind, sampler, True)[what],
    "noise": noise,
    "in": lambda name: inputs()[name].numpy(),
}


def tolerance(case: str) -> float:
    """Adaptive steps, random walks and what divides by vanishing differences amplify the last digits."""
    sampler = case.split("/")[2] if case.startswith(("sample/", "mask/")) else ""
    loose = ("sde", "adaptive", "seeds", "sa_solver", "deis", "uni_pc")
    return 1e-3 if any(word in sampler for word in loose) else 1e-5


@pytest.mark.parametrize("case", sorted(RECORDED))
def test_same_as_recorded(case: str) -> None:
    subject, *rest = case.split("/")
    made = np.asarray(PRODUCERS[subject](*rest), dtype=np.float64)
    recorded = RECORDED[case].astype(np.float64)
    assert made.shape == recorded.shape
    difference = np.nan_to_num(np.abs(made - recorded) / (1e-3 + np.abs(recorded)))
    assert difference.max(initial=0.0) <= tolerance(case)


def test_names_are_those_of_the_recording() -> None:
    recorded = json.loads((FOLDER / "names.json").read_text())
    assert (recorded["samplers"], recorded["schedulers"]) == (ksampler.SAMPLER_NAMES, ksampler.SCHEDULER_NAMES)


def test_every_sampler_runs_on_every_recorded_kind() -> None:
    """Not all were recorded for us; those that were not at least give finite latents near the data."""
    for kind in SAMPLED:
        for sampler in ksampler.SAMPLER_NAMES:
            for masked in (False, True):
                final = sampled(kind, sampler, masked)["final"]
                assert np.isfinite(final).all(), (kind, sampler)
