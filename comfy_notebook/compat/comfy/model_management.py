"""``comfy.model_management``: devices, dtypes, memory and interruption, as packs ask for them."""

from __future__ import annotations

import enum
import gc
import sys
from collections.abc import Sequence
from typing import Any

from ...engine import memory as _memory
from ...protocol.context import InterruptProcessingException, context
from .cli_args import args


class VRAMState(enum.Enum):
    DISABLED = 0
    NO_VRAM = 1
    LOW_VRAM = 2
    NORMAL_VRAM = 3
    HIGH_VRAM = 4
    SHARED = 5


class CPUState(enum.Enum):
    GPU = 0
    CPU = 1
    MPS = 2


vram_state = VRAMState.NORMAL_VRAM
lowvram_available = True
directml_enabled = False
XFORMERS_IS_AVAILABLE = False


def __getattr__(name: str) -> Any:
    """What needs torch, made when asked for."""
    if name == "current_loaded_models":
        return _models().current_loaded_models
    if name == "OOM_EXCEPTION":
        import torch

        return getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)
    if name == "cpu_state":
        return {"cpu": CPUState.CPU, "mps": CPUState.MPS}.get(get_torch_device().type, CPUState.GPU)
    if name == "total_vram":
        return get_total_memory(get_torch_device()) / (1024 * 1024)
    if name == "total_ram":
        return (_memory.total() or 0) / (1024 * 1024)
    from ..stand_in import missing_attribute

    return missing_attribute(sys.modules[__name__], "comfy.model_management", name, sys._getframe(1))


def get_torch_device() -> Any:
    """The device that computes: CUDA, else MPS, else the CPU."""
    import torch

    if not args.cpu:
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        if torch.backends.mps.is_available():
            return torch.device("mps")
    return torch.device("cpu")


def _cpu() -> Any:
    import torch

    return torch.device("cpu")


def intermediate_device() -> Any:
    """Where results wait: the CPU unless everything stays on the GPU."""
    return get_torch_device() if args.gpu_only else _cpu()


def unet_offload_device() -> Any:
    return get_torch_device() if args.highvram or args.gpu_only else _cpu()


def text_encoder_offload_device() -> Any:
    return intermediate_device()


def text_encoder_device() -> Any:
    return get_torch_device()


def text_encoder_initial_device(load_device: Any, offload_device: Any, model_size: int = 0) -> Any:
    return offload_device


def vae_device() -> Any:
    return _cpu() if args.cpu_vae else get_torch_device()


def vae_offload_device() -> Any:
    return intermediate_device()


def unet_inital_load_device(parameters: int, dtype: Any) -> Any:
    return unet_offload_device()


def get_torch_device_name(device: Any) -> str:
    """The device and, for CUDA, its name."""
    import torch

    return f"{device} {torch.cuda.get_device_name(device)}" if getattr(device, "type", "") == "cuda" else str(device)


def is_device_type(device: Any, type: str) -> bool:
    return getattr(device, "type", None) == type


def is_device_cpu(device: Any) -> bool:
    return is_device_type(device, "cpu")


def is_device_mps(device: Any) -> bool:
    return is_device_type(device, "mps")


def is_device_cuda(device: Any) -> bool:
    return is_device_type(device, "cuda")


def is_nvidia() -> bool:
    import torch

    return is_device_cuda(get_torch_device()) and bool(torch.version.cuda)


def is_amd() -> bool:
    import torch

    return is_device_cuda(get_torch_device()) and bool(torch.version.hip)


def is_intel_xpu() -> bool:
    return False


def cpu_mode() -> bool:
    return is_device_cpu(get_torch_device())


def mps_mode() -> bool:
    return is_device_mps(get_torch_device())


def xformers_enabled() -> bool:
    return False


xformers_enabled_vae = xformers_enabled
sage_attention_enabled = flash_attention_enabled = xformers_enabled


def pytorch_attention_enabled() -> bool:
    return True


def should_use_fp16(
    device: Any = None, model_params: int = 0, prioritize_performance: bool = True, manual_cast: bool = False
) -> bool:
    """Whether half precision pays on ``device`` (the one that computes when None)."""
    if args.force_fp32:
        return False
    return bool(args.force_fp16) or not is_device_cpu(device if device is not None else get_torch_device())


def should_use_bf16(
    device: Any = None, model_params: int = 0, prioritize_performance: bool = True, manual_cast: bool = False
) -> bool:
    """Whether the device computes in bfloat16."""
    import torch

    device = device if device is not None else get_torch_device()
    return not args.force_fp32 and is_device_cuda(device) and torch.cuda.is_bf16_supported()


def _dtype(device: Any, supported: Sequence[Any] | None) -> Any:
    import torch

    for dtype, useful in ((torch.float16, should_use_fp16(device)), (torch.bfloat16, should_use_bf16(device))):
        if useful and (supported is None or dtype in supported):
            return dtype
    return torch.float32


def unet_dtype(
    device: Any = None,
    model_params: int = 0,
    supported_dtypes: Sequence[Any] | None = None,
    weight_dtype: Any = None,
) -> Any:
    """The dtype for weights of a diffusion model."""
    return _dtype(device, supported_dtypes)


def unet_manual_cast(weight_dtype: Any, inference_device: Any, supported_dtypes: Sequence[Any] | None = None) -> Any:
    """The dtype to compute in where that of the weights is not fit for it; None where it is."""
    import torch

    if weight_dtype in (torch.float32, torch.float64):
        return None
    usable = _dtype(inference_device, supported_dtypes)
    return None if usable == weight_dtype else usable


