"""Nodes that combine conditionings and tell a model more than the text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from comfy_notebook.diffusion import latent_formats  # noqa: E402
from comfy_notebook.nodes import conditioning_area as area  # noqa: E402
from comfy_notebook.nodes import conditioning_math as maths  # noqa: E402
from comfy_notebook.nodes import inpaint_conditioning, model_sampling, sigmas  # noqa: E402

from .small_model import conditioning, patcher  # noqa: E402


def test_combined() -> None:
    (both,) = maths.ConditioningCombine().combine(conditioning(1.0), conditioning(2.0))
    assert [float(tensor.mean()) for tensor, _ in both] == [1.0, 2.0]


@pytest.mark.parametrize("tokens", [7, 3, 9])
def test_averaged_token_by_token(tokens: int) -> None:
    """A shorter second prompt counts as zeros, a longer one is cut."""
    (mixed,) = maths.ConditioningAverage().addWeighted(conditioning(-1.0), conditioning(6.0, tokens), 0.25)
    expected = [0.25 * -1.0 + 0.75 * (6.0 if index < tokens else 0.0) for index in range(7)]
    torch.testing.assert_close(mixed[0][0][0, :, 0], torch.tensor(expected))


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(1.0, 5.0, 2.0), (None, 5.0, 5.0), (1.0, None, 1.0), (None, None, None)]
)
def test_averaged_pooled_outputs(first: float | None, second: float | None, expected: float | None) -> None:
    def pooled(value: float | None) -> Any:
        return conditioning(0.0, **({} if value is None else {"pooled_output": torch.full((1, 3), value)}))

    (mixed,) = maths.ConditioningAverage().addWeighted(pooled(first), pooled(second), 0.75)
    found = mixed[0][1].get("pooled_output")
    assert (None if found is None else float(found.mean())) == expected


def test_one_prompt_after_the_other() -> None:
    first = [*conditioning(1.0), *conditioning(3.0)]
    (joined,) = maths.ConditioningConcat().concat(first, conditioning(2.0, 4))
    assert [tensor.shape[1] for tensor, _ in joined] == [11, 11]
    assert joined[1][0][0, :, 0].tolist() == [3.0] * 7 + [2.0] * 4
    with pytest.raises(ValueError, match="second conditioning is empty"):
        maths.ConditioningConcat().concat(first, [])


def test_zeroed() -> None:
    (zero,) = maths.ConditioningZeroOut().zero_out(conditioning(1.0, pooled_output=torch.ones(1, 3), guidance=3.5))
    assert float(zero[0][0].abs().sum() + zero[0][1]["pooled_output"].abs().sum()) == 0.0
    assert zero[0][1]["guidance"] == 3.5


def test_values_are_set_on_a_copy() -> None:
    original = conditioning(1.0, strength=2.0)
    (limited,) = area.ConditioningSetArea().append(original, 128, 64, 32, 16, 0.5)
    (timed,) = area.ConditioningSetTimestepRange().set_range(limited, 0.2, 0.7)
    (guided,) = maths.FluxGuidance().append(timed, 2.5)
    assert guided[0][1] == {
        "strength": 0.5,
        "area": (8, 16, 2, 4),
        "set_area_to_bounds": False,
        "start_percent": 0.2,
        "end_percent": 0.7,
        "guidance": 2.5,
    }
    assert original[0][1] == {"strength": 2.0}


def test_reference_pictures_are_collected() -> None:
    latents = [{"samples": torch.full((1, 4, 2, 2), float(value))} for value in (1, 2)]
    held = conditioning(0.0)
    for latent in latents:
        (held,) = maths.ReferenceLatent().append(held, latent)
    assert [float(latent.mean()) for latent in held[0][1]["reference_latents"]] == [1.0, 2.0]
    assert maths.ReferenceLatent().append(held)[0] is held
    (method,) = maths.FluxKontextMultiReferenceLatentMethod().append(held, "uxo/uno")
    assert method[0][1]["reference_latents_method"] == "uxo"


@pytest.mark.parametrize("sides", [(64, 96), (70, 100)])
@pytest.mark.parametrize("noise_mask", [True, False])
def test_a_picture_with_a_hole(sides: tuple[int, int], noise_mask: bool) -> None:
    seen: list[Any] = []

    def encode(pixels: Any) -> Any:
        seen.append(pixels)
        return torch.zeros(1, 4, pixels.shape[1] // 8, pixels.shape[2] // 8)

    pixels = torch.full((1, *sides, 3), 0.9)
    mask = torch.zeros(1, 64, 96)
    mask[:, :, 48:] = 1.0
    positive, negative, latent = inpaint_conditioning.InpaintModelConditioning().encode(
        conditioning(1.0), conditioning(0.0), SimpleNamespace(encode=encode), pixels, mask, noise_mask
    )
    holed = seen[0]
    assert holed.shape[1] % 8 == holed.shape[2] % 8 == 0
    assert float(holed[:, :, :40].mean()) == pytest.approx(0.9)
    assert float(holed[:, :, 56:].mean()) == pytest.approx(0.5)
    for made in (positive, negative):
        assert made[0][1]["concat_mask"].shape[-2:] == holed.shape[1:3]
        assert made[0][1]["concat_latent_image"].shape == latent["samples"].shape
    assert ("noise_mask" in latent) == noise_mask
    assert float(pixels.min()) == pytest.approx(0.9), "the picture itself stays"


SD1 = {"latent_format": latent_formats.LatentFormat(scale_factor=0.13025)}
PATCHES: dict[str, tuple[tuple[Any, ...], float, float]] = {
    # node: (settings, sigma at half of sampling, the largest timestep)
    "ModelSamplingSD3": ((3.0,), 0.75, 1000.0),
    "ModelSamplingAuraFlow": ((3.0,), 0.75, 1.0),
    "ModelSamplingFlux": ((1.15, 0.5, 1024, 1024), 0.759511, 1.0),
    "ModelSamplingLTXV": ((1.15, 0.95), 0.759511, 1.0),
    "ModelSamplingDiscrete": (("v_prediction", False), 1.615580, 999.0),
    "ModelSamplingContinuousEDM": (("edm", 80.0, 0.002), 0.4, 1.095507),
    "ModelSamplingContinuousV": (("v_prediction", 500.0, 0.03), 3.872984, 0.998727),
    "ModelSamplingStableCascade": ((2.0,), 2.024779, 0.993583),
}


@pytest.mark.parametrize("node", PATCHES)
def test_another_schedule_for_one_clone(node: str) -> None:
    """The numbers are those of the recorded tables of the same schedules."""
    settings, half, largest = PATCHES[node]
    cls, _ = model_sampling.NODES[node]
    model = patcher(**SD1)
    before = model.get_model_object("model_sampling")
    (changed,) = getattr(cls(), cls.FUNCTION)(model, *settings)
    sampling = changed.get_model_object("model_sampling")
    assert float(sampling.percent_to_sigma(0.5)) == pytest.approx(half, rel=1e-4)
    assert float(sampling.timestep(sampling.sigma_max)) == pytest.approx(largest, rel=1e-4)
    assert model.get_model_object("model_sampling") is before


def test_latent_consistency_models_see_fifty_levels() -> None:
    (changed,) = model_sampling.ModelSamplingDiscrete().patch(patcher(), "lcm", False)
    sampling = changed.get_model_object("model_sampling")
    assert len(sampling.sigmas) == 50
    times = sampling.timestep(sampling.sigmas)
    assert times.tolist() == [19 + 20 * index for index in range(50)]
    torch.testing.assert_close(sampling.sigma(times.float()), sampling.sigmas)


def test_playground_brings_its_own_scale() -> None:
    (changed,) = model_sampling.ModelSamplingContinuousEDM().patch(patcher(**SD1), "edm_playground_v2.5", 80.0, 0.002)
    latent_format = changed.get_model_object("latent_format")
    latent = torch.randn(1, 4, 2, 2)
    torch.testing.assert_close(latent_format.process_out(latent_format.process_in(latent)), latent)
    assert changed.get_model_object("model_sampling").sigma_data == 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1, 0.5", [1.0, 0.5]), ("[14.6;1e-1 .5]", [14.6, 0.1, 0.5]), ("a -2 b", [-2.0])],
)
def test_sigmas_written_by_hand(text: str, expected: list[float]) -> None:
    (made,) = sigmas.ManualSigmas().get_sigmas(text)
    torch.testing.assert_close(made, torch.tensor(expected))


def test_sigmas_need_numbers() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        sigmas.ManualSigmas().get_sigmas("none")


def test_sigmas_at_the_ends() -> None:
    node = sigmas.SamplingPercentToSigma()
    assert node.get_sigma(patcher(), 0.0, False)[0] > 1e8
    assert node.get_sigma(patcher(), 0.0, True)[0] == pytest.approx(14.614642, rel=1e-6)
    assert node.get_sigma(patcher(), 1.0, True)[0] == pytest.approx(0.029167, rel=1e-4)
    (flipped,) = sigmas.FlipSigmas().get_sigmas(torch.tensor([3.0, 1.0, 0.0]))
    torch.testing.assert_close(flipped, torch.tensor([0.0001, 1.0, 3.0]))
