"""TorchCompileModel: the same numbers, compiled once, for one clone alone."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("diffusers", reason="the extra 'diffusion' is not installed")

from torch._dynamo.utils import counters

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.attention_patches import freeu
from comfy_notebook.diffusion.checkpoints.load import model_from_weights
from comfy_notebook.diffusion.compilation import compiled
from comfy_notebook.diffusion.patch_state import state_of
from comfy_notebook.diffusion.patcher import ModelPatcher
from comfy_notebook.diffusion.sampling.wrappers import WrapperExecutor
from comfy_notebook.nodes.sampling import common_ksampler

from . import tiny
from .test_end_to_end import engine, graph, node, run

__all__ = ["engine"]  # the fixture


@pytest.fixture(autouse=True)
def compiled_anew() -> Iterator[None]:
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def small_unet() -> ModelPatcher:
    return model_from_weights(tiny.random_weights(tiny.ldm_unet((32, 64), (1, 0), 1, 32, per_block=1)), "x")


def sampled(model: ModelPatcher, seed: int = 1, side: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    prompts = [[[torch.randn(1, 7, 32, generator=generator), {}]] for _ in range(2)]
    latent = {"samples": torch.zeros(1, 4, side, side)}
    made = common_ksampler(model, seed, 3, 4.0, "euler", "normal", prompts[0], prompts[1], latent)
    found: Tensor = made[0]["samples"]
    return found


class Halving(torch.nn.Module):
    """A network that is quickly compiled."""

    def forward(self, x: Tensor, timesteps: Tensor, **_more: Any) -> Tensor:
        return x * 0.5


def graphs() -> int:
    return int(counters["stats"]["unique_graphs"])


def patched(model: ModelPatcher) -> ModelPatcher:
    """With a function of a custom node in every block's attention, and FreeU's."""

    def doubled(query: Tensor, key: Tensor, value: Tensor, options: Any) -> tuple[Tensor, Tensor, Tensor]:
        return query, key, value * (1.0 + options["sigmas"][0] * 0)

    made = freeu(model, (1.1, 1.2), (0.9, 0.2), adaptive=False)
    made.set_model_attn1_patch(doubled)
    return made


@pytest.mark.parametrize(
    "change",
    [pytest.param(lambda model: model, id="plain"), pytest.param(patched, id="patched", marks=pytest.mark.slow)],
)
def test_compiled_once_without_a_break(change: Callable[[ModelPatcher], ModelPatcher]) -> None:
    """Dynamo's own tracing, which is what breaks and recompiles; ``eager`` runs what it traced."""
    plain = change(small_unet())
    faster = compiled(plain, "eager")
    network = plain.model.diffusion_model
    expected = sampled(plain)
    assert torch.equal(sampled(faster), expected)
    assert graphs() == 1
    sampled(faster, seed=2)
    assert torch.equal(sampled(plain), expected)
    assert graphs() == 1, "neither further steps nor a further run compile again"
    assert dict(counters["graph_break"]) == {}
    assert plain.model.diffusion_model is network
    assert faster.model.diffusion_model is network, "it stands there during calls alone"
    gone = weakref.ref(network)
    del plain, faster, network
    gc.collect()
    assert gone() is None, "nothing that was compiled keeps it"
    assert [entry for entry in memory.current_loaded_models if entry.alive] == []


def test_while_weights_come_and_go_nothing_is_compiled() -> None:
    model = small_unet()
    expected = sampled(model)
    state_of(model.model).stream(model.model, torch.device("cpu"), 0)
    faster = compiled(model, "eager")
    with torch.no_grad():
        state = state_of(model.model)
        arguments = (torch.randn(1, 4, 8, 8), torch.tensor([1.0]))
        options = faster.model_options["transformer_options"]["wrappers"]["apply_model"]["torch.compile"]
        text = torch.randn(1, 7, 32)
        WrapperExecutor(model.model.apply_model, model.model, options).execute(*arguments, c_crossattn=text)
    assert state.streamed_to is not None
    assert graphs() == 0
    state.end_stream()
    assert torch.equal(sampled(model), expected)


def test_what_cannot_be_compiled_says_what_to_do() -> None:
    def broken(*_: Any) -> Any:
        raise OSError("No working C++ compiler found")

    model = small_unet()
    model.model.diffusion_model = Halving()
    with pytest.raises(RuntimeError, match=r"TorchCompileModel could not compile.*g\+\+ or clang\+\+.*bypass it"):
        sampled(compiled(model, broken))


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="there is no C++ compiler")
def test_the_compiled_picture_is_the_same(engine: Any) -> None:
    plain = run(engine, graph(seed=21))
    sampler = graph(seed=21)["k"]
    sampler["inputs"]["model"] = ["t", 0]
    compiler = node("TorchCompileModel", model=["ck", 0], backend="inductor")
    picture = run(engine, graph(seed=21, t=compiler, k=sampler))
    assert float((picture - plain).abs().max()) <= 1e-4
    made = graphs()
    assert made == 1
    sampler["inputs"]["seed"] = 22
    run(engine, graph(seed=22, t=compiler, k=sampler))
    assert graphs() == made
