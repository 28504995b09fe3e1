"""Which models stay, which go, and what is said when a device is full."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from comfy_notebook.diffusion import memory, streaming
from comfy_notebook.diffusion.patch_state import state_of
from comfy_notebook.diffusion.patcher import ModelPatcher
from comfy_notebook.diffusion.streaming import Stream


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


def test_weights_of_clones_come_off_a_streamed_model() -> None:
    """Weights that stay on the device, and those that come and go, change and change back."""
    model, x = patcher(), torch.randn(2, 8)
    before = model.model[0].weight.detach().clone()
    patched = model.clone()
    patched.add_patches({"0.weight": (torch.ones(8, 8),)})
    with torch.no_grad():
        for room in (0, 1 << 20):
            state_of(model.model).stream(model.model, torch.device("cpu"), room)
            memory.load_models_gpu([patched])
            torch.testing.assert_close(model.model(x), x @ (before + 1).T + model.model[0].bias)
            memory.load_models_gpu([model])
            assert torch.equal(model.model[0].weight, before)


def streamed(room: float) -> tuple[nn.Module, Stream]:
    """A model in main memory whose weights are sent to the device ``meta``, where nothing computes."""
    model = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8), nn.BatchNorm1d(8).eval()).requires_grad_(False)
    return model, Stream(model, torch.device("meta"), room)


LINEAR, NORM = 4 * (64 + 8), 4 * (8 + 8)


@pytest.mark.parametrize(
    ("room", "resident"), [(0, 0), (LINEAR, 0), (2 * LINEAR, LINEAR), (3 * LINEAR + NORM, 2 * LINEAR + NORM)]
)
def test_what_fits_stays_and_the_rest_comes_when_it_is_called(room: float, resident: int) -> None:
    model, stream = streamed(room)
    assert stream.resident == resident
    away = {parameter.device.type for parameter in model.parameters()}
    assert away == ({"cpu"} if not resident else {"meta"} if resident > LINEAR else {"cpu", "meta"})
    with torch.no_grad():
        assert model(torch.empty(3, 8, device="meta")).device.type == "meta"
    assert {parameter.device.type for parameter in model.parameters()} == away
    stream.end()
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}


def test_weights_that_came_for_a_call_that_failed_go_too() -> None:
    model, stream = streamed(0)
    weights = [parameter.data_ptr() for parameter in model.parameters()]
    with pytest.raises(RuntimeError), torch.no_grad():
        model(torch.empty(3, 9, device="meta"))
    assert [parameter.data_ptr() for parameter in model.parameters()] == weights
    stream.end()


def test_a_device_that_fills_up_meanwhile_leaves_the_weights_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)).requires_grad_(False)
    weights = list(model.parameters())
    bring, brought = streaming._Mover.bring, []

    def full(mover: Any) -> None:
        brought.append(mover)
        if len(brought) == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        bring(mover)

    monkeypatch.setattr(streaming._Mover, "bring", full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        Stream(model, torch.device("meta"), 1 << 20)
    assert all(found is weight for found, weight in zip(model.parameters(), weights, strict=True))


class Levels(nn.Module):
    """A network with noise levels beside it, as models have them."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Linear(8, 8)
        self.model_sampling = nn.BatchNorm1d(1, affine=False)


def test_noise_levels_follow_a_model_that_is_already_there() -> None:
    """Clones put theirs in while the model lies on the device, and take them out again."""
    device = torch.device("meta")
    model = ModelPatcher(Levels(), device, torch.device("cpu"))
    changed = model.clone()
    changed.add_object_patch("model_sampling", nn.BatchNorm1d(1, affine=False))
    for clone in (changed, model, changed):
        memory.load_models_gpu([clone])
        assert clone.model.model_sampling.running_mean.device == device


class Somewhere(nn.Linear):
    """Weights that may also leave the device ``meta``, which keeps no values."""

    def to(self, device: Any) -> Any:  # type: ignore[override]
        return self.to_empty(device=device)


