"""Which models are on the device that computes: estimates, least-recently-used unloading, what to do out of memory."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Module

_log = logging.getLogger("comfy_notebook")
T = TypeVar("T")


@dataclass
class Policy:
    """How memory is used; the command line and packs set it.

    ``cpu``: compute there. ``highvram``: models stay on the device until it is full. ``lowvram``: models go there block
    by block. ``gpu_only``: as ``highvram``, and results stay too. ``cpu_vae``: autoencoders compute on the CPU.
    ``force_fp32``, ``force_fp16``: the dtype of computing. ``reserve`` bytes of the device are left to others.
    """

    cpu: bool = False
    highvram: bool = False
    lowvram: bool = False
    gpu_only: bool = False
    cpu_vae: bool = False
    force_fp32: bool = False
    force_fp16: bool = False
    reserve: int = 400 * 1024**2


policy = Policy()
#: Free memory that a step needs beside weights and activations.
MINIMUM_INFERENCE = 1024**3
#: How often models were placed: free memory is another after each time.
placements = 0
_lock = threading.RLock()


class OutOfMemory(RuntimeError):  # noqa: N818 - what happened, not a mistake
    """The device had no room, also after everything else was unloaded."""


def get_torch_device() -> torch.device:
    """The device that computes: CUDA, else MPS, else the CPU."""
    import torch

    if not policy.cpu:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        if torch.backends.mps.is_available():
            return torch.device("mps")
    return torch.device("cpu")


def cpu() -> torch.device:
    """The device of main memory."""
    import torch

    return torch.device("cpu")


def intermediate_device() -> torch.device:
    """Where results wait between nodes."""
    return get_torch_device() if policy.gpu_only else cpu()


def offload_device() -> torch.device:
    """Where models wait between uses."""
    return get_torch_device() if policy.highvram or policy.gpu_only else cpu()


def compute_dtype(stored: Any, supported: Sequence[Any] = (), device: Any = None) -> Any:
    """The dtype to compute in for weights ``stored`` so: always float32 on a CPU, else the stored one where the family
    (``supported``, best first) and the device take it."""
    import torch

    device = device or get_torch_device()
    if device.type == "cpu" or policy.force_fp32:
        return torch.float32
    if policy.force_fp16:
        return torch.float16
    usable = [dtype for dtype in supported or (torch.float16, torch.bfloat16) if _computes(device, dtype)]
    if stored in usable and stored != torch.float32:
        return stored
    return usable[0] if usable else torch.float32


def _computes(device: torch.device, dtype: Any) -> bool:
    import torch

    return dtype != torch.bfloat16 or device.type != "cuda" or torch.cuda.is_bf16_supported()


def module_size(module: Module) -> int:
    """Bytes of a module's parameters and buffers."""
    tensors: Iterable[Tensor] = (*module.parameters(), *module.buffers())
    return sum(tensor_size(value) for value in tensors)


def tensor_size(tensor: Tensor) -> int:
    """Bytes of the numbers of a tensor."""
    return tensor.nelement() * tensor.element_size()


def has_own_memory(device: torch.device) -> bool:
    """Whether a device has memory beside the machine's, which weights have to be sent to."""
    return device.type not in ("cpu", "mps")


def free_bytes(device: torch.device) -> int:
    """Bytes that can be allocated on a device."""
    import torch

    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + held - policy.reserve
    if hasattr(os, "sysconf") and "SC_AVPHYS_PAGES" in os.sysconf_names:
        return int(os.sysconf("SC_AVPHYS_PAGES")) * int(os.sysconf("SC_PAGE_SIZE"))
    return 1 << 62


class LoadedModel:
    """A model that was brought to its device, by its patcher. Holds neither: a model that nobody else has is gone."""

    def __init__(self, patcher: Any) -> None:
        self._network = weakref.ref(patcher.model)
        self._patcher = weakref.ref(patcher)
        self.device, self._offload = patcher.load_device, patcher.offload_device
        self.currently_used = True

    @property
    def alive(self) -> bool:
        """Whether somebody still has the model."""
        return self._network() is not None

    @property
    def model(self) -> Any:
        """The patcher that loaded it, or a plain one where that is gone; None where the model is."""
        from .patcher import ModelPatcher

        network = self._network()
        return self._patcher() or (None if network is None else ModelPatcher(network, self.device, self._offload))

    def unload(self) -> None:
        """Take the patches off and the weights off the device, also where they are to wait there."""
        patcher = self.model
        if patcher is not None:
            patcher.detach()
            if self._offload == self.device and self.device.type != "cpu":
                patcher.unpatch_model(cpu(), unpatch_weights=False)

    def holds(self, patcher: Any) -> bool:
        """Whether this is the model of ``patcher``, under whatever patches."""
        return self._network() is patcher.model


