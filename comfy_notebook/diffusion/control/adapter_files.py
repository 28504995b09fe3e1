"""T2I adapters in files: TencentARC's names, or those of diffusers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..checkpoints.layout import Layout, Piece
from .adapter import AdapterNetwork
from .recognised import Recognised, count

Shapes = Mapping[str, tuple[int, ...]]
#: Residual blocks of each level in TencentARC's full adapters, which number them through.
_BLOCKS = 2
_FLAT = re.compile(r"body\.(\d+)\.(block1|block2|in_conv)\.(weight|bias)")
_LIGHT = re.compile(r"body\.(\d+)\.body\.(\d+)\.(.+)")


def recognise(shapes: Shapes) -> Recognised | None:
    """The adapter with weights of these names and shapes, None where they are of another kind."""
    layout = Layout()
    for name, shape in shapes.items():
        bare = name.removeprefix("adapter.")
        if name != bare:
            layout.add(name, shape, Piece(name))
        elif bare.startswith(("body.", "conv_in.")):
            layout.add(name, shape, Piece(f"adapter.{_named(bare, 'conv_in.weight' not in shapes)}"))
    sizes = {pieces[0].parameter: layout.shapes[name] for name, pieces in layout.pieces.items()}
    if "adapter.body.0.resnets.0.block1.weight" not in sizes:
        return None
    config = _full(sizes) if "adapter.conv_in.weight" in sizes else _light(sizes)

    def module() -> Any:
        from diffusers.models.adapter import T2IAdapter

        return T2IAdapter(**config)

    return Recognised(module, layout, AdapterNetwork, ("float16", "bfloat16", "float32"))


def _named(name: str, light: bool) -> str:
    """What diffusers calls a weight of TencentARC's files."""
    if light:
        match = _LIGHT.fullmatch(name)
        return f"body.{match[1]}.resnets.{match[2]}.{match[3]}" if match else name
    match = _FLAT.fullmatch(name)
    if match is None:
        return name
    level, block = divmod(int(match[1]), _BLOCKS)
    part = "in_conv" if match[2] == "in_conv" else f"resnets.{block}.{match[2]}"
    return f"body.{level}.{part}.{match[3]}"


def _full(sizes: Shapes) -> dict[str, Any]:
    levels = count(sizes, "adapter.body.")
    values = sizes["adapter.conv_in.weight"][1]
    # Squares of 8 × 8 pixels for SD 1 (in colour 192 values), of 16 × 16 for XL (768, in grey 256).
    xl = values in (256, 768)
    return {
        "in_channels": values // (256 if xl else 64),
        "channels": [sizes[f"adapter.body.{level}.resnets.0.block1.weight"][0] for level in range(levels)],
        "num_res_blocks": count(sizes, "adapter.body.0.resnets."),
        "downscale_factor": 16 if xl else 8,
        "adapter_type": "full_adapter_xl" if xl else "full_adapter",
    }


def _light(sizes: Shapes) -> dict[str, Any]:
    levels = count(sizes, "adapter.body.")
    return {
        "in_channels": sizes["adapter.body.0.in_conv.weight"][1] // 64,
        "channels": [sizes[f"adapter.body.{level}.out_conv.weight"][0] for level in range(levels - 1)],
        "num_res_blocks": count(sizes, "adapter.body.0.resnets."),
        "downscale_factor": 8,
        "adapter_type": "light_adapter",
    }