def text_encoder_dtype(device: Any = None) -> Any:
    import torch

    return torch.float16


def vae_dtype(device: Any = None, allowed_dtypes: Sequence[Any] = ()) -> Any:
    import torch

    return torch.bfloat16 if torch.bfloat16 in allowed_dtypes and should_use_bf16(device) else torch.float32


def dtype_size(dtype: Any) -> int:
    """Bytes of one number."""
    return int(dtype.itemsize)


def supports_dtype(device: Any, dtype: Any) -> bool:
    import torch

    return dtype == torch.float32 or (not is_device_cpu(device) and dtype in (torch.float16, torch.bfloat16))


def supports_cast(device: Any, dtype: Any) -> bool:
    import torch

    return dtype in (torch.float32, torch.float16) or not is_device_mps(device)


def device_supports_non_blocking(device: Any) -> bool:
    return is_device_cuda(device)


def cast_to(
    weight: Any,
    dtype: Any = None,
    device: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    stream: Any = None,
) -> Any:
    return weight.to(device=device, dtype=dtype, copy=copy, non_blocking=non_blocking)


def cast_to_device(tensor: Any, device: Any, dtype: Any, copy: bool = False) -> Any:
    """``tensor`` on ``device`` as ``dtype``; always a new one where ``copy``."""
    return tensor.to(device=device, dtype=dtype, copy=copy)


def get_total_memory(dev: Any = None, torch_total_too: bool = False) -> Any:
    """Bytes of memory of a device; with ``torch_total_too`` also what torch has reserved."""
    import torch

    dev = dev if dev is not None else get_torch_device()
    if is_device_cuda(dev):
        total, reserved = torch.cuda.mem_get_info(dev)[1], torch.cuda.memory_reserved(dev)
    else:
        total = reserved = _memory.total() or 0
    return (total, reserved) if torch_total_too else total


def get_free_memory(dev: Any = None, torch_free_too: bool = False) -> Any:
    """Bytes of memory a device has left; with ``torch_free_too`` also what torch holds unused of it."""
    import torch

    dev = dev if dev is not None else get_torch_device()
    if is_device_cuda(dev):
        unused = torch.cuda.memory_reserved(dev) - torch.cuda.memory_allocated(dev)
        free = torch.cuda.mem_get_info(dev)[0] + unused
    else:
        free = unused = _memory.available() or 0
    return (free, unused) if torch_free_too else free


def maximum_vram_for_weights(device: Any = None) -> float:
    return float(get_total_memory(device)) * 0.88


def minimum_inference_memory() -> float:
    return 1024.0**3


def extra_reserved_memory() -> float:
    return 0.4 * 1024**3


def soft_empty_cache(force: bool = False) -> None:
    """Give memory that torch holds unused back to the device."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()


def _models() -> Any:
    """The manager of models, told what the options say about memory."""
    from ...diffusion import memory

    for name in ("cpu", "highvram", "lowvram", "gpu_only", "cpu_vae", "force_fp32", "force_fp16"):
        setattr(memory.policy, name, bool(getattr(args, name)))
    memory.policy.lowvram |= bool(args.novram)
    return memory


def cleanup_models() -> None:
    """Models that nobody holds any more are gone by themselves."""
    gc.collect()


cleanup_models_gc = cleanup_models


def unload_all_models() -> None:
    """Let go of models and results."""
    from ... import session

    _models().unload_all_models()
    session.current().engine.free()
    soft_empty_cache()


def free_memory(memory_required: float, device: Any, keep_loaded: Sequence[Any] = ()) -> list[Any]:
    """Make room on ``device`` by unloading models that were not used for longest; answers them."""
    unloaded: list[Any] = _models().free_memory(memory_required, device, [_patcher_of(model) for model in keep_loaded])
    if get_free_memory(device) < memory_required:
        gc.collect()
        soft_empty_cache()
    return unloaded


def _patcher_of(loaded: Any) -> Any:
    """Packs give patchers or what :func:`loaded_models` gave them."""
    model = getattr(loaded, "model", loaded)
    return model if hasattr(model, "model_options") else loaded


def loaded_models(only_currently_used: bool = False) -> list[Any]:
    """The patchers of models that were brought to their device."""
    entries = _models().current_loaded_models
    return [entry.model for entry in entries if entry.alive and (entry.currently_used or not only_currently_used)]


def load_models_gpu(
    models: Sequence[Any], memory_required: float = 0, force_patch_weights: bool = False, **options: Any
) -> None:
    """Bring models to the device that computes, with their patches on."""
    _models().load_models_gpu([model for model in models if hasattr(model, "load")], memory_required)


def load_model_gpu(model: Any) -> None:
    load_models_gpu([model])


def module_size(module: Any) -> int:
    """Bytes of a module's weights."""
    return sum(value.nelement() * value.element_size() for value in module.state_dict().values())


def interrupt_current_processing(value: bool = True) -> None:
    """Stop the running prompt at its next cancel point."""
    if value:
        from ... import session

        session.current().engine.interrupt()


def processing_interrupted() -> bool:
    """Whether the prompt of the node that runs in this thread was cancelled."""
    running = context()
    return running.sink is not None and running.sink.interrupted(running.prompt_id)


def throw_exception_if_processing_interrupted() -> None:
    """A cancel point."""
    context().check_interrupted()


__all__ = ["InterruptProcessingException"]
