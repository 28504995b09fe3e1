"""Whole runs of the sampling nodes, by hand and in the engine, on a model that is a formula."""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:Should have")  # torchsde, of bounds that float32 moves by one digit

from comfy_notebook import folders, nodes  # noqa: E402
from comfy_notebook.diffusion import latent_formats  # noqa: E402
from comfy_notebook.diffusion.sampling import ksampler, noise, sample, samplers  # noqa: E402
from comfy_notebook.engine import Engine, EventBus  # noqa: E402
from comfy_notebook.nodes.latent import EmptyLatentImage  # noqa: E402
from comfy_notebook.nodes.sampling import KSampler, KSamplerAdvanced, common_ksampler  # noqa: E402
from comfy_notebook.nodes.sampling_custom import AddNoise, SamplerCustom, SamplerCustomAdvanced  # noqa: E402
from comfy_notebook.protocol.registry import Registry  # noqa: E402
from comfy_notebook.protocol.v1 import definition_from_class  # noqa: E402

from .small_model import conditioning, patcher  # noqa: E402


def empty(batch: int = 1, side: int = 8, channels: int = 4) -> dict[str, Any]:
    return {"samples": torch.zeros(batch, channels, side, side)}


def ksampled(model: Any, latent: dict[str, Any], sampler: str = "euler", **more: Any) -> Any:
    settings = {"seed": 3, "steps": 8, "cfg": 2.0, "scheduler": "normal", **more}
    (made,) = common_ksampler(
        model, settings.pop("seed"), settings.pop("steps"), settings.pop("cfg"), sampler, settings.pop("scheduler"),
        conditioning(1.0), conditioning(-1.0), latent, **settings,
    )  # fmt: skip
    return made


SCALED = {"latent_format": latent_formats.LatentFormat(scale_factor=0.18215)}


#: Guidance of 2 between means 1 and -1 is the posterior mean of data N(3, 0.5²), whose equations have known solutions.
MEAN, DEVIATION = 3.0, 0.5
DETERMINISTIC = (
    *("heun", "heunpp2", "dpm_2", "lms", "dpm_fast", "dpm_adaptive", "dpmpp_2m", "ipndm", "ipndm_v", "deis"),
    *("res_multistep", "gradient_estimation", "uni_pc", "uni_pc_bh2", "euler", "ddim"),
)
STOCHASTIC = (
    *("euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_2m_sde_heun"),
    *("dpmpp_3m_sde", "ddpm", "res_multistep_ancestral", "er_sde", "seeds_2", "seeds_3", "sa_solver", "sa_solver_pece"),
)


@pytest.mark.parametrize("kind", ["EPS", "FLOW"])
@pytest.mark.parametrize("sampler", DETERMINISTIC)
def test_the_solution_of_the_probability_flow_is_met(kind: str, sampler: str) -> None:
    model = patcher(kind, **SCALED)
    made = ksampled(model, empty(4, 16), sampler, steps=60, scheduler="beta")["samples"] * 0.18215
    start = sample.prepare_noise(torch.zeros(4, 4, 16, 16), 3)
    exact = MEAN + DEVIATION * start
    if kind == "EPS":
        largest = float(model.model.model_sampling.sigma_max)
        start = start * (1 + largest**2) ** 0.5
        exact = MEAN + DEVIATION / (DEVIATION**2 + largest**2) ** 0.5 * (start - MEAN)
    first_order = ("euler", "ddim", "ipndm_v", "heunpp2", "gradient_estimation")
    assert float((made - exact).abs().max()) < (0.15 if sampler in first_order else 0.05)


