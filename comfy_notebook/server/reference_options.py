"""Options of the reference that change nothing here. A script that passes them must be able to start this server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

_SWITCHES = (
    *(
        "auto-launch",
        "disable-auto-launch",
        "windows-standalone-build",
        "dont-print-server",
        "multi-user",
        "log-stdout",
    ),
    *("cuda-malloc", "disable-cuda-malloc", "deterministic", "force-channels-last", "force-non-blocking"),
    *("fp64-unet", "fp32-unet", "fp16-unet", "bf16-unet", "fp8_e4m3fn-unet"),
    *("fp8_e5m2-unet", "fp8_e8m0fnu-unet", "fp16-vae", "fp32-vae", "bf16-vae", "fp8_e4m3fn-text-enc"),
    *("fp8_e5m2-text-enc", "fp16-text-enc", "fp32-text-enc", "bf16-text-enc", "supports-fp8-compute"),
    *("use-split-cross-attention", "use-quad-cross-attention", "use-pytorch-cross-attention", "use-sage-attention"),
    *("use-flash-attention", "disable-xformers", "force-upcast-attention", "dont-upcast-attention"),
    *("normalvram", "disable-smart-memory", "disable-async-offload"),
    *("disable-pinned-memory", "disable-dynamic-vram", "enable-dynamic-vram", "fast-disk", "mmap-torch-files"),
    *("disable-mmap", "disable-ipex-optimize", "disable-api-nodes", "enable-assets", "disable-assets-autoscan"),
    *("enable-manager", "disable-manager-ui", "enable-manager-legacy-ui"),
)
_WITH_VALUE = (
    *("default-device", "oneapi-device-selector", "preview-size", "default-hashing-function"),
    *("front-end-version", "front-end-root", "comfy-api-base", "database-url", "feature-flag"),
)
#: Options that may stand alone or before values.
_MAYBE_VALUES = {"directml": "?", "async-offload": "?", "fast": "*"}


class _Ignored(argparse.Action):
    """Keeps the value, for packs that look at it, and remembers to say that it changes nothing."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, True if self.nargs == 0 or values is None else values)
        ignored: list[str] = getattr(namespace, "ignored", [])
        namespace.ignored = [*ignored, option_string or self.dest]


def add_ignored_options(command: argparse.ArgumentParser) -> None:
    """Let ``command`` take them; those that were given are in ``options.ignored``."""
    command.set_defaults(ignored=[])
    kinds: dict[str, Any] = {**dict.fromkeys(_SWITCHES, 0), **dict.fromkeys(_WITH_VALUE), **_MAYBE_VALUES}
    for name, nargs in kinds.items():
        command.add_argument(
            f"--{name}", action=_Ignored, nargs=nargs, default=argparse.SUPPRESS, help=argparse.SUPPRESS
        )