@pytest.fixture
def small_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[ModelPatcher], list[int]]]:
    """Three models of 1 kB for a pretended device with as much room as the list says, in bytes."""
    device, size = torch.device("meta"), [2048]
    monkeypatch.setattr(memory, "MINIMUM_INFERENCE", 0)
    models = [ModelPatcher(Somewhere(16, 16, bias=False), device, torch.device("cpu")) for _ in range(3)]

    def free(_: Any) -> int:
        return size[0] - sum(int(model.loaded_size()) for model in models)

    monkeypatch.setattr(memory, "free_bytes", free)
    monkeypatch.setattr(memory, "get_torch_device", lambda: device)
    yield models, size
    memory.unload_all_models()


def on_device(models: list[ModelPatcher]) -> list[int]:
    return [index for index, model in enumerate(models) if model.loaded_size()]


def test_models_make_room_for_one_another(small_device: tuple[list[ModelPatcher], list[int]]) -> None:
    models, _ = small_device
    for used in (0, 1, 0, 2):
        memory.load_models_gpu([models[used]])
    assert on_device(models) == [0, 2]


def test_two_that_are_needed_at_once_are_both_there(small_device: tuple[list[ModelPatcher], list[int]]) -> None:
    models, _ = small_device
    memory.load_models_gpu([models[0]])
    models[1].set_additional_models("beside it", [models[2]])
    memory.load_models_gpu([models[1]])
    assert on_device(models) == [1, 2]


def test_models_that_are_to_stay_go_only_from_a_full_device(
    small_device: tuple[list[ModelPatcher], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, _ = small_device
    monkeypatch.setattr(memory.policy, "highvram", True)
    for model in models:
        model.offload_device = model.load_device
        memory.load_models_gpu([model])
    assert on_device(models) == [0, 1, 2]
    attempts = []

    def full() -> str:
        attempts.append(on_device(models))
        if len(attempts) == 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return "done"

    assert memory.retry_after_unloading(full, "decode", keep=[models[2]]) == "done"
    assert attempts == [[0, 1, 2], [2]]


@pytest.mark.parametrize("low", [False, True])
def test_a_model_larger_than_the_device_is_streamed(
    low: bool, small_device: tuple[list[ModelPatcher], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, size = small_device
    monkeypatch.setattr(memory.policy, "lowvram", low)
    size[0] = 4096 if low else 512
    memory.load_models_gpu([models[0]])
    state = state_of(models[0].model)
    assert state.streamed_to == models[0].load_device
    assert models[0].model.weight.device.type == "cpu"
    assert models[0].model(torch.empty(2, 16, device="meta")).device.type == "meta"
    monkeypatch.setattr(memory.policy, "lowvram", False)
    size[0] = 4096
    memory.load_models_gpu([models[0]])
    assert state.streamed_to is None
    assert models[0].model.weight.device.type == "meta"


def test_what_cannot_be_streamed_computes_in_main_memory(
    small_device: tuple[list[ModelPatcher], list[int]],
) -> None:
    models, size = small_device
    size[0] = 512
    models[0].model.streams = False
    memory.load_models_gpu([models[0]])
    assert models[0].model.weight.device.type == "cpu"
    assert models[0].loaded_size() == 0


def test_a_model_that_found_no_room_is_not_left_half_there(
    small_device: tuple[list[ModelPatcher], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, _ = small_device

    def full(room: float | None = None) -> None:
        models[0].model.to("meta")
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    gone: list[Any] = []
    monkeypatch.setattr(models[0], "load", full)
    monkeypatch.setattr(models[0], "detach", lambda: gone.append(True))
    with pytest.raises(memory.OutOfMemory, match="not enough memory on meta to load the model"):
        memory.load_models_gpu([models[0]])
    assert gone == [True]
    assert memory.current_loaded_models == []