@pytest.mark.parametrize(
    ("sampler", "kind"),
    [
        *((sampler, "EPS") for sampler in STOCHASTIC),
        *((sampler, "FLOW") for sampler in STOCHASTIC if sampler not in ("ddpm", "res_multistep_ancestral")),
    ],
)
def test_samples_have_the_distribution_of_the_data(sampler: str, kind: str) -> None:
    made = ksampled(patcher(kind, **SCALED), empty(8, 32), sampler, steps=60, scheduler="beta")["samples"] * 0.18215
    assert abs(float(made.mean()) - MEAN) < 0.08
    assert abs(float(made.std()) / DEVIATION - 1) < 0.08


def test_the_same_seed_gives_the_same_latent() -> None:
    one, same, other = (ksampled(patcher(), empty(), "euler_ancestral", seed=s)["samples"] for s in (7, 7, 8))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_parts_of_a_schedule_are_the_whole() -> None:
    whole = ksampled(patcher(**SCALED), empty())["samples"]
    first = ksampled(patcher(**SCALED), empty(), start_step=0, last_step=3)
    second = ksampled(patcher(**SCALED), first, disable_noise=True, start_step=3, last_step=10000)
    torch.testing.assert_close(second["samples"], whole, rtol=1e-4, atol=1e-4)
    cut = ksampled(patcher(**SCALED), empty(), start_step=0, last_step=3, force_full_denoise=True)
    assert not torch.allclose(cut["samples"], first["samples"])


def test_the_advanced_node_hands_leftover_noise_over() -> None:
    def run(latent: dict[str, Any], add: str, start: int, end: int, leftover: str) -> Any:
        return KSamplerAdvanced().sample(
            patcher(), add, 3, 8, 2.0, "euler", "normal", conditioning(1.0), conditioning(-1.0), latent, start, end,
            leftover,
        )[0]  # fmt: skip

    handed = run(run(empty(), "enable", 0, 4, "enable"), "disable", 4, 10000, "disable")
    torch.testing.assert_close(handed["samples"], ksampled(patcher(), empty())["samples"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["EPS", "FLOW"])
def test_less_denoising_keeps_more_of_the_latent(kind: str) -> None:
    start = {"samples": torch.full((1, 4, 8, 8), -5.0)}
    distances = [
        float((ksampled(patcher(kind), start, denoise=share)["samples"] + 5).abs().mean())
        for share in (0.0, 0.1, 0.4, 1.0)
    ]
    assert distances[0] == 0.0
    assert distances == sorted(distances)


def test_outside_the_mask_the_latent_stays() -> None:
    start = {"samples": torch.full((2, 4, 8, 8), -5.0)}
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 32:] = 1.0
    made = ksampled(patcher(**SCALED), {**start, "noise_mask": mask}, steps=20)
    torch.testing.assert_close(made["samples"][..., :3], start["samples"][..., :3], rtol=1e-4, atol=1e-4)
    assert float(made["samples"][..., 5:].mean()) > 5.0
    assert made["noise_mask"] is mask


def test_batches_are_the_latents_that_single_runs_give() -> None:
    """``batch_index`` gives each latent the noise of its place."""
    whole = ksampled(patcher(), empty(4))["samples"]
    third = ksampled(patcher(), {**empty(1), "batch_index": [2]})["samples"]
    torch.testing.assert_close(third[0], whole[2], rtol=1e-5, atol=1e-5)
    twins = ksampled(patcher(), {**empty(2), "batch_index": [1, 1]})["samples"]
    torch.testing.assert_close(twins[0], twins[1])
    torch.testing.assert_close(twins[0], whole[1], rtol=1e-5, atol=1e-5)


def test_empty_latents_take_the_form_of_the_model() -> None:
    video = latent_formats.LatentFormat(latent_channels=16, latent_dimensions=3)
    made = ksampled(patcher("FLOW", latent_format=video), empty())["samples"]
    assert made.shape == (1, 16, 1, 8, 8)