#: The most recently used first.
current_loaded_models: list[LoadedModel] = []


def load_models_gpu(models: Sequence[Any], memory_required: float = 0, **_options: Any) -> None:
    """Bring ``models`` (patchers) to their devices with their patches applied, and unload others where room is needed
    (unless models are to stay: then only once the device is full).

    ``memory_required``: bytes to leave free for computing. Raises :class:`OutOfMemory` when a model can't be placed.
    """
    global placements
    with _lock:
        placements += 1
        current_loaded_models[:] = [entry for entry in current_loaded_models if entry.alive]
        wanted = list({id(model.model): model for model in _with_companions(models)}.values())
        for entry in current_loaded_models:
            entry.currently_used = any(entry.holds(model) for model in wanted)
        for device in {model.load_device for model in wanted}:
            missing = sum(model.model_size() - model.loaded_size() for model in wanted if model.load_device == device)
            if not _models_stay():
                free_memory(missing + max(memory_required, MINIMUM_INFERENCE), device, wanted)
        for model in wanted:
            _place(model, memory_required)


def _with_companions(models: Sequence[Any]) -> list[Any]:
    found = []
    for model in models:
        found.append(model)
        companions = getattr(model, "model_patches_models", None)
        found += companions() if companions is not None else []
    return found


def _models_stay() -> bool:
    return policy.highvram or policy.gpu_only


def _place(model: Any, memory_required: float) -> None:
    entry = next((entry for entry in current_loaded_models if entry.holds(model)), None)
    if entry is not None:
        current_loaded_models.remove(entry)
        before = entry.model
        if before is not model:
            before.hand_over(model)
    room: float | None = None
    if has_own_memory(model.load_device) and not _models_stay():
        room = free_bytes(model.load_device) - max(memory_required, MINIMUM_INFERENCE)
    in_use = [model, *(entry.model for entry in current_loaded_models if entry.currently_used and entry.alive)]
    try:
        retry_after_unloading(lambda: model.load(room), "load the model", in_use)
    except OutOfMemory:
        model.detach()
        raise
    current_loaded_models.insert(0, LoadedModel(model))


def free_memory(memory_required: float, device: torch.device, keep_loaded: Sequence[Any] = ()) -> list[LoadedModel]:
    """Unload models, the least recently used first, until ``memory_required`` bytes of ``device`` are free."""
    unloaded: list[LoadedModel] = []
    with _lock:
        if device.type == "cpu":
            return unloaded
        for entry in reversed(list(current_loaded_models)):
            if free_bytes(device) >= memory_required:
                break
            if entry.device == device and not any(entry.holds(model) for model in keep_loaded):
                entry.unload()
                current_loaded_models.remove(entry)
                unloaded.append(entry)
        if unloaded:
            soft_empty_cache()
    return unloaded


def unload_all_models() -> None:
    """Take every model off its device."""
    with _lock:
        while current_loaded_models:
            current_loaded_models.pop().unload()
    soft_empty_cache()


def soft_empty_cache() -> None:
    """Give memory that torch holds unused back to the device."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device or main memory is full."""
    import torch

    if isinstance(error, (MemoryError, OutOfMemory, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in ("out of memory", "can't allocate"))


@contextlib.contextmanager
def out_of_memory_as_error(doing: str) -> Any:
    """Turns what torch raises on a full device into :class:`OutOfMemory` with advice."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error) or isinstance(error, OutOfMemory):
            raise
        raise OutOfMemory(
            f"not enough memory on {get_torch_device()} to {doing}. Use a smaller image or batch, tiled decoding, "
            "or a quantised version of the model"
        ) from error


def retry_after_unloading(action: Callable[[], T], doing: str, keep: Sequence[Any] = ()) -> T:
    """Run ``action``; on a full device unload everything but ``keep`` and run it once more.

    Raises :class:`OutOfMemory` when that fails too.
    """
    try:
        return action()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        _log.warning("Out of memory while trying to %s: unloading models and trying again.", doing)
    free_memory(1 << 62, get_torch_device(), keep)
    soft_empty_cache()
    with out_of_memory_as_error(doing):
        return action()
