"""Guidance, windows of conditionings, batching and the functions around them, on a model that is a formula."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from comfy_notebook.diffusion.sampling import guiders, samplers, wrappers  # noqa: E402

from .analytic import posterior_mean  # noqa: E402
from .small_model import conditioning, patcher  # noqa: E402

SIGMA = 2.0
GENERATOR = torch.Generator().manual_seed(5)
X = torch.randn(2, 4, 16, 24, generator=GENERATOR)


class Once(samplers.Sampler):
    """Asks the guider once, for :data:`X` at one sigma."""

    def __init__(self, sigma: float = SIGMA, x: Any = X) -> None:
        self.sigma, self.x = sigma, x

    def sample(self, model_wrap: Any, sigmas: Any, extra_args: dict[str, Any], *rest: Any) -> Any:
        sigma = torch.full((self.x.shape[0],), self.sigma)
        return model_wrap(self.x, sigma, model_options=extra_args["model_options"], seed=extra_args["seed"])


def asked(guider: Any, sigma: float = SIGMA, x: Any = X) -> Any:
    """The denoised latent that ``guider`` answers for ``x``."""
    return guider.sample(torch.zeros_like(x), torch.zeros_like(x), Once(sigma, x), torch.tensor([sigma, 0.0]), seed=1)


def guided(model: Any, positive: Any, negative: Any, cfg: float = 3.0, sigma: float = SIGMA, x: Any = X) -> Any:
    guider = samplers.CFGGuider(model)
    guider.set_conds(positive, negative)
    guider.set_cfg(cfg)
    return asked(guider, sigma, x)


def denoised(mean: float, sigma: float = SIGMA, x: Any = X) -> Any:
    """What the model answers for a conditioning alone."""
    return posterior_mean(x, torch.tensor(sigma), torch.tensor(mean), 0.5, flow=False)


def test_scale() -> None:
    expected = denoised(-1.0) + 3.0 * (denoised(2.0) - denoised(-1.0))
    torch.testing.assert_close(guided(patcher(), conditioning(2.0), conditioning(-1.0)), expected)


def test_scale_one_leaves_the_negative_out() -> None:
    model = patcher()
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(-1.0), cfg=1.0), denoised(2.0))
    assert [call[0].shape[0] for call in model.model.calls] == [2]


def test_positive_and_negative_share_a_call() -> None:
    model = patcher()
    guided(model, conditioning(2.0), conditioning(-1.0))
    ((x, sigma, given),) = model.model.calls
    assert x.shape == (4, 4, 16, 24)
    assert sigma.tolist() == [SIGMA] * 4
    assert given["transformer_options"]["cond_or_uncond"] == [1, 0]
    assert given["transformer_options"]["sigmas"].tolist() == [SIGMA] * 2


def test_without_memory_each_has_a_call_of_its_own() -> None:
    model = patcher()
    model.model.memory = 1e30
    expected = denoised(-1.0) + 3.0 * (denoised(2.0) - denoised(-1.0))
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(-1.0)), expected)
    assert [call[0].shape[0] for call in model.model.calls] == [2, 2]


def test_a_full_device_is_asked_again_in_smaller_calls() -> None:
    model = patcher()
    original = model.model.apply_model

    def small_device(x: Any, *rest: Any, **more: Any) -> Any:
        if x.shape[0] > 2:
            raise RuntimeError("CUDA out of memory")
        return original(x, *rest, **more)

    model.model.apply_model = small_device
    expected = denoised(-1.0) + 3.0 * (denoised(2.0) - denoised(-1.0))
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(-1.0)), expected)


@pytest.mark.parametrize(("tokens", "calls", "length"), [((77, 154), 1, 154), ((4, 6), 1, 12), ((7, 100), 2, 0)])
def test_prompts_of_different_length_share_a_call_by_repetition(tokens: Any, calls: int, length: int) -> None:
    model = patcher()
    made = guided(model, conditioning(2.0, tokens[0]), conditioning(-1.0, tokens[1]))
    torch.testing.assert_close(made, denoised(-1.0) + 3.0 * (denoised(2.0) - denoised(-1.0)))
    assert len(model.model.calls) == calls
    if length:
        assert model.model.calls[0][2]["c_crossattn"].shape[1] == length


# --- windows ---


def test_two_prompts_are_averaged_by_strength() -> None:
    both = [*conditioning(2.0, strength=3.0), *conditioning(-2.0, strength=1.0)]
    expected = (3 * denoised(2.0) + denoised(-2.0)) / 4
    torch.testing.assert_close(guided(patcher(), both, conditioning(0.0), cfg=1.0), expected)


@pytest.mark.parametrize(("width", "feather"), [(12, 3), (32, 8), (40, 8), (3, 0)])
def test_an_area_is_seen_alone_and_feathered_inside(width: int, feather: int) -> None:
    model = patcher()
    x = torch.randn(1, 4, 8, 48, generator=torch.Generator().manual_seed(2))
    part = conditioning(4.0, area=(8, width, 0, 48 - width), strength=1.0)
    made = guided(model, [*conditioning(0.0), *part], conditioning(0.0), cfg=1.0, x=x)
    assert sorted(call[0].shape[-1] for call in model.model.calls) == [width, 48]
    weight = torch.zeros(48)
    weight[-width:] = 1.0
    if feather:
        weight[48 - width : 48 - width + feather] = torch.arange(1, feather + 1) / feather
    expected = (denoised(0.0, x=x) + weight * denoised(4.0, x=x)) / (1 + weight)
    torch.testing.assert_close(made, expected)


def test_an_area_gets_an_opposite_of_its_own() -> None:
    model = patcher()
    part = conditioning(4.0, area=(8, 8, 4, 4), strength=1.0)
    made = guided(model, [*conditioning(0.0), *part], conditioning(-1.0), cfg=2.0)
    negative_windows = [
        window for window, _, given in model.model.calls if 1 in given["transformer_options"]["cond_or_uncond"]
    ]
    assert {tuple(window.shape[-2:]) for window in negative_windows} == {(16, 24), (8, 8)}
    torch.testing.assert_close(made[..., :4, :], (2 * denoised(0.0) - denoised(-1.0))[..., :4, :])


@pytest.mark.parametrize(
    ("area", "pixels"),
    [
        (("percentage", 0.5, 0.25, 0.5, 0.75), (8, 6, 8, 18)),
        (("percentage", 1.0, 1.0, 0.0, 0.0), (16, 24, 0, 0)),
        (("percentage", 0.0, 0.0, 0.0, 0.0), (1, 1, 0, 0)),
        (("percentage", 1.0, 1.0, 0.5, 0.5), (16, 24, 8, 12)),
    ],
)
def test_areas_in_percent(area: Any, pixels: Any) -> None:
    conds: list[dict[str, Any]] = [{"area": area}]
    samplers.resolve_areas_and_cond_masks_multidim(conds, (16, 24), "cpu")
    assert conds[0]["area"] == pixels
    window = samplers.get_area_and_mult({**conds[0], "model_conds": {}}, X, torch.ones(2))
    assert window.input_x.shape[2] <= 16
    assert window.input_x.shape[3] <= 24


NUMBERS = st.integers(-40, 80)


@given(area=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), strength=st.floats(0, 10))
@settings(max_examples=60, deadline=None)
def test_any_area_is_sampled(area: Any, strength: float) -> None:
    both = [*conditioning(0.0), *conditioning(4.0, area=area, strength=strength)]
    made = guided(patcher(), both, conditioning(-1.0), cfg=2.0)
    assert bool(torch.isfinite(made).all())


def test_an_area_of_a_picture_holds_in_all_frames_of_a_video() -> None:
    video = torch.zeros(1, 4, 5, 16, 24)
    conds: list[dict[str, Any]] = [{"area": ("percentage", 0.5, 0.5, 0.0, 0.0)}]
    samplers.resolve_areas_and_cond_masks_multidim(conds, video.shape[2:], "cpu")
    assert conds[0]["area"] == (5, 8, 12, 0, 0, 0)
    window = samplers.get_area_and_mult({"area": (8, 12, 0, 0), "model_conds": {}}, video, torch.ones(1))
    assert window.input_x.shape == (1, 4, 5, 8, 12)


def test_masks_weigh_pixel_by_pixel() -> None:
    mask = torch.zeros(1, 16, 24)
    mask[:, :, 12:] = 1.0
    both = [*conditioning(0.0), *conditioning(4.0, mask=mask, mask_strength=2.0)]
    made = guided(patcher(), both, conditioning(0.0), cfg=1.0)
    weight = 2.0 * mask
    torch.testing.assert_close(made, (denoised(0.0) + weight * denoised(4.0)) / (1 + weight))


@pytest.mark.parametrize("shape", [(32, 48), (1, 32, 48), (3, 64, 96)])
def test_masks_of_pictures_are_scaled(shape: Any) -> None:
    conds: list[dict[str, Any]] = [{"mask": torch.ones(shape)}]
    samplers.resolve_areas_and_cond_masks_multidim(conds, (16, 24), "cpu")
    assert conds[0]["mask"].shape[-2:] == (16, 24)


def test_the_bounds_of_a_mask() -> None:
    mask = torch.zeros(1, 16, 24)
    mask[:, 3:13, 5:7] = 1.0
    conds: list[dict[str, Any]] = [{"mask": mask, "set_area_to_bounds": True}, {"mask": mask * 0}]
    conds[1]["set_area_to_bounds"] = True
    samplers.resolve_areas_and_cond_masks_multidim(conds, (16, 24), "cpu")
    assert [cond["area"] for cond in conds] == [(10, 8, 3, 5), (8, 8, 0, 0)]


@pytest.mark.parametrize(("sigma", "mean"), [(14.0, 2.0), (0.5, -2.0)])
def test_prompts_hold_in_their_part_of_sampling(sigma: float, mean: float) -> None:
    model = patcher()
    early = conditioning(2.0, start_percent=0.0, end_percent=0.5)
    late = conditioning(-2.0, start_percent=0.5, end_percent=1.0)
    made = guided(model, [*early, *late], conditioning(0.0), cfg=1.0, sigma=sigma)
    torch.testing.assert_close(made, denoised(mean, sigma))


def test_where_no_prompt_holds_the_answer_is_zero() -> None:
    never = conditioning(2.0, start_percent=0.9, end_percent=1.0)
    made = guided(patcher(), never, conditioning(0.0), cfg=1.0, sigma=10.0)
    assert float(made.abs().max()) == 0.0


# --- functions around guidance ---


def test_functions_before_and_after_guidance() -> None:
    model = patcher()
    seen: dict[str, Any] = {}

    def before(args: dict[str, Any]) -> list[Any]:
        seen["before"] = sorted(args)
        return [args["conds_out"][0] + 1, args["conds_out"][1]]

    def after(args: dict[str, Any]) -> Any:
        seen["after"] = sorted(args)
        return args["denoised"] * 2

    model.set_model_sampler_pre_cfg_function(before)
    model.set_model_sampler_post_cfg_function(after)
    cond, uncond = denoised(2.0) + 1, denoised(-1.0)
    torch.testing.assert_close(
        guided(model, conditioning(2.0), conditioning(-1.0)), 2 * (uncond + 3.0 * (cond - uncond))
    )
    both = ["cond_scale", "input", "model", "model_options", "sigma"]
    assert seen["before"] == sorted([*both, "conds", "conds_out", "timestep"])
    assert seen["after"] == sorted([*both, "cond", "cond_denoised", "denoised", "uncond", "uncond_denoised"])


def test_guidance_replaced() -> None:
    model = patcher()
    model.set_model_sampler_cfg_function(lambda args: args["cond"] * 0.5, disable_cfg1_optimization=True)
    made = guided(model, conditioning(2.0), conditioning(-1.0), cfg=1.0)
    torch.testing.assert_close(made, X - 0.5 * (X - denoised(2.0)))
    assert model.model.calls[0][0].shape[0] == 4, "the negative prompt runs where asked for"


def test_all_conditionings_calculated_elsewhere() -> None:
    model = patcher()
    model.set_model_sampler_calc_cond_batch_function(lambda args: [args["input"] * 3, args["input"]])
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(-1.0), cfg=2.0), X * 5)


def test_calls_of_the_network_wrapped() -> None:
    model = patcher()

    def wrapper(apply_model: Callable[..., Any], args: dict[str, Any]) -> Any:
        assert sorted(args) == ["c", "cond_or_uncond", "input", "timestep"]
        return apply_model(args["input"], args["timestep"], **args["c"]) + 1

    model.set_model_unet_function_wrapper(wrapper)
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(0.0), cfg=1.0), denoised(2.0) + 1)


def test_wrappers_of_every_step() -> None:
    model = patcher()
    order: list[str] = []

    def around(name: str) -> Callable[..., Any]:
        def wrapper(executor: Any, *arguments: Any, **named: Any) -> Any:
            order.append(name)
            return executor(*arguments, **named)

        return wrapper

    kinds = ("OUTER_SAMPLE", "PREPARE_SAMPLING", "SAMPLER_SAMPLE", "PREDICT_NOISE", "CALC_COND_BATCH", "APPLY_MODEL")
    for kind in kinds:
        model.add_wrapper_with_key(getattr(wrappers.WrappersMP, kind), "pack", around(kind))
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(0.0), cfg=1.0), denoised(2.0))
    assert order == list(kinds)


class Control:
    """Answers a hint that the model adds to its mean."""

    def __init__(self, hint: float) -> None:
        self.hint = hint
        self.log: list[Any] = []

    def pre_run(self, model: Any, percent_to_timestep: Callable[[float], float]) -> None:
        self.log.append(("pre_run", percent_to_timestep(1.0)))

    def get_models(self) -> list[Any]:
        return []

    def inference_memory_requirements(self, dtype: Any) -> float:
        return 0.0

    def get_control(self, x: Any, t: Any, cond: Any, batched_number: int, transformer_options: Any) -> float:
        self.log.append(("get_control", x.shape[0], batched_number))
        return self.hint

    def cleanup(self) -> None:
        self.log.append(("cleanup",))


@pytest.mark.parametrize("to_uncond", [True, False])
def test_control_nets(to_uncond: bool) -> None:
    control = Control(1.5)
    model = patcher()
    positive = conditioning(2.0, control=control, control_apply_to_uncond=to_uncond)
    made = guided(model, positive, conditioning(-1.0))
    uncond = denoised(0.5) if to_uncond else denoised(-1.0)
    torch.testing.assert_close(made, uncond + 3.0 * (denoised(3.5) - uncond))
    calls = [("get_control", 4, 2)] if to_uncond else [("get_control", 2, 1)]
    assert control.log == [("pre_run", 0.0), *calls, ("cleanup",)]


# --- guiders ---


def test_a_single_prompt() -> None:
    guider = guiders.BasicGuider(patcher())
    guider.set_conds(conditioning(2.0))
    torch.testing.assert_close(asked(guider), denoised(2.0))


@pytest.mark.parametrize("nested", [True, False])
def test_two_scales(nested: bool) -> None:
    guider = guiders.DualCFGGuider(patcher())
    guider.set_conds(conditioning(3.0), conditioning(1.0), conditioning(-1.0))
    guider.set_cfg(2.0, 5.0, nested)
    first, second, negative = denoised(3.0), denoised(1.0), denoised(-1.0)
    if nested:
        expected = negative + 5.0 * (second + 2.0 * (first - second) - negative)
    else:
        expected = negative + 5.0 * (second - negative) + 2.0 * (first - second)
    torch.testing.assert_close(asked(guider), expected)


@pytest.mark.parametrize(("scales", "called"), [((2.0, 1.0), 4), ((1.0, 1.0), 2), ((2.0, 3.0), 6)])
def test_scales_of_one_run_less(scales: Any, called: int) -> None:
    model = patcher()
    guider = guiders.DualCFGGuider(model)
    guider.set_conds(conditioning(3.0), conditioning(1.0), conditioning(-1.0))
    guider.set_cfg(*scales)
    first, second, negative = denoised(3.0), denoised(1.0), denoised(-1.0)
    expected = negative + scales[1] * (second - negative) + scales[0] * (first - second)
    torch.testing.assert_close(asked(guider), expected)
    assert sum(call[0].shape[0] for call in model.model.calls) == called


def test_perpendicular_negative_prompt() -> None:
    positive, negative = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 2.0]])
    empty = torch.zeros(1, 2)
    made = guiders.perp_neg(positive, negative, empty, neg_scale=1.0, cond_scale=3.0)
    torch.testing.assert_close(made, torch.tensor([[3.0, -6.0]]))
    guider = guiders.PerpNegGuider(patcher())
    guider.set_conds(conditioning(3.0), conditioning(1.0), conditioning(0.0))
    guider.set_cfg(4.0, 1.0)
    # Means pull in one direction: nothing of the negative prompt is perpendicular.
    expected = denoised(0.0) + 4.0 * (denoised(3.0) - denoised(0.0))
    torch.testing.assert_close(asked(guider), expected, rtol=1e-4, atol=1e-4)


def test_a_subclass_replaces_the_prediction() -> None:
    class Doubling(samplers.CFGGuider):
        def predict_noise(self, x: Any, timestep: Any, model_options: Any = None, seed: Any = None) -> Any:
            return 2 * super().predict_noise(x, timestep, model_options, seed)

    guider = Doubling(patcher())
    guider.set_conds(conditioning(2.0), conditioning(0.0))
    torch.testing.assert_close(asked(guider), 2 * denoised(2.0))


def test_a_guider_can_be_used_again_and_keeps_nothing() -> None:
    model = patcher()
    guider = samplers.CFGGuider(model)
    guider.set_conds(conditioning(2.0), conditioning(-1.0))
    guider.set_cfg(3.0)
    first = asked(guider)
    assert not hasattr(guider, "inner_model")
    assert not hasattr(guider, "conds")
    torch.testing.assert_close(asked(guider), first)
    assert guider.model_options is model.model_options


@pytest.mark.parametrize("wrong", [None, "a prompt", [torch.zeros(1, 2, 3)], [[torch.zeros(1, 2, 3)]], [["a", "b"]]])
def test_what_is_no_conditioning_is_named(wrong: Any) -> None:
    guider = samplers.CFGGuider(patcher())
    with pytest.raises(TypeError, match="'positive' is no CONDITIONING"):
        guider.set_conds(wrong, conditioning(0.0))


# --- nodes that change guidance ---


def patched(node: str, module: str, *arguments: Any, **named: Any) -> Any:
    """The MODEL that a node makes of a small one."""
    import importlib

    cls, _ = importlib.import_module(f"comfy_notebook.nodes.{module}").NODES[node]
    (model,) = getattr(cls(), cls.FUNCTION)(patcher(), *arguments, **named)
    return model


def test_rescaled_guidance_has_the_deviation_of_the_positive_velocity() -> None:
    generator = torch.Generator().manual_seed(3)
    x, cond, uncond = (torch.randn(2, 4, 8, 8, generator=generator) for _ in range(3))
    sigma = torch.tensor([2.0, 5.0])
    model = patched("RescaleCFG", "guidance", 1.0)
    out = samplers.cfg_function(None, cond, uncond, 7.0, x, sigma, model.model_options)

    def velocity(denoised_latent: Any) -> Any:
        s = sigma.reshape(-1, 1, 1, 1)
        return (x / (s**2 + 1) - denoised_latent) * (s**2 + 1).sqrt() / s

    torch.testing.assert_close(
        velocity(out).std(dim=(1, 2, 3)), velocity(cond).std(dim=(1, 2, 3)), rtol=1e-4, atol=1e-5
    )
    off = patched("RescaleCFG", "guidance", 0.0)
    plain = samplers.cfg_function(None, cond, uncond, 7.0, x, sigma, off.model_options)
    torch.testing.assert_close(plain, uncond + 7.0 * (cond - uncond), rtol=1e-4, atol=1e-4)


def test_normed_guidance_is_never_longer_than_the_positive_answer() -> None:
    model = patched("CFGNorm", "guidance", 1.0)
    made = guided(model, conditioning(2.0), conditioning(-1.0), cfg=8.0)
    assert bool((made.norm(dim=1) <= denoised(2.0).norm(dim=1) * 1.0001).all())


def test_cfg_zero_star_with_equal_answers_changes_nothing() -> None:
    model = patched("CFGZeroStar", "guidance")
    torch.testing.assert_close(guided(model, conditioning(2.0), conditioning(2.0)), denoised(2.0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("sigma", "cfg"), [(14.0, 1.0), (0.1, 5.0)])
def test_another_scale_for_a_part_of_sampling(sigma: float, cfg: float) -> None:
    model = patched("CFGOverride", "guidance", 1.0, 0.0, 0.5)
    made = guided(model, conditioning(2.0), conditioning(-1.0), cfg=5.0, sigma=sigma)
    uncond = denoised(-1.0, sigma)
    torch.testing.assert_close(made, uncond + cfg * (denoised(2.0, sigma) - uncond))


def test_grey_masks_open_as_sampling_goes_on() -> None:
    from comfy_notebook.diffusion.sampling import rescaling

    model = patcher()
    inner = SimpleNamespace(inner_model=model.model)
    mask = torch.tensor([0.2, 0.5, 1.0]).reshape(1, 1, 1, 3)
    sigmas = samplers.calculate_sigmas(model.model.model_sampling, "normal", 10)
    opened = [
        rescaling.differential_mask(sigma.reshape(1), mask, {"model": inner, "sigmas": sigmas}).flatten().tolist()
        for sigma in sigmas[:-1]
    ]
    assert opened[0] == [0.0, 0.0, 1.0]
    assert opened[-1] == [1.0, 1.0, 1.0]
    assert [sum(step) for step in opened] == sorted(sum(step) for step in opened)