@pytest.mark.parametrize(("ratio", "channels", "side"), [(8, 4, 8), (1, 3, 64), (16, 128, 4)])
def test_empty_latents_take_the_size_of_the_model(ratio: int, channels: int, side: int) -> None:
    """An empty latent stands for a picture; how many latent pixels that has is the model's business."""
    pixels = latent_formats.LatentFormat(latent_channels=channels, spacial_downscale_ratio=ratio)
    (start,) = EmptyLatentImage().generate(64, 64, 2)
    made = ksampled(patcher("FLOW", latent_format=pixels), start, steps=1)
    assert made["samples"].shape == (2, channels, side, side)
    assert sorted(made) == ["samples"]


def test_custom_sampling_is_the_ksampler_in_parts() -> None:
    expected = ksampled(patcher(**SCALED), empty())["samples"]
    model = patcher(**SCALED)
    sampler = samplers.sampler_object("euler")
    sigmas = samplers.calculate_sigmas(model.model.model_sampling, "normal", 8)
    output, clean = SamplerCustom().sample(
        model, True, 3, 2.0, conditioning(1.0), conditioning(-1.0), sampler, sigmas, empty()
    )
    torch.testing.assert_close(output["samples"], expected)
    guider = samplers.CFGGuider(model)
    guider.set_conds(conditioning(1.0), conditioning(-1.0))
    guider.set_cfg(2.0)
    advanced, _ = SamplerCustomAdvanced().sample(noise.RandomNoise(3), guider, sampler, sigmas, empty())
    torch.testing.assert_close(advanced["samples"], expected)
    # The last step of Euler's method ends on the last denoised latent.
    torch.testing.assert_close(clean["samples"], expected, rtol=1e-4, atol=1e-4)
    cut, guess = SamplerCustom().sample(
        model, True, 3, 2.0, conditioning(1.0), conditioning(-1.0), sampler, sigmas[:4], empty()
    )
    assert float(cut["samples"].std()) > 2 * float(guess["samples"].std())


def test_no_steps_leave_the_latent() -> None:
    start = {"samples": torch.full((1, 4, 8, 8), -5.0)}
    output, clean = SamplerCustom().sample(
        patcher(), True, 3, 2.0, conditioning(1.0), conditioning(-1.0), samplers.sampler_object("euler"),
        torch.FloatTensor([]), start,
    )  # fmt: skip
    assert torch.equal(output["samples"], start["samples"])
    assert torch.equal(clean["samples"], start["samples"])


def test_noise_added_to_a_latent() -> None:
    start = {"samples": torch.full((1, 4, 8, 8), -5.0)}
    drawn = noise.RandomNoise(3).generate_noise(start)
    (noisy,) = AddNoise().add_noise(patcher(), noise.RandomNoise(3), torch.tensor([10.0, 4.0]), start)
    torch.testing.assert_close(noisy["samples"], drawn * 6.0 - 5.0)
    (flow,) = AddNoise().add_noise(patcher("FLOW"), noise.RandomNoise(3), torch.tensor([0.25]), start)
    torch.testing.assert_close(flow["samples"], drawn * 0.25 - 5.0 * 0.75)


@pytest.mark.parametrize("sampler", ksampler.SAMPLER_NAMES)
@pytest.mark.parametrize("steps", [1, 2])
def test_every_sampler_takes_few_steps(sampler: str, steps: int) -> None:
    for kind in ("EPS", "FLOW"):
        made = ksampled(patcher(kind), empty(), sampler, steps=steps)["samples"]
        assert bool(torch.isfinite(made).all()), kind


