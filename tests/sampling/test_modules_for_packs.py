"""Custom nodes import the sampling modules under ComfyUI's names, add to them, and replace functions in them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.forks import run_file

pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
PRELUDE = """
import sys
sys.path.insert(0, ".")
from comfy_notebook import compat, session
compat.install()
compat.bind(session.current())
"""


def run(code: str, folder: Path) -> list[str]:
    """The lines that ``code`` prints in a fresh interpreter where packs' names are there."""
    file = folder / "pack.py"
    file.write_text(PRELUDE + textwrap.dedent(code))
    return run_file(file, ROOT, ("torch", "torchsde")).strip().splitlines()


def test_they_are_our_own_modules(tmp_path: Path) -> None:
    code = """
        import comfy.samplers, comfy.sample, comfy.model_sampling, comfy.patcher_extension, latent_preview
        import comfy.k_diffusion.sampling as k_diffusion_sampling
        from comfy.extra_samplers import uni_pc
        from comfy.samplers import CFGGuider, KSAMPLER, KSampler, SCHEDULER_HANDLERS, SchedulerHandler, sampler_object
        from comfy.k_diffusion.utils import FolderOfImages
        from comfy_notebook.diffusion.sampling import previews, samplers
        print(comfy.samplers is samplers, latent_preview is previews, uni_pc.__name__, k_diffusion_sampling.__name__)
        print(hasattr(comfy.samplers, "KSampler"), hasattr(comfy.samplers, "of_tomorrow"))
        class Own(CFGGuider): ...
        class Sampling(comfy.model_sampling.ModelSamplingDiscreteFlow, comfy.model_sampling.CONST): ...
        flow = Sampling(); flow.set_parameters(shift=3.0, multiplier=1000)
        print(round(float(flow.sigma_max), 3), callable(latent_preview.prepare_callback))
    """
    ours = "comfy_notebook.diffusion.sampling"
    assert run(code, tmp_path) == [f"True True {ours}.uni_pc {ours}.k_diffusion", "True False", "1.0 True"]


def test_names_that_packs_add_are_offered_and_run(tmp_path: Path) -> None:
    code = """
        import torch, comfy.samplers, nodes
        from comfy.k_diffusion import sampling
        from comfy_notebook.diffusion.sampling.model_sampling import model_sampling

        sampling.sample_mine = lambda model, x, sigmas, **more: x * 0 + 5
        comfy.samplers.KSampler.SAMPLERS = comfy.samplers.KSampler.SAMPLERS + ["mine"]
        comfy.samplers.KSampler.SCHEDULERS.append("halving")
        comfy.samplers.SCHEDULER_HANDLERS["halving"] = comfy.samplers.SchedulerHandler(
            lambda ms, steps: torch.tensor([1 / 2**i for i in range(steps)] + [0.0]))
        required = nodes.KSampler.INPUT_TYPES()["required"]
        print(required["sampler_name"][0][-1], required["scheduler"][0][-1])
        print(comfy.samplers.calculate_sigmas(model_sampling("EPS"), "halving", 2).tolist())
        print(type(comfy.samplers.sampler_object("mine")).__name__)
    """
    assert run(code, tmp_path) == ["mine halving", "[1.0, 0.5, 0.0]", "KSAMPLER"]


def test_what_lies_behind_the_nodes(tmp_path: Path) -> None:
    code = """
        import torch, nodes, inspect
        from comfy_extras.nodes_custom_sampler import Noise_RandomNoise, Noise_EmptyNoise, Guider_Basic, SamplerCustom
        noise = Noise_RandomNoise(3)
        drawn = noise.generate_noise({"samples": torch.zeros(1, 4, 2, 2)})
        print(noise.seed, torch.equal(drawn, torch.randn(1, 4, 2, 2, generator=torch.manual_seed(3))))
        print(Noise_EmptyNoise().seed, SamplerCustom.FUNCTION, callable(nodes.common_ksampler))
    """
    assert run(code, tmp_path) == ["3 True", "0 sample True"]


def test_replaced_functions_are_what_runs(tmp_path: Path) -> None:
    """Packs assign to ``comfy.samplers.sampling_function`` and others; the KSampler node then calls theirs."""
    code = """
        import torch, comfy.sample, comfy.samplers, latent_preview, nodes
        from tests.sampling.small_model import conditioning, patcher

        called = []
        def spying(module, name):
            original = getattr(module, name)
            def spy(*arguments, **named):
                called.append(name)
                return original(*arguments, **named)
            setattr(module, name, spy)

        for module, names in {
            comfy.samplers: "sample sampling_function calc_cond_batch cfg_function calculate_sigmas get_area_and_mult",
            comfy.sample: "sample prepare_noise fix_empty_latent_channels",
            latent_preview: "get_previewer prepare_callback",
        }.items():
            for name in names.split():
                spying(module, name)
        latent = {"samples": torch.zeros(1, 4, 8, 8)}
        nodes.KSampler().sample(patcher(), 1, 2, 3.0, "euler", "normal", conditioning(1), conditioning(2), latent)
        print(*sorted(set(called)))
    """
    assert run(code, tmp_path) == [
        "calc_cond_batch calculate_sigmas cfg_function fix_empty_latent_channels get_area_and_mult get_previewer "
        "prepare_callback prepare_noise sample sampling_function"
    ]


def test_kinds_of_models(tmp_path: Path) -> None:
    code = """
        import types
        import comfy.model_base, comfy.conds
        from comfy_notebook.diffusion import conds
        made = comfy.model_base.model_sampling(
            types.SimpleNamespace(sampling_settings={"shift": 3.0}), comfy.model_base.ModelType.FLOW)
        print(made.shift, round(float(made.percent_to_sigma(0.5)), 6), comfy.conds is conds)
    """
    assert run(code, tmp_path) == ["3.0 0.75 True"]


def test_progress_goes_through_the_hook_of_packs_and_previews_can_be_replaced(tmp_path: Path) -> None:
    code = """
        import torch, comfy.utils, latent_preview, nodes
        from comfy.cli_args import LatentPreviewMethod, args
        from comfy_notebook.protocol import context
        from tests.sampling.small_model import conditioning, patcher

        class Sink:
            def progress(self, *rest): ...
            def interrupted(self, prompt): return False
            def wants_previews(self, context): return True
        context.current.set(context.NodeContext("p", "n", None, Sink()))

        class Mine(latent_preview.LatentPreviewer):
            def decode_latent_to_preview(self, x0):
                return f"picture of {tuple(x0.shape)}"
        latent_preview.get_previewer = lambda device, latent_format: Mine()
        comfy.utils.set_progress_bar_global_hook(lambda value, total, preview, **more: print(value, total, preview))
        latent = {"samples": torch.zeros(1, 4, 8, 8)}
        nodes.common_ksampler(patcher(), 1, 1, 1.0, "euler", "normal", conditioning(1), conditioning(2), latent)
        args.preview_method = LatentPreviewMethod.NoPreviews
        print(latent_preview.chosen_method())
    """
    assert run(code, tmp_path) == ["1 1 ('JPEG', 'picture of (1, 4, 8, 8)', 512)", "none"]
