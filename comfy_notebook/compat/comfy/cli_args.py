"""``comfy.cli_args``: the options of the program; packs read and assign them."""

from __future__ import annotations

import argparse
import enum
from typing import Any


class LatentPreviewMethod(enum.Enum):
    NoPreviews = "none"
    Auto = "auto"
    Latent2RGB = "latent2rgb"
    TAESD = "taesd"

    @classmethod
    def from_string(cls, value: str) -> LatentPreviewMethod | None:
        return next((method for method in cls if method.value == value), None)


class PerformanceFeature(enum.Enum):
    Fp16Accumulation = "fp16_accumulation"
    Fp8MatrixMultiplication = "fp8_matrix_mult"
    CublasOps = "cublas_ops"
    AutoTune = "autotune"


_OFF = (
    *("auto_launch", "cpu", "cpu_vae", "deterministic", "disable_all_custom_nodes", "disable_api_nodes"),
    *("disable_async_offload", "disable_auto_launch", "disable_cuda_malloc", "disable_ipex_optimize"),
    *("disable_metadata", "disable_pinned_memory", "disable_smart_memory", "disable_xformers", "dont_print_server"),
    *("dont_upcast_attention", "enable_compress_response_body", "fast_disk", "force_channels_last"),
    *("force_fp16", "force_fp32", "force_non_blocking", "force_upcast_attention", "fp16_text_enc", "fp16_unet"),
    *("fp16_vae", "fp32_text_enc", "fp32_unet", "fp32_vae", "fp64_unet", "fp8_e4m3fn_text_enc", "fp8_e4m3fn_unet"),
    *("fp8_e5m2_text_enc", "fp8_e5m2_unet", "fp8_e8m0fnu_unet", "bf16_unet", "bf16_vae", "bf16_text_enc"),
    *("gpu_only", "highvram", "log_stdout", "lowvram", "mmap_torch_files", "multi_user", "normalvram", "novram"),
    *("quick_test_for_ci", "supports_fp8_compute", "use_flash_attention", "use_pytorch_cross_attention"),
    *("use_quad_cross_attention", "use_sage_attention", "use_split_cross_attention", "windows_standalone_build"),
)
_NONE = (
    *("base_directory", "cuda_device", "cuda_malloc", "default_device", "directml", "enable_cors_header"),
    *("extra_model_paths_config", "front_end_root", "input_directory", "oneapi_device_selector", "output_directory"),
    *("reserve_vram", "temp_directory", "tls_certfile", "tls_keyfile", "user_directory", "cache_ram"),
)

args: Any = argparse.Namespace(
    **dict.fromkeys(_OFF, False),
    **dict.fromkeys(_NONE),
    listen="127.0.0.1",
    port=8188,
    preview_method=LatentPreviewMethod.Auto,
    preview_size=512,
    max_upload_size=100,
    cache_lru=0,
    cache_none=False,
    cache_classic=False,
    default_hashing_function="sha256",
    fast=set(),
    verbose="INFO",
    whitelist_custom_nodes=[],
    front_end_version="comfyanonymous/ComfyUI@latest",
    comfy_api_base="https://api.comfy.org",
    database_url=None,
    async_offload=False,
)


def take(options: argparse.Namespace) -> None:
    """Show the options the server was started with."""
    for name, value in vars(options).items():
        if name.endswith("_directory") and value is not None:
            setattr(args, name, str(value))
        elif name not in ("command", "unknown", "preview_method"):
            setattr(args, name, value)
    args.preview_method = LatentPreviewMethod.from_string(options.preview_method) or LatentPreviewMethod.Auto


parser: Any = argparse.ArgumentParser()