@pytest.mark.parametrize("scheduler", ksampler.SCHEDULER_NAMES)
@pytest.mark.parametrize("steps", [1, 2, 1500])
def test_every_scheduler_falls_to_zero(scheduler: str, steps: int) -> None:
    for kind in ("EPS", "FLOW", "FLUX", "EDM"):
        sigmas = samplers.calculate_sigmas(patcher(kind).model.model_sampling, scheduler, steps)
        assert float(sigmas[-1]) == 0.0
        assert bool((sigmas[1:] <= sigmas[:-1]).all()), kind


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no steps": ({"steps": 0}, {}, "at least 1 step"),
    "NaN": ({}, {"samples": torch.full((1, 4, 8, 8), float("nan"))}, "NaN or infinite"),
    "channels": ({}, {"samples": torch.ones(1, 16, 8, 8)}, "16 channels and the model works on 4"),
    "nothing": ({}, {"samples": torch.ones(0, 4, 8, 8)}, "empty"),
    "no tensor": ({}, {"samples": [1, 2]}, "is a tensor"),
    "no channels": ({}, {"samples": torch.ones(4)}, r"not the shape \[4\]"),
    "a sampler nobody has": ({"sampler": "eular"}, {}, "no sampler called 'eular'"),
    "a scheduler nobody has": ({"scheduler": "karas"}, {}, "no scheduler called 'karas'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    settings, latent, words = BAD[case]
    with pytest.raises((ValueError, TypeError), match=words):
        ksampled(patcher(), {**empty(), **latent}, **settings)


def test_sigmas_that_are_no_numbers() -> None:
    guider = samplers.CFGGuider(patcher())
    guider.set_conds(conditioning(1.0), conditioning(-1.0))
    latent = torch.zeros(1, 4, 8, 8)
    sampler = samplers.sampler_object("euler")
    for sigmas, words in ((torch.tensor([float("nan"), 0.0]), "no numbers"), (torch.ones(2, 2), "one row")):
        with pytest.raises(ValueError, match=words):
            guider.sample(latent, latent, sampler, sigmas)
    with pytest.raises(ValueError, match="noise has the shape"):
        guider.sample(torch.zeros(2, 4, 8, 8), latent, sampler, torch.tensor([1.0, 0.0]))


def test_a_model_that_overflows_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    model = patcher()
    model.set_model_sampler_post_cfg_function(lambda args: args["denoised"] * float("nan"))
    made = ksampled(model, empty(), steps=2)["samples"]
    assert bool(torch.isnan(made).all())
    assert "The sampled latent holds NaN" in caplog.text


# --- in the engine ---


class SmallModel:
    RETURN_TYPES = ("MODEL", "CONDITIONING")
    FUNCTION = "load"
    model: Any = None

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {}}

    def load(self) -> tuple[Any, Any]:
        return type(self).model, conditioning(1.0)


class Keep:
    RETURN_TYPES = ()
    FUNCTION = "keep"
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"latent": ("LATENT",)}}

    def keep(self, latent: Any) -> dict[str, Any]:
        return {"ui": {"shape": list(latent["samples"].shape)}}


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def engine(tmp_path: Path, bus: EventBus) -> Iterator[Engine]:
    registry = Registry()
    nodes.register_all(registry)
    for cls in (SmallModel, Keep):
        registry.register(definition_from_class(cls.__name__, cls))
    before = folders.current()
    folders.use(folders.Folders(base=tmp_path))
    SmallModel.model = patcher(latent_format=latent_formats.LatentFormat(latent_rgb_factors=((0.3, 0.2, 0.1),) * 4))
    engine = Engine(registry, bus, folders.current())
    yield engine
    engine.shutdown()
    folders.use(before)


def prompt(steps: int, side: int = 512, **changed: Any) -> dict[str, Any]:
    settings = {
        "model": ["m", 0], "seed": 1, "steps": steps, "cfg": 2.0, "sampler_name": "euler", "scheduler": "normal",
        "positive": ["m", 1], "negative": ["m", 1], "latent_image": ["e", 0], "denoise": 1.0, **changed,
    }  # fmt: skip
    return {
        "m": {"class_type": "SmallModel", "inputs": {}},
        "e": {"class_type": "EmptyLatentImage", "inputs": {"width": side, "height": side, "batch_size": 1}},
        "k": {"class_type": "KSampler", "inputs": settings},
        "o": {"class_type": "Keep", "inputs": {"latent": ["k", 0]}},
    }


