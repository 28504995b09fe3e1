"""Which models stay, which go, and what is said when a device is full."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from comfy_notebook.diffusion import memory
from comfy_notebook.diffusion.patcher import ModelPatcher


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    before = list(memory.current_loaded_models)
    memory.current_loaded_models.clear()
    yield
    memory.current_loaded_models[:] = before


def patcher(width: int = 8) -> ModelPatcher:
    return ModelPatcher(nn.Sequential(nn.Linear(width, width)), torch.device("cpu"), torch.device("cpu"))


def test_a_model_that_nobody_has_is_let_go() -> None:
    model = patcher()
    patched = model.clone()
    patched.add_patches({"0.weight": (torch.ones(8, 8),)})
    memory.load_models_gpu([patched])
    gone = weakref.ref(model.model)
    del model, patched
    gc.collect()
    assert gone() is None
    other = patcher()
    memory.load_models_gpu([other])
    assert [entry.model for entry in memory.current_loaded_models] == [other]


def test_patches_of_a_clone_that_is_gone_come_off() -> None:
    model = patcher()
    before = model.model[0].weight.detach().clone()
    patched = model.clone()
    patched.add_patches({"0.weight": (torch.ones(8, 8),)})
    memory.load_models_gpu([patched])
    assert not torch.equal(model.model[0].weight, before)
    del patched
    gc.collect()
    memory.load_models_gpu([model])
    assert torch.equal(model.model[0].weight, before)


def test_the_least_recently_used_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pretended device of 3 kB, on which everything loaded takes room."""
    device = torch.device("meta")
    monkeypatch.setattr(memory, "MINIMUM_INFERENCE", 0)
    models = [ModelPatcher(nn.Linear(16, 16, bias=False), device, torch.device("cpu")) for _ in range(4)]
    on_device: list[Any] = []

    def free(_: Any) -> int:
        return 3 * 1024 - sum(int(model.model_size()) for model in on_device)

    monkeypatch.setattr(memory, "free_bytes", free)
    for model in models:
        monkeypatch.setattr(model, "load", lambda room, model=model: on_device.append(model))
        monkeypatch.setattr(model, "detach", lambda model=model: on_device.remove(model))
        monkeypatch.setattr(model, "loaded_size", lambda model=model: 1024 if model in on_device else 0)
    for index in (0, 1, 2):
        memory.load_models_gpu([models[index]])
    assert on_device == models[:3]
    memory.current_loaded_models.sort(key=lambda entry: entry.holds(models[0]), reverse=True)
    memory.load_models_gpu([models[3]])
    assert models[1] not in on_device, "0 was used after 1"
    assert models[3] in on_device
    assert models[0] in on_device


def test_a_full_device_is_tried_once_more_and_then_said() -> None:
    attempts: list[int] = []

    def full() -> None:
        attempts.append(1)
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    with pytest.raises(memory.OutOfMemory, match="not enough memory on cpu to decode the latent"):
        memory.retry_after_unloading(full, "decode the latent")
    assert len(attempts) == 2
    with pytest.raises(RuntimeError, match="another matter"):
        memory.retry_after_unloading(lambda: (_ for _ in ()).throw(RuntimeError("another matter")), "decode")


def test_the_cpu_computes_in_full_precision() -> None:
    for stored in (torch.float16, torch.bfloat16, torch.float32):
        assert memory.compute_dtype(stored, (), torch.device("cpu")) == torch.float32


def test_weights_that_wait_in_main_memory_compute_the_same() -> None:
    from comfy_notebook.diffusion.streaming import stream_blocks

    model = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8), nn.BatchNorm1d(8).eval())
    x = torch.randn(3, 8)
    with torch.no_grad():
        expected = model(x)
        before = [parameter.data_ptr() for parameter in model.parameters()]
        hooks = stream_blocks(model, torch.device("cpu"))
        torch.testing.assert_close(model(x), expected)
    for hook in hooks:
        hook.remove()
    assert [parameter.data_ptr() for parameter in model.parameters()] == before
