"""Rules of guidance against diffusers' guiders and closed forms, on a model that is a formula."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from comfy_notebook.diffusion.sampling.guidance_rules import ProjectedGuidance  # noqa: E402
from comfy_notebook.nodes.guidance_rules import NODES  # noqa: E402

from .small_model import conditioning, patcher  # noqa: E402
from .test_guidance import SIGMA, X, denoised, guided  # noqa: E402

CFG = 4.0
COND, UNCOND = denoised(2.0), denoised(-1.0)


def patched(name: str, **values: Any) -> Any:
    node = NODES[name][0]()
    return getattr(node, node.FUNCTION)(patcher(), **values)[0]


def answer(name: str, cfg: float = CFG, **values: Any) -> Any:
    """The denoised latent for a prompt and its opposite, guided by a node's rule."""
    return guided(patched(name, **values), conditioning(2.0), conditioning(-1.0), cfg=cfg)


@pytest.mark.parametrize("eta", [1.0, 0.0, -0.5])
@pytest.mark.parametrize("threshold", [0.0, 5.0, 1e6])
def test_projected_guidance_is_that_of_diffusers(eta: float, threshold: float) -> None:
    guiders = pytest.importorskip("diffusers.guiders.adaptive_projected_guidance")
    expected = guiders.normalized_guidance(COND, UNCOND, CFG - 1, None, eta, threshold, use_original_formulation=True)
    torch.testing.assert_close(answer("APG", eta=eta, norm_threshold=threshold, momentum=0.0), expected)


def test_projected_guidance_with_all_of_it_is_ordinary_guidance() -> None:
    plain = guided(patcher(), conditioning(2.0), conditioning(-1.0), cfg=CFG)
    torch.testing.assert_close(answer("APG", eta=1.0, norm_threshold=0.0, momentum=0.0), plain)


def test_the_momentum_of_projected_guidance_is_that_of_diffusers_and_ends_with_the_run() -> None:
    guiders = pytest.importorskip("diffusers.guiders.adaptive_projected_guidance")
    rule = ProjectedGuidance(0.5, 3.0, -0.4)
    for _ in range(2):
        theirs = guiders.MomentumBuffer(-0.4)
        for sigma in (8.0, 3.0, 1.0):
            cond, uncond = denoised(2.0, sigma), denoised(-1.0, sigma)
            args = {"conds_out": [cond, uncond], "conds": [[], []], "cond_scale": CFG, "sigma": torch.tensor([sigma])}
            changed, same = rule(args)
            expected = guiders.normalized_guidance(
                cond, uncond, CFG - 1, theirs, 0.5, 3.0, use_original_formulation=True
            )
            torch.testing.assert_close(same + CFG * (changed - same), expected)


def test_tangential_damping_is_that_of_diffusers() -> None:
    guiders = pytest.importorskip("diffusers.guiders.tangential_classifier_free_guidance")
    expected = X - guiders.normalized_guidance(X - COND, X - UNCOND, CFG)
    torch.testing.assert_close(answer("TCFG"), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("longest", [1.0, 1.3])
def test_renormed_guidance_is_no_longer_than_allowed(longest: float) -> None:
    noise = X - answer("RenormCFG", cfg_trunc=100.0, renorm_cfg=longest)
    plain = (X - UNCOND) + CFG * (UNCOND - COND)
    limit = longest * (X - COND).flatten(1).norm(dim=1)
    length = torch.minimum(plain.flatten(1).norm(dim=1), limit)
    torch.testing.assert_close(noise.flatten(1).norm(dim=1), length)
    torch.testing.assert_close(
        torch.nn.functional.normalize(noise.flatten(1)), torch.nn.functional.normalize(plain.flatten(1))
    )


def test_renormed_guidance_off_and_late() -> None:
    plain = guided(patcher(), conditioning(2.0), conditioning(-1.0), cfg=CFG)
    torch.testing.assert_close(answer("RenormCFG", cfg_trunc=100.0, renorm_cfg=0.0), plain)
    late = patched("RenormCFG", cfg_trunc=0.25, renorm_cfg=0.0)
    found = guided(late, conditioning(2.0), conditioning(-1.0), cfg=CFG, sigma=0.5)
    torch.testing.assert_close(found, denoised(2.0, 0.5))


def test_noise_is_divided() -> None:
    plain = guided(patcher(), conditioning(2.0), conditioning(-1.0), cfg=CFG)
    found = answer("Epsilon Scaling", scaling_factor=1.25)
    torch.testing.assert_close((X - found) / SIGMA * 1.25, (X - plain) / SIGMA)


def test_frequencies_of_guidance() -> None:
    same = answer("FreSca", scale_low=1.0, scale_high=1.0, freq_cutoff=3)
    torch.testing.assert_close(same, guided(patcher(), conditioning(2.0), conditioning(-1.0), cfg=CFG))
    # Here the difference of the answers is the same everywhere: the lowest frequency of all.
    torch.testing.assert_close(COND - UNCOND, torch.full_like(X, float((COND - UNCOND).mean())))
    found = answer("FreSca", scale_low=0.5, scale_high=7.0, freq_cutoff=1)
    torch.testing.assert_close(found, UNCOND + 0.5 * CFG * (COND - UNCOND), rtol=1e-4, atol=1e-4)


def test_a_checkerboard_is_fine_structure() -> None:
    from comfy_notebook.diffusion.sampling.guidance_rules import frequencies_scaled

    board = (torch.arange(16)[:, None] + torch.arange(24)[None, :]) % 2 * 2.0 - 1.0
    outputs = [board.expand(2, 4, 16, 24) + 1.0, torch.zeros(2, 4, 16, 24)]
    args = {"conds_out": outputs, "conds": [[], []], "cond_scale": CFG}
    changed, same = frequencies_scaled(args, 0.5, 3.0, 4)
    torch.testing.assert_close(changed, 3.0 * board.expand_as(changed) + 0.5)
    assert same is outputs[1]


@pytest.mark.parametrize("name", ["APG", "TCFG", "FreSca"])
def test_without_an_opposite_nothing_is_changed(name: str) -> None:
    values: dict[str, Any] = {
        "APG": {"eta": 0.0, "norm_threshold": 1.0, "momentum": 0.0},
        "FreSca": {"scale_low": 0.0, "scale_high": 2.0, "freq_cutoff": 2},
    }.get(name, {})
    torch.testing.assert_close(answer(name, cfg=1.0, **values), COND)