def slowly(model: Any, seconds: float) -> None:
    original = model.model.apply_model

    def apply_model(*arguments: Any, **named: Any) -> Any:
        time.sleep(seconds)
        return original(*arguments, **named)

    model.model.apply_model = apply_model


def test_progress_and_previews(engine: Engine, bus: EventBus) -> None:
    slowly(SmallModel.model, 0.03)
    heard: list[tuple[float, Any]] = []
    bus.subscribe(lambda event: heard.append((time.monotonic(), event)))
    submission = engine.submit(prompt(20, side=1024), client_id="me")
    assert engine.wait(submission.prompt_id, timeout=60)["status"]["status_str"] == "success"
    previews = [(moment, event) for moment, event in heard if event.type == "b_preview_with_metadata"]
    progress = [event.data["value"] for _, event in heard if event.type == "progress" and event.data["node"] == "k"]
    assert progress == sorted(progress)
    assert progress[-1] == 20
    assert 2 <= len(previews) <= 20 * 0.03 * 10 + 12
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(previews)]
    assert sum(gap < 0.05 for gap in gaps) <= 1, "at most ten a second, and the last one"
    for _, event in previews:
        assert event.data["node_id"] == "k"
        (content,) = event.buffers
        assert len(content) <= 60_000
        assert Image.open(io.BytesIO(content)).size == (128, 128)


def test_cancel_ends_within_a_step(engine: Engine) -> None:
    slowly(SmallModel.model, 0.05)
    submission = engine.submit(prompt(200))
    started = threading.Event()
    while not SmallModel.model.model.calls and not started.wait(0.01):
        pass
    calls = len(SmallModel.model.model.calls)
    engine.interrupt()
    begun = time.monotonic()
    entry = engine.wait(submission.prompt_id, timeout=60)
    assert time.monotonic() - begun < 2.0
    assert len(SmallModel.model.model.calls) <= calls + 2
    assert any(kind == "execution_interrupted" for kind, _ in entry["status"]["messages"])


def test_bad_input_is_said_on_the_node(engine: Engine) -> None:
    wrong = prompt(4)
    wrong["e"] = {"class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    wrong["b"] = {"class_type": "LatentAdd", "inputs": {"samples1": ["e", 0], "samples2": ["e", 0]}}
    wrong["r"] = {"class_type": "AddOne", "inputs": {"latent": ["b", 0]}}

    class AddOne:
        RETURN_TYPES = ("LATENT",)
        FUNCTION = "add"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"latent": ("LATENT",)}}

        def add(self, latent: Any) -> Any:
            return ({"samples": latent["samples"] + 1},)

    engine.registry.register(definition_from_class("AddOne", AddOne))
    wrong["k"]["inputs"]["latent_image"] = ["r", 0]
    submission = engine.submit(wrong)
    entry = engine.wait(submission.prompt_id, timeout=60)
    (error,) = [data for kind, data in entry["status"]["messages"] if kind == "execution_error"]
    assert error["node_id"] == "k"
    assert "16 channels and the model works on 4" in error["exception_message"]


def test_no_steps_are_refused_before_the_run(engine: Engine) -> None:
    from comfy_notebook.engine import PromptRejected

    with pytest.raises(PromptRejected) as refused:
        engine.submit(prompt(0))
    assert refused.value.node_errors["k"]["errors"][0]["type"] == "value_smaller_than_min"


def test_prepare_noise_is_what_the_node_uses() -> None:
    """A run with one sigma of the whole is the noise itself."""
    drawn = sample.prepare_noise(torch.zeros(2, 4, 8, 8), 2**64 - 1)
    assert torch.equal(drawn, torch.randn(2, 4, 8, 8, generator=torch.manual_seed(2**64 - 1)))
    assert KSampler.INPUT_TYPES()["required"]["seed"][1]["max"] == 2**64 - 1
