"""Options of the latent and sigma nodes that no recorded case has, against numpy by their definitions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from comfy_notebook.diffusion.sampling import optimised  # noqa: E402
from comfy_notebook.diffusion.sampling.model_sampling import model_sampling  # noqa: E402
from comfy_notebook.nodes import (  # noqa: E402
    latent,
    latent_batch,
    latent_composite,
    latent_math,
    schedulers,
    schedulers_for_models,
    sigmas,
)

Array = np.ndarray[Any, Any]


def noise(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def latent_of(array: Array, **more: Any) -> dict[str, Any]:
    return {"samples": torch.from_numpy(np.array(array)), **more}


def assert_same(found: Any, expected: Array, tolerance: float = 1e-6) -> None:
    found = found["samples"] if isinstance(found, dict) else found
    assert tuple(found.shape) == expected.shape
    assert np.abs(found.numpy() - expected).max(initial=0.0) <= tolerance


FIRST, SECOND = noise(1, 2, 4, 9, 12), noise(2, 2, 4, 9, 12)


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.8])
def test_interpolation_of_directions_and_lengths(ratio: float) -> None:
    (found,) = latent_math.LatentInterpolate().op(latent_of(FIRST), latent_of(SECOND), ratio=ratio)
    lengths = [np.linalg.norm(array, axis=1, keepdims=True) for array in (FIRST, SECOND)]
    mixed = ratio * FIRST / lengths[0] + (1 - ratio) * SECOND / lengths[1]
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    assert_same(found, mixed * (ratio * lengths[0] + (1 - ratio) * lengths[1]), 2e-6)


def test_arithmetic() -> None:
    assert_same(latent_math.LatentMultiply().op(latent_of(FIRST), -1.5)[0], FIRST * np.float32(-1.5))
    assert_same(latent_math.LatentAdd().op(latent_of(FIRST), latent_of(SECOND[:1]))[0], FIRST + SECOND[:1])
    assert_same(latent_math.LatentSubtract().op(latent_of(FIRST), latent_of(SECOND))[0], FIRST - SECOND)
    blended = latent_composite.LatentBlend().blend(latent_of(FIRST), latent_of(SECOND), 0.3)[0]
    assert_same(blended, np.float32(0.3) * FIRST + np.float32(0.7) * SECOND)


@pytest.mark.parametrize(
    ("rotation", "turns"), [("none", 0), ("90 degrees", -1), ("180 degrees", 2), ("270 degrees", 1)]
)
def test_rotation_is_clockwise(rotation: str, turns: int) -> None:
    assert_same(latent.LatentRotate().rotate(latent_of(FIRST), rotation)[0], np.rot90(FIRST, turns, (2, 3)))


CUTS = [("x", 3, 5), ("y", 2, 100), ("x", -4, 2), ("y", 0, 1), ("x", 50, 3)]


@pytest.mark.parametrize(("dim", "index", "amount"), CUTS)
def test_cuts_begin_inside(dim: str, index: int, amount: int) -> None:
    axis = {"y": 2, "x": 3}[dim]
    size = FIRST.shape[axis]
    start = min(index, size - 1) if index >= 0 else max(index, -size) % size
    kept = np.take(FIRST, range(start, min(start + amount, size)), axis)
    assert_same(latent_math.LatentCut().op(latent_of(FIRST), dim, index, amount)[0], kept)


@pytest.mark.parametrize(("x", "y", "feather"), [(16, 8, 0), (16, 8, 16), (0, 0, 24), (64, 40, 8)])
def test_pasted_with_a_fade(x: int, y: int, feather: int) -> None:
    source = SECOND[:, :, :6, :7]
    node = latent_composite.LatentComposite()
    (found,) = node.composite(latent_of(FIRST), latent_of(source), x, y, feather=feather)
    left, top, steps = x // 8, y // 8, feather // 8
    part = source[:, :, : 9 - top, : 12 - left]
    height, width = part.shape[2:]
    share = np.ones((height, width), np.float32)
    for step in range(steps):
        rate = (step + 1) / steps
        if top:
            share[step] *= rate
        if top + height < 9:
            share[height - 1 - step] *= rate
        if left:
            share[:, step] *= rate
        if left + width < 12:
            share[:, width - 1 - step] *= rate
    expected = FIRST.copy()
    below = expected[:, :, top : top + height, left : left + width]
    below[...] = part * share + below * (1 - share)
    assert_same(found, expected)


def test_batches() -> None:
    three = noise(3, 3, 4, 5, 6)
    (joined,) = latent_batch.LatentBatch().batch(latent_of(three), latent_of(three[:1], batch_index=[9]))
    assert_same(joined, np.concatenate([three, three[:1]]))
    assert joined["batch_index"] == [0, 1, 2, 9]
    (repeated,) = latent_batch.RepeatLatentBatch().repeat(latent_of(three, batch_index=[4, 5, 7]), 2)
    assert_same(repeated, np.concatenate([three, three]))
    assert repeated["batch_index"] == [4, 5, 7, 8, 9, 11]
    (picked,) = latent_batch.LatentFromBatch().frombatch(latent_of(three, batch_index=[4, 5, 7]), 1, 5)
    assert_same(picked, three[1:])
    assert picked["batch_index"] == [5, 7]


LEVELS: dict[str, Any] = {
    "karras": lambda n: (14.0 ** (1 / 5) + np.linspace(0, 1, n) * (0.05 ** (1 / 5) - 14.0 ** (1 / 5))) ** 5,
    "exponential": lambda n: np.exp(np.linspace(np.log(14.0), np.log(0.05), n)),
    "polyexponential": lambda n: np.exp(np.linspace(1, 0, n) ** 2 * (np.log(14.0) - np.log(0.05)) + np.log(0.05)),
    "vp": lambda n: np.sqrt(np.expm1(18.0 * np.linspace(1, 0.002, n) ** 2 / 2 + 0.2 * np.linspace(1, 0.002, n))),
}
MADE: dict[str, Any] = {
    "karras": lambda n: schedulers.KarrasScheduler().get_sigmas(n, 14.0, 0.05, 5.0),
    "exponential": lambda n: schedulers.ExponentialScheduler().get_sigmas(n, 14.0, 0.05),
    "polyexponential": lambda n: schedulers.PolyexponentialScheduler().get_sigmas(n, 14.0, 0.05, 2.0),
    "vp": lambda n: schedulers.VPScheduler().get_sigmas(n, 18.0, 0.2, 0.002),
}


@pytest.mark.parametrize("steps", [1, 2, 17])
@pytest.mark.parametrize("kind", LEVELS)
def test_levels_by_formula(kind: str, steps: int) -> None:
    (found,) = MADE[kind](steps)
    expected = np.append(LEVELS[kind](steps), 0)
    assert np.abs(found.numpy() - expected).max() <= 1e-5 * expected.max()


class Model:
    """A model that has noise levels and nothing else."""

    def __init__(self, kind: str, **settings: Any) -> None:
        self.model_sampling = model_sampling(kind, **settings)

    def get_model_object(self, name: str) -> Any:
        return getattr(self, name)


@pytest.mark.parametrize(("alpha", "beta"), [(0.6, 0.6), (1.0, 1.0), (2.0, 0.5)])
def test_levels_of_a_beta_distribution(alpha: float, beta: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    model = Model("EPS")
    (found,) = schedulers.BetaSamplingScheduler().get_sigmas(model, 12, alpha, beta)
    table = model.model_sampling.sigmas.numpy()
    times = np.rint(stats.beta.ppf(1 - np.linspace(0, 1, 12, endpoint=False), alpha, beta) * (len(table) - 1))
    unlike = [int(time) for number, time in enumerate(times) if number == 0 or time != times[number - 1]]
    assert_same(found, np.append(table[unlike], 0).astype(np.float32))


@pytest.mark.parametrize(
    ("steps", "denoise", "times"), [(1, 1.0, [999]), (3, 1.0, [999, 899, 799]), (2, 0.5, [499, 399])]
)
def test_levels_of_turbo_models(steps: int, denoise: float, times: list[int]) -> None:
    model = Model("EPS")
    (found,) = schedulers.SDTurboScheduler().get_sigmas(model, steps, denoise)
    assert_same(found, np.append(model.model_sampling.sigmas.numpy()[times], 0).astype(np.float32))


def test_sigmas_the_other_way_round() -> None:
    (flipped,) = sigmas.FlipSigmas().get_sigmas(torch.tensor([3.0, 1.0, 0.0]))
    assert flipped.numpy() == pytest.approx([1e-4, 1.0, 3.0])


GITS = json.loads(Path(optimised.__file__).with_name("gits_levels.json").read_text())


@pytest.mark.parametrize("coeff", [0.8, 1.05, 1.15, 1.5])
@pytest.mark.parametrize("steps", [2, 9, 18, 19, 20, 33])
def test_gits_falls_from_the_highest_level(coeff: float, steps: int) -> None:
    (found,) = schedulers_for_models.GITSScheduler().get_sigmas(coeff, steps, 1.0)
    values = found.numpy()
    assert len(values) == steps + 1
    assert values[0] == pytest.approx(14.61464119)
    assert values[-1] == 0
    assert (np.diff(values) < 0).all()
    if str(steps) in GITS["steps"][f"{coeff:.2f}"]:
        assert np.isin(values[:-1], np.float32(GITS["levels"])).all()


def test_gits_has_every_coefficient() -> None:
    assert list(GITS["steps"]) == [f"{0.8 + 0.05 * number:.2f}" for number in range(15)]
    assert all(len(row) == int(steps) + 1 for rows in GITS["steps"].values() for steps, row in rows.items())
    missing = {
        (coeff, steps) for coeff, rows in GITS["steps"].items() for steps in range(2, 21) if str(steps) not in rows
    }
    assert missing == {("0.80", 16), ("0.80", 18), ("1.15", 19)}
